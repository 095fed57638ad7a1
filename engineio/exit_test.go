package engineio_test

import (
	"net/http"
	"runtime"
	"testing"

	"github.com/gosocketio/socketio/engineio"
)

// modes are the ways to wait for bytes that there are on every system.
var modes = map[string]engineio.ConnectionMode{"auto": engineio.AutoMode, "portable": engineio.PortableMode}

// An event handler that ends its goroutine, or whose panic net/http survives, ends its own connection and keeps nothing from
// ending.
func TestEventThatDoesNotReturn(t *testing.T) {
	exits := map[string]func(){"Goexit": runtime.Goexit, "panic": func() { panic(http.ErrAbortHandler) }}
	for mode, m := range modes {
		for name, exit := range exits {
			t.Run("Connection, "+mode+", "+name, func(t *testing.T) {
				s := start(t, engineio.Config{ConnectionMode: m, Events: engineio.Events{Connection: func(*engineio.Session) { exit() }}})
				s.dial(direct).wantEnd()
				if got := next(t, s.closings); got.reason != engineio.ReasonTransportClose || got.cause == nil {
					t.Errorf("closed with %+v", got)
				}
			})
		}
		t.Run("Message, "+mode, func(t *testing.T) {
			s := start(t, engineio.Config{ConnectionMode: m, Events: engineio.Events{Message: func(_ *engineio.Session, data []byte, _ bool) {
				if string(data) == "exit" {
					runtime.Goexit()
				}
			}}})
			c := s.dial(direct)
			c.open()
			c.send("4on")
			c.send("4exit")
			c.wantEnd()
			if got := next(t, s.closings); got.reason != engineio.ReasonTransportClose {
				t.Errorf("closed with %+v", got)
			}
		})
	}
	t.Run("Connection, polling", func(t *testing.T) {
		s := start(t, engineio.Config{Events: engineio.Events{Connection: func(*engineio.Session) { runtime.Goexit() }}})
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"?EIO=4&transport=polling", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.do(r); err == nil {
			t.Errorf("answered with %+v", got)
		}
	})
}

// A Connection event can wait for what it sends, however much that is.
func TestConnectionEventThatWaitsForItsMessage(t *testing.T) {
	for mode, m := range modes {
		t.Run(mode, func(t *testing.T) {
			wrote := make(chan struct{}, 10)
			s := start(t, engineio.Config{ConnectionMode: m, MaxBufferedBytes: 64 << 20, Events: engineio.Events{
				Connection: func(x *engineio.Session) {
					if err := x.Send(make([]byte, 16<<20), true); err != nil {
						t.Error(err)
					}
					next(t, wrote)
				},
				Drain: func(*engineio.Session) { wrote <- struct{}{} },
			}})
			c := s.dial(direct)
			c.open()
			if got, _, err := c.read(); len(got) != 16<<20 || err != nil {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			next(t, s.sessions)
		})
	}
}

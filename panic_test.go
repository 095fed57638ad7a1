package socketio_test

import (
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/lockedbuffer"
)

// Whatever panics, or ends its goroutine: the socket goes on, is connected and disconnected once,
// and leaves its rooms.
func TestPanics(t *testing.T) {
	cause := errors.New("the cause")
	for what, do := range map[string]func(){
		"panic":  func() { panic(cause) },
		"Goexit": runtime.Goexit,
	} {
		t.Run(what, func(t *testing.T) {
			var log lockedbuffer.Buffer
			var mu sync.Mutex
			var reported []error
			f := start(t, func(c *socketio.Config) {
				c.Logger = slog.New(slog.NewTextHandler(&log, nil))
				c.OnError = func(_ *socketio.Socket, err error) {
					mu.Lock()
					reported = append(reported, err)
					mu.Unlock()
					panic("the hook too")
				}
			})
			main := f.Of("/")
			main.OnConnection(func(s *socketio.Socket) {
				s.Join("room")
				if what == "panic" { // a Goexit would skip the other functions of the same event
					s.OnAny(func(*socketio.Event) { do() })
					s.OnAnyOutgoing(func(*socketio.Socket, string, []any) { do() })
				}
				do()
			})
			main.Handle("x", func(e *socketio.Event) error { do(); return nil })
			main.Handle("echo", func(e *socketio.Event) error { return e.Ack() })
			main.OnDisconnecting(func(*socketio.Socket, socketio.Reason) { do() })
			disconnected := disconnects(main)
			main.OnDisconnect(func(*socketio.Socket, socketio.Reason) { do() })

			conn := f.WebSocket()
			conn.Join("/", "")
			conn.Send(`42["x"]`, `42["x"]`, `420["echo"]`)
			conn.Want(`430[]`)
			if err := main.To("room").Emit("e"); err != nil {
				t.Fatal(err)
			}
			conn.Want(`42["e"]`)
			conn.Close()
			if d := wait(t, disconnected); len(d.socket.Rooms()) != 0 {
				t.Errorf("rooms %q", d.socket.Rooms())
			}
			f.stop(t)
			none(t, disconnected)

			if what == "Goexit" {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			// connection, any x3, handler x2, outgoing, disconnecting, disconnect
			if len(reported) != 9 {
				t.Errorf("%d errors reported: %v", len(reported), reported)
			}
			for _, err := range reported {
				var p *socketio.PanicError
				if !errors.As(err, &p) || !errors.Is(err, cause) || !strings.Contains(string(p.Stack), "panic_test.go") {
					t.Errorf("reported %v", err)
				}
			}
			if got := strings.Count(log.String(), "panic_test.go"); got < 9 {
				t.Errorf("%d stacks in the log", got)
			}
		})
	}
}

// Without a hook errors are logged.
func TestErrorsAreLogged(t *testing.T) {
	var log lockedbuffer.Buffer
	f := start(t, func(c *socketio.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	f.Of("/").Handle("x", func(e *socketio.Event) error { return errors.New("something broke") })
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Send(`420["x"]`)
	conn.Want(`430[{"error":{"message":"internal error"}}]`)
	if got := log.String(); !strings.Contains(got, "something broke") || !strings.Contains(got, "socket=") {
		t.Errorf("log is %s", got)
	}
	conn.Send(`4garbage`)
	conn.WantClose()
	f.stop(t)
	if got := log.String(); strings.Count(got, "unknown packet type") != 1 {
		t.Errorf("log is %s", got)
	}
}

// What is no fault of the program does not fill its log.
func TestQuietErrors(t *testing.T) {
	var log lockedbuffer.Buffer
	f := start(t, func(c *socketio.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	main := f.Of("/")
	main.Handle("refuse", func(*socketio.Event) error { return &socketio.Error{Message: "no"} })
	main.Handle("gone", func(e *socketio.Event) error {
		<-e.Context().Done()
		return e.Socket().Emit("too late")
	})
	disconnected := disconnects(main)
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Send(`420["refuse"]`, `42["gone"]`)
	conn.Want(`430[{"error":{"message":"no"}}]`)
	conn.Close()
	wait(t, disconnected)
	if got := log.String(); got != "" {
		t.Errorf("log is %s", got)
	}
}

package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// overPipes runs a test in a bubble for each transport; read returns the packets that come next,
// one at a time.
func overPipes(t *testing.T, test func(t *testing.T, f *fixture, join func() (read func() string))) {
	t.Helper()
	t.Run("websocket", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := startPipe(t)
			test(t, f, func() func() string {
				c := f.WebSocket()
				c.Send("40")
				return c.Read
			})
		})
	})
	t.Run("polling", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := startPipe(t)
			test(t, f, func() func() string {
				p := f.Polling()
				p.Send("40")
				return polled(t, p)
			})
		})
	})
}

// polled returns the packets of a polling session one at a time.
func polled(t *testing.T, p *rawclient.Poller) func() string {
	var packets []string
	return func() string {
		if len(packets) == 0 {
			status, body := p.Get()
			if status != 200 {
				t.Fatalf("GET got %d %q", status, body)
			}
			packets = strings.Split(body, "\x1e")
		}
		next := packets[0]
		packets = packets[1:]
		return next
	}
}

// What connection handlers do at once is done when the client learns that it is connected, and what
// they send follows that.
func TestConnectionHandlersComeFirst(t *testing.T) {
	overPipes(t, func(t *testing.T, f *fixture, join func() func() string) {
		main := f.Of("/")
		main.OnConnection(func(s *socketio.Socket) {
			_ = s.Emit("welcome")
			time.Sleep(20 * time.Millisecond) // fake time: a look into a database
			s.Join("room")
		})
		start := time.Now()
		read := join()
		if got := read(); !strings.HasPrefix(got, `40{"sid":`) {
			t.Fatalf("first came %s", got)
		}
		if took := time.Since(start); took < 20*time.Millisecond || took >= 50*time.Millisecond {
			t.Errorf("connected after %v", took)
		}
		if err := main.To("room").Emit("in the room"); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`42["welcome"]`, `42["in the room"]`} {
			if got := read(); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}

// A handler may run for ever: the client does not wait for it. What others send meanwhile comes
// after the CONNECT.
func TestConnectionHandlerThatStays(t *testing.T) {
	overPipes(t, func(t *testing.T, f *fixture, join func() func() string) {
		main := f.Of("/")
		entered := make(chan struct{})
		main.OnConnection(func(s *socketio.Socket) {
			close(entered)
			<-s.Context().Done()
		})
		start := time.Now()
		read := join()
		<-entered
		if err := main.Emit("news", []byte{1}); err != nil {
			t.Fatal(err)
		}
		if got := read(); !strings.HasPrefix(got, `40{"sid":`) {
			t.Fatalf("first came %s", got)
		}
		if took := time.Since(start); took < 50*time.Millisecond || took > 60*time.Millisecond {
			t.Errorf("connected after %v", took)
		}
		if got := read(); got != `451-["news",{"_placeholder":true,"num":0}]` {
			t.Errorf("got %s", got)
		}
	})
}

// A handler that waits for its client's answer, or sends a lot, does not wait for the end of the
// hold.
func TestConnectionHandlerThatAsks(t *testing.T) {
	for name, first := range map[string]func(*socketio.Socket){
		"asks": func(s *socketio.Socket) { _, _ = s.EmitWithAck(context.Background(), "question") },
		"sends a lot": func(s *socketio.Socket) {
			_ = s.Emit("much", strings.Repeat("x", 100_000))
			<-s.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			overPipes(t, func(t *testing.T, f *fixture, join func() func() string) {
				f.Of("/").OnConnection(first)
				start := time.Now()
				read := join()
				if got := read(); !strings.HasPrefix(got, `40{"sid":`) {
					t.Fatalf("first came %s", got)
				}
				if got := read(); !strings.HasPrefix(got, `42["much"`) && got != `420["question"]` {
					t.Errorf("got %.20s", got)
				}
				if took := time.Since(start); took != 0 {
					t.Errorf("connected after %v", took)
				}
			})
		})
	}
}

// A socket that its connection handler disconnects has been connected first.
func TestConnectionHandlerThatDisconnects(t *testing.T) {
	for _, close := range []bool{false, true} {
		t.Run(fmt.Sprint(close), func(t *testing.T) {
			overPipes(t, func(t *testing.T, f *fixture, join func() func() string) {
				f.Of("/").OnConnection(func(s *socketio.Socket) {
					_ = s.Emit("bye")
					s.Disconnect(close)
				})
				read := join()
				if got := read(); !strings.HasPrefix(got, `40{"sid":`) {
					t.Fatalf("first came %s", got)
				}
				for _, want := range []string{`42["bye"]`, "41"} {
					if got := read(); got != want {
						t.Errorf("got %s, want %s", got, want)
					}
				}
			})
		})
	}
}

// A connection that is closed the moment its client learns that it is connected still says so:
// nothing that was sent before is lost to the close.
func TestCloseBehindTheHold(t *testing.T) {
	f := start(t)
	main, chat := f.Of("/"), f.Of("/chat")
	for range 300 {
		c := f.WebSocket()
		c.Send("40/chat,")
		id := c.Joined("/chat")
		s, ok := chat.Socket(id)
		if !ok {
			t.Fatal("not connected")
		}
		c.Send("40")
		other, _ := main.Socket(c.Joined("/"))
		if other == nil {
			t.Fatal("not connected")
		}
		go s.Disconnect(true)
		got := map[string]bool{c.Read(): true, c.Read(): true}
		if !got["41"] || !got["41/chat,"] {
			t.Fatalf("got %v", got)
		}
		c.WantClose()
	}
}

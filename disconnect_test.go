package socketio_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// Every way in which a socket of "/" can end, and what the client sees.
func TestDisconnectReasons(t *testing.T) {
	t.Attr("covers", "easy/39 socketio/namespaces/13")
	for _, c := range []struct {
		name   string
		do     func(t *testing.T, conn *rawclient.Conn, s *socketio.Socket)
		reason socketio.Reason
		caused bool
	}{
		{"client leaves", func(t *testing.T, conn *rawclient.Conn, _ *socketio.Socket) {
			conn.Send("41", "40/chat,") // nothing is answered, the connection stays open
			conn.Joined("/chat")
		}, socketio.ReasonClientNamespaceDisconnect, false},
		{"client closes", func(_ *testing.T, conn *rawclient.Conn, _ *socketio.Socket) {
			conn.Close()
		}, socketio.ReasonTransportClose, true},
		{"server disconnects", func(t *testing.T, conn *rawclient.Conn, s *socketio.Socket) {
			s.Disconnect(false)
			conn.Want("41")
			conn.Join("/chat", "") // the connection stays open
		}, socketio.ReasonServerNamespaceDisconnect, false},
		{"server disconnects everything", func(t *testing.T, conn *rawclient.Conn, s *socketio.Socket) {
			s.Disconnect(true)
			conn.Want("41")
			conn.WantClose()
		}, socketio.ReasonServerNamespaceDisconnect, false},
		{"engine closes", func(t *testing.T, conn *rawclient.Conn, s *socketio.Socket) {
			s.Conn().Close()
			conn.WantClose()
		}, socketio.ReasonForcedClose, false},
		{"violation", func(t *testing.T, conn *rawclient.Conn, s *socketio.Socket) {
			conn.Send("41/nowhere,")
			conn.WantClose()
		}, socketio.ReasonForcedServerClose, true},
		{"bad engine packet", func(t *testing.T, conn *rawclient.Conn, s *socketio.Socket) {
			conn.Send("x")
			conn.WantClose()
		}, socketio.ReasonParseError, true},
		{"bad WebSocket message", func(t *testing.T, conn *rawclient.Conn, s *socketio.Socket) {
			conn.Send("4\xff")
			conn.WantClose()
		}, socketio.ReasonTransportError, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t)
			f.Of("/chat")
			main := f.Of("/")
			var log []string
			done := make(chan struct{})
			note := func(what string) func(*socketio.Socket, socketio.Reason) {
				return func(s *socketio.Socket, r socketio.Reason) {
					if r != c.reason {
						t.Errorf("%s: reason %q", what, r)
					}
					if s.Connected() || s.Context().Err() == nil {
						t.Errorf("%s: still connected", what)
					}
					if err := s.Emit("x"); !errors.Is(err, socketio.ErrClosed) {
						t.Errorf("%s: Emit returned %v", what, err)
					}
					if err := main.Emit("nobody is there"); err != nil {
						t.Errorf("%s: broadcast returned %v", what, err)
					}
					s.Disconnect(true) // does nothing
					rooms := s.Rooms()
					slices.Sort(rooms)
					log = append(log, what)
					log = append(log, rooms[:len(rooms)-min(len(rooms), 1)]...) // without the own room, which sorts last
					if what == "disconnect of the socket" {
						close(done)
					}
				}
			}
			main.OnDisconnecting(note("disconnecting"))
			main.OnDisconnect(note("disconnect"))
			main.OnConnection(func(s *socketio.Socket) {
				s.OnDisconnecting(note("disconnecting of the socket"))
				s.OnDisconnect(note("disconnect of the socket"))
				s.Join("!a", "!b")
			})
			connected := connects(main)
			conn := f.WebSocket()
			conn.Join("/", "")
			s := wait(t, connected)
			conn.Send(`420["unheard"]`)
			c.do(t, conn, s)
			wait(t, done)
			want := []string{
				"disconnecting", "!a", "!b", "disconnecting of the socket", "!a", "!b",
				"disconnect", "disconnect of the socket",
			}
			if !slices.Equal(log, want) {
				t.Errorf("ran %q", log)
			}
			var why *socketio.DisconnectError
			if err := s.Err(); !errors.As(err, &why) || why.Reason != c.reason || (why.Cause != nil) != c.caused {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// disconnect(true) disconnects the client's sockets in all namespaces, all with the same reason.
func TestDisconnectAllNamespaces(t *testing.T) {
	t.Attr("covers", "easy/40 socketio/namespaces/12 socketio/socket/62")
	f := start(t)
	names := []string{"/", "/a", "/b"}
	var gones []<-chan gone
	var connected <-chan *socketio.Socket
	for _, name := range names {
		gones = append(gones, disconnects(f.Of(name)))
		connected = connects(f.Of(name))
	}
	conn := f.WebSocket()
	for _, name := range names {
		conn.Join(name, "")
	}
	wait(t, connected).Disconnect(true)
	// Each namespace has an order of its own.
	got := []string{conn.Read(), conn.Read(), conn.Read()}
	slices.Sort(got)
	if want := []string{"41", "41/a,", "41/b,"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	conn.WantClose()
	for _, ch := range gones {
		if d := wait(t, ch); d.reason != socketio.ReasonServerNamespaceDisconnect {
			t.Errorf("%s: %q", d.socket.Namespace().Name(), d.reason)
		}
	}
}

// What the client sent before it knew of the server's disconnect does no harm.
func TestInFlightAfterServerDisconnect(t *testing.T) {
	f := start(t)
	main := f.Of("/")
	connected := connects(main)
	main.Handle("x", func(*socketio.Event) error { t.Error("handled after the disconnect"); return nil })
	f.Of("/chat").Handle("echo", func(e *socketio.Event) error { return e.Ack() })
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Join("/chat", "")
	wait(t, connected).Disconnect(false)
	conn.Send(`42["x"]`, `420["x"]`, `430[]`, `41`, `42["x"]`, `42/chat,0["echo"]`)
	conn.Want(`41`, `43/chat,0[]`)
	conn.Join("/", "") // from here on the rule holds again
	conn.Send(`41`, `42["x"]`)
	conn.WantClose()
}

// A handler may disconnect its own socket; nothing that waits behind it is delivered.
func TestDisconnectInHandler(t *testing.T) {
	t.Attr("covers", "easy/39 socketio/socket/51")
	for _, close := range []bool{false, true} {
		f := start(t)
		main := f.Of("/")
		disconnected := disconnects(main)
		main.Handle("bye", func(e *socketio.Event) error {
			if err := e.Socket().Emit("last words"); err != nil {
				t.Error(err)
			}
			e.Socket().Disconnect(close)
			if e.Socket().Connected() {
				t.Error("still connected")
			}
			none(t, disconnected) // not while the handler runs
			return nil
		})
		main.Handle("bye", func(*socketio.Event) error { t.Error("the second handler ran"); return nil })
		main.Handle("x", func(*socketio.Event) error { t.Error("handled after the disconnect"); return nil })
		conn := f.WebSocket()
		conn.Join("/", "")
		conn.SendTogether(`42["bye"]`, `42["x"]`, `42["x"]`)
		conn.Want(`42["last words"]`, "41")
		if d := wait(t, disconnected); d.reason != socketio.ReasonServerNamespaceDisconnect {
			t.Errorf("reason %q", d.reason)
		}
		if close {
			conn.WantClose()
		}
	}
}

// A connection function may disconnect its socket, and a client may go while it runs: the
// disconnect comes after it.
func TestDisconnectInConnection(t *testing.T) {
	t.Attr("covers", "socketio/namespaces/10 socketio/namespaces/11")
	f := start(t)
	main := f.Of("/")
	disconnected := disconnects(main)
	n := 0
	main.OnConnection(func(s *socketio.Socket) { s.Disconnect(false) })
	main.OnConnection(func(s *socketio.Socket) {
		<-s.Context().Done()
		none(t, disconnected)
		n++
	})
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Want("41")
	wait(t, disconnected)
	if n != 1 {
		t.Errorf("the second connection function ran %d times", n)
	}
}

// Graceful close: what was emitted before is delivered.
func TestDisconnectDelivers(t *testing.T) {
	f := start(t)
	connected := connects(f.Of("/"))
	p := f.Polling()
	p.Join("/", "")
	s := wait(t, connected)
	for i := range 3 {
		if err := s.Emit("e", i); err != nil {
			t.Fatal(err)
		}
	}
	s.Disconnect(true)
	p.WantTogether(`42["e",0]`, `42["e",1]`, `42["e",2]`, `41`)
	p.WantEnd()
	p.WantGone()
}

// Events in one POST with the DISCONNECT of their socket are not handled, whatever the worker is
// doing; those of other sockets are.
func TestDisconnectInOnePostWithEvents(t *testing.T) {
	f := start(t)
	var ran atomic.Int32
	f.Of("/").Handle("x", func(*socketio.Event) error { ran.Add(1); return nil })
	busy := make(chan struct{})
	f.Of("/").Handle("busy", func(*socketio.Event) error { busy <- struct{}{}; return nil })
	f.Of("/").Handle("sync", func(e *socketio.Event) error { return e.Ack() })
	f.Of("/chat").Handle("sync", func(e *socketio.Event) error { return e.Ack() })
	disconnected := disconnects(f.Of("/"))
	p := f.Polling()
	p.Join("/chat", "")
	for range 200 {
		p.Join("/", "")
		p.Send(`42["busy"]`)
		wait(t, busy) // the worker is about to look for more
		p.Send(
			slices.Concat(
				[]string{`42["x",1]`, `42/chat,0["sync"]`},
				slices.Repeat([]string{`42/chat,["other"]`}, 500),
				[]string{`41`},
			)...)
		wait(t, disconnected)
		p.Want(`43/chat,0[]`)
	}
	if n := ran.Load(); n > 0 {
		t.Errorf("%d handlers ran", n)
	}
	p.Join("/", "")
	p.Send(`42["x",1]`, `421["sync"]`)
	p.Want(`431[]`)
	p.Send(`41`)
	if n := ran.Load(); n != 1 {
		t.Errorf("%d handlers ran of an event that came before", n)
	}
}

// A POST with more events than the inbox takes has all of them handled, in order.
func TestPostBeyondTheInbox(t *testing.T) {
	f := start(t, func(c *socketio.Config) { c.MaxInboxEvents = 4 })
	var got []int
	f.Of("/").Handle("x", func(e *socketio.Event) error {
		var n int
		err := e.Decode(&n)
		got = append(got, n)
		return err
	})
	f.Of("/").Handle("sync", func(e *socketio.Event) error { return e.Ack() })
	p := f.Polling()
	p.Join("/", "")
	var packets []string
	for i := range 100 {
		packets = append(packets, fmt.Sprintf(`42["x",%d]`, i))
	}
	p.Send(append(packets, `420["sync"]`)...)
	p.Want(`430[]`)
	if len(got) != 100 || !slices.IsSorted(got) {
		t.Errorf("handled %v", got)
	}
}

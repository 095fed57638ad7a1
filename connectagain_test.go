package socketio_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gosocketio/socketio"
)

// gate is a middleware that waits for pass; entered tells who is in it.
func gate(ns *socketio.Namespace) (entered <-chan *socketio.Socket, pass chan<- error) {
	in, out := make(chan *socketio.Socket, 10), make(chan error, 10)
	ns.Use(func(s *socketio.Socket) error {
		in <- s
		return <-out
	})
	return in, out
}

// A CONNECT for a namespace in which the client has a socket leaves all sockets as they are. One
// that waits for the answer to the first gets that one, once; later it gets the same answer again.
func TestConnectTwice(t *testing.T) {
	for _, transport := range []string{"websocket", "polling"} {
		for _, name := range []string{"/", "/chat"} {
			t.Run(transport+" "+name, func(t *testing.T) {
				f := start(t)
				ns, other := f.Of(name), f.Of("/other")
				entered, pass := gate(ns)
				connected, gone := connects(ns), disconnects(ns)
				goneOther := disconnects(other)
				f.Of("/other").Handle("echo", func(e *socketio.Event) error { return e.Ack("here") })
				ns.Handle("echo", func(e *socketio.Event) error { return e.Ack("here") })
				c := f.open(transport)
				c.Join("/other", "")
				at := strings.TrimPrefix(name+",", "/,")

				c.Send("40"+at+`{"who":"first"}`, "40"+at+`{"who":"second"}`)
				c.Send("40" + at)
				c.Send(`42/other,0["echo"]`) // when that is answered, all of them have arrived
				c.Want(`43/other,0["here"]`)
				wait(t, entered)
				pass <- nil
				s := wait(t, connected)
				answer := fmt.Sprintf(`40%s{"sid":"%s"}`, at, s.ID())
				c.Want(answer) // once
				c.Send("42" + at + `0["echo"]`)
				c.Want("43" + at + `0["here"]`)
				c.Send("40"+at, "40"+at+`{"who":"third"}`)
				c.Want(answer, answer)
				c.Send(`42/other,0["echo"]`)
				c.Want(`43/other,0["here"]`)

				none(t, entered)
				none(t, connected)
				none(t, gone)
				none(t, goneOther)
				if got := string(s.Handshake().Auth); got != `{"who":"first"}` || !s.Connected() || ns.Len() != 1 {
					t.Errorf("auth %s, connected %t, %d sockets", got, s.Connected(), ns.Len())
				}
			})
		}
	}
}

// After a refusal, and after a DISCONNECT, a CONNECT is the first again.
func TestConnectAgainAfterTheEnd(t *testing.T) {
	f := start(t)
	entered, pass := gate(f.Of("/"))
	connected := connects(f.Of("/"))
	f.Of("/other").Handle("echo", func(e *socketio.Event) error { return e.Ack() })
	conn := f.WebSocket()
	conn.Join("/other", "")
	conn.Send("40", "40", `42/other,0["echo"]`)
	conn.Want(`43/other,0[]`)
	wait(t, entered)
	pass <- &socketio.Error{Message: "no"}
	conn.Want(`44{"message":"no"}`)
	conn.Send("40")
	wait(t, entered)
	pass <- nil
	first := conn.Joined("/")
	wait(t, connected)
	conn.SendTogether("41", `40{"n":2}`)
	second := wait(t, entered)
	pass <- nil
	if id := conn.Joined("/"); id != second.ID() || id == first || string(second.Handshake().Auth) != `{"n":2}` {
		t.Errorf("%s came after %s, with %s", id, first, second.Handshake().Auth)
	}
}

// A client may leave a namespace whose middleware has not let it in yet, and join it again: the
// first CONNECT gets no answer, the second has its own.
func TestDisconnectWhileJoining(t *testing.T) {
	f := start(t)
	entered, pass := gate(f.Of("/"))
	connected, gone := connects(f.Of("/")), disconnects(f.Of("/"))
	f.Of("/other").Handle("echo", func(e *socketio.Event) error { return e.Ack() })
	conn := f.WebSocket()
	conn.Join("/other", "")
	conn.SendTogether(`40{"n":1}`, "41", `40{"n":2}`, "40")
	for range 2 {
		s := wait(t, entered)
		if string(s.Handshake().Auth) == `{"n":1}` {
			<-s.Context().Done()
		}
	}
	pass <- nil
	pass <- nil
	s := wait(t, connected)
	if id := conn.Joined("/"); id != s.ID() || string(s.Handshake().Auth) != `{"n":2}` {
		t.Errorf("%s was let in with %s", id, s.Handshake().Auth)
	}
	conn.Send(`430[]`, `42/other,0["echo"]`)
	conn.Want(`43/other,0[]`)
	none(t, connected)
	none(t, gone)
}

// With recovery a repeated CONNECT does not disturb the one that recovers, and the answer names the
// session again.
func TestConnectTwiceRecovering(t *testing.T) {
	f := start(t, func(c *socketio.Config) {
		c.ConnectionStateRecovery = &socketio.ConnectionStateRecovery{}
	})
	main := f.Of("/")
	connected := connects(main)
	conn := f.WebSocket()
	conn.Send("40")
	wait(t, connected)
	answer := conn.Read()
	if !strings.Contains(answer, `"pid":`) {
		t.Fatalf("got %s", answer)
	}
	conn.Send("40", "40{\"pid\":\"x\"}")
	conn.Want(answer, answer)
	none(t, connected)
}

// The official suite pins that the connection ends when a polling client repeats its CONNECT and
// never fetches an answer.
func TestConnectTwiceUnpolled(t *testing.T) {
	t.Attr("covers", "socketio/close/6")
	f := start(t)
	joined := connects(f.Of("/"))
	p := f.Polling()
	p.Send("40")
	s := wait(t, joined)
	p.Post("40")
	p.Want(`40{"sid":"` + s.ID() + `"}`)
	p.WantEnd()
	p.WantGone()
}

// A client before Socket.IO 3.0 that leaves a namespace and joins it again has the same id there.
// The second socket connects when the first one's disconnect callbacks have run, as in the official
// server, and then it is the one that is found under the id.
func TestRejoiningWithTheSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, func(e *socketio.Config) { e.AllowEIO3 = true })
		chat := f.Of("/chat")
		var order []string
		proceed := make(chan struct{})
		var first *socketio.Socket
		chat.OnConnection(func(s *socketio.Socket) {
			order = append(order, "connect")
			s.Join("room")
			if first == nil {
				first = s
			}
		})
		chat.OnDisconnecting(func(s *socketio.Socket, _ socketio.Reason) {
			if s == first {
				<-proceed
			}
			order = append(order, "disconnecting")
		})
		chat.OnDisconnect(func(*socketio.Socket, socketio.Reason) { order = append(order, "disconnect") })
		c, err := f.Dial(t.Context(), "EIO=3&transport=websocket", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Read()
		c.Want("40")
		c.Send("40/chat")
		c.Want("40/chat,")
		synctest.Wait()
		c.Send("41/chat", "40/chat")
		synctest.Wait()
		if want := []string{"connect"}; !slices.Equal(order, want) {
			t.Errorf("got %q, want %q", order, want)
		}
		close(proceed)
		c.Want("40/chat,")
		synctest.Wait()
		if want := []string{"connect", "disconnecting", "disconnect", "connect"}; !slices.Equal(order, want) {
			t.Errorf("got %q, want %q", order, want)
		}
		if s, ok := chat.Socket(first.ID()); !ok || s == first {
			t.Errorf("found %v, %t", s, ok)
		}
		first.Leave("room") // is nothing to the second one
		if rooms := first.Rooms(); rooms != nil {
			t.Errorf("the first one is in %q", rooms)
		}
		if err := chat.To("room").Emit("e"); err != nil {
			t.Fatal(err)
		}
		c.Want(`42/chat,["e"]`)
	})
}

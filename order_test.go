package socketio_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/gosocketio/socketio"
)

// Events of one socket are handled one at a time, in the order in which they arrived, whatever the
// handlers do.
func TestEventsInOrder(t *testing.T) {
	f := start(t)
	var running atomic.Int32
	f.Of("/").OnAny(func(e *socketio.Event) {
		if running.Add(1) != 1 {
			t.Error("two events are handled at once")
		}
		var n int
		if err := e.Decode(&n); err != nil {
			t.Error(err)
		}
		if err := e.Socket().Emit("back", n); err != nil {
			t.Error(err)
		}
		running.Add(-1)
	})
	conn := f.WebSocket()
	conn.Join("/", "")
	const n = 3000
	var batch []string
	for i := range n {
		batch = append(batch, fmt.Sprintf(`42["e%d",%d]`, i%7, i))
		if len(batch) == 50 {
			conn.SendTogether(batch...)
			batch = nil
		}
	}
	for i := range n {
		conn.Want(fmt.Sprintf(`42["back",%d]`, i))
	}
}

// The connection functions have returned before the first event is handled.
func TestConnectionBeforeEvents(t *testing.T) {
	f := start(t)
	release := make(chan struct{})
	var connected atomic.Bool
	f.Of("/").OnConnection(func(*socketio.Socket) {
		<-release
		connected.Store(true)
	})
	done := make(chan bool, 1)
	f.Of("/").Handle("x", func(*socketio.Event) error { done <- connected.Load(); return nil })
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Send(`42["x"]`)
	close(release)
	if !wait(t, done) {
		t.Error("the event came first")
	}
}

// A handler that blocks stops neither other namespaces, nor other clients, nor heartbeats, nor
// disconnects.
func TestBlockedHandler(t *testing.T) {
	f := start(t)
	began, release := make(chan *socketio.Socket, 1), make(chan struct{})
	main := f.Of("/")
	disconnected := disconnects(main)
	main.Handle("block", func(e *socketio.Event) error {
		began <- e.Socket()
		<-release
		return nil
	})
	main.Handle("never", func(*socketio.Event) error { t.Error("handled after the disconnect"); return nil })
	f.Of("/chat").Handle("echo", func(e *socketio.Event) error { return e.Ack(e.Args()...) })
	main.Handle("echo", func(e *socketio.Event) error { return e.Ack(e.Args()...) })

	conn, other := f.WebSocket(), f.WebSocket()
	conn.Join("/", "")
	conn.Join("/chat", "")
	other.Join("/", "")
	conn.Send(`42["block"]`)
	s := wait(t, began)
	conn.Send(`42["never"]`)

	conn.Send(`42/chat,1["echo","a"]`)
	conn.Want(`43/chat,1["a"]`)
	other.Send(`421["echo","b"]`)
	other.Want(`431["b"]`)

	conn.Send(`41`, `42/chat,2["echo","c"]`)
	conn.Want(`43/chat,2["c"]`)
	if s.Connected() || s.Context().Err() == nil {
		t.Error("the disconnect waits for the handler")
	}
	none(t, disconnected) // its callback does
	close(release)
	if d := wait(t, disconnected); d.socket != s || d.reason != socketio.ReasonClientNamespaceDisconnect {
		t.Errorf("%s disconnected: %s", d.socket.ID(), d.reason)
	}
}

// A handler may wait for an acknowledgement of its own client, also while more events wait behind
// it.
func TestHandlerAsksItsClient(t *testing.T) {
	for _, transport := range []string{"websocket", "polling"} {
		t.Run(transport, func(t *testing.T) {
			f := start(t)
			f.Of("/").Handle("ask", func(e *socketio.Event) error {
				r, err := e.Socket().EmitWithAck(e.Context(), "question", 42)
				if err != nil {
					return err
				}
				return e.Socket().Emit("answered", r.Args()...)
			})
			c := f.open(transport)
			c.Join("/", "")
			c.Send(`42["ask"]`, `42["ask"]`)
			c.Want(`420["question",42]`)
			c.Send(`430["a",1]`)
			c.Want(`42["answered","a",1]`, `421["question",42]`)
			c.Send(`431[]`)
			c.Want(`42["answered"]`)
		})
	}
}

// What the handlers of one batch of events send leaves in order, with everything else that is sent.
func TestRepliesOfABatch(t *testing.T) {
	f := start(t)
	f.Of("/").Handle("e", func(e *socketio.Event) error {
		var n int
		if err := e.Decode(&n); err != nil {
			return err
		}
		if err := e.Socket().Emit("a", n, []byte{byte(n)}); err != nil {
			return err
		}
		return e.Ack(n)
	})
	conn := f.WebSocket()
	conn.Join("/", "")
	var batch []string
	for i := range 100 {
		batch = append(batch, fmt.Sprintf(`42%d["e",%d]`, i, i))
	}
	conn.SendTogether(batch...)
	for i := range 100 {
		conn.Want(fmt.Sprintf(`451-["a",%d,{"_placeholder":true,"num":0}]`, i))
		conn.WantBinary([]byte{byte(i)})
		conn.Want(fmt.Sprintf(`43%d[%d]`, i, i))
	}
}

package socketio_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
)

// What a client may do in order to hurt, and what it gets.

func TestManyUnknownNamespaces(t *testing.T) {
	t.Attr("covers", "abuse/extra/1 abuse/CVE-2025-69199")
	const n, batch = 100_000, 100
	f := start(t)
	conn := f.WebSocket()
	for i := 0; i < n; i += batch {
		var packets []string
		for j := range batch {
			packets = append(packets, fmt.Sprintf("40/n%d", i+j))
		}
		conn.Send(packets...)
		for j := range batch {
			conn.Want(fmt.Sprintf(`44/n%d,{"message":"Invalid namespace"}`, i+j))
		}
	}
	if got := len(f.Namespaces()); got != 1 {
		t.Errorf("%d namespaces", got)
	}
	conn.Join("/", "")
}

func TestHugeEventName(t *testing.T) {
	t.Attr("covers", "abuse/extra/9")
	f := start(t)
	name := strings.Repeat("n", 900_000)
	f.Of("/").OnAny(func(e *socketio.Event) {
		if e.Name() == name {
			_ = e.Ack(len(e.Name()))
		}
	})
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Send(`421["` + name + `"]`)
	conn.Want(`431[900000]`)
}

func TestManyRooms(t *testing.T) {
	t.Attr("covers", "abuse/extra/8")
	const n = 10_000
	f := start(t)
	main := f.Of("/")
	disconnected := disconnects(main)
	main.Handle("join", func(e *socketio.Event) error {
		for i := range n {
			e.Socket().Join(fmt.Sprint("room", i))
		}
		return e.Ack(len(e.Socket().Rooms()))
	})
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Send(`420["join"]`)
	conn.Want(fmt.Sprintf(`430[%d]`, n+1))
	if err := main.To("room1", "room9999").Except("room0x").Emit("once"); err != nil {
		t.Fatal(err)
	}
	conn.Want(`42["once"]`)
	conn.Close()
	if d := wait(t, disconnected); len(d.socket.Rooms()) != 0 {
		t.Errorf("%d rooms are left", len(d.socket.Rooms()))
	}
}

// A client that joins and leaves without end keeps nothing behind.
func TestJoinAndLeaveWithoutEnd(t *testing.T) {
	f := start(t)
	main := f.Of("/")
	conn := f.WebSocket()
	for range 2000 {
		conn.Join("/", "")
		conn.Send("41")
	}
	conn.Join("/", "")
	if got := len(main.Sockets()); got != 1 {
		t.Errorf("%d sockets", got)
	}
}

// A client that is disconnected again and again by the server keeps nothing behind either.
func TestDisconnectedWithoutEnd(t *testing.T) {
	f := start(t)
	for i := range 100 {
		f.Of(fmt.Sprint("/n", i)).OnConnection(func(s *socketio.Socket) { s.Disconnect(false) })
	}
	conn := f.WebSocket()
	for i := range 100 {
		name := fmt.Sprint("/n", i)
		conn.Join(name, "")
		conn.Want("41" + name + ",")
	}
	conn.Send(`42/n99,["in flight"]`) // remembered
	f.Of("/")
	conn.Join("/", "")
	conn.Send(`42/n0,["long after"]`) // forgotten: only the last few are
	conn.WantClose()
}

package socketio_test

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/rooms"
)

// roomLog returns hooks that write down what they are told, and what reads it.
func roomLog() (h rooms.Hooks, read func() []string) {
	var mu sync.Mutex
	var list []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, what)
	}
	h = rooms.Hooks{
		Create: func(room string) { note("create " + room) },
		Join:   func(room, id string) { note(id + " joins " + room) },
		Leave:  func(room, id string) { note(id + " leaves " + room) },
		Delete: func(room string) { note("delete " + room) },
	}
	return h, func() []string {
		mu.Lock()
		defer mu.Unlock()
		l := list
		list = nil
		return l
	}
}

func TestOnRooms(t *testing.T) {
	t.Attr("covers", "easy/46 socketio/messaging-many/9")
	f := start(t)
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	hooks, log := roomLog()
	off := main.OnRooms(hooks)
	main.OnRooms(rooms.Hooks{Create: func(string) { panic("contained") }})
	main.Use(func(s *socketio.Socket) error { s.Join("early"); return nil })
	check := func(want ...string) {
		t.Helper()
		if d := cmp.Diff(want, log()); d != "" {
			t.Error(d)
		}
	}
	conn := f.WebSocket()
	id := conn.Join("/", "")
	s := wait(t, connected)
	check("create "+id, id+" joins "+id, "create early", id+" joins early")
	s.Join("r", "early")
	check("create r", id+" joins r")
	s.Leave("r")
	s.Leave("r")
	check(id+" leaves r", "delete r")
	if err := main.SocketsJoin("q"); err != nil {
		t.Fatal(err)
	}
	check("create q", id+" joins q")
	off()
	s.Join("unheard")
	check()
	main.OnRooms(hooks)
	s.Leave("unheard")
	check(id+" leaves unheard", "delete unheard")
	conn.Close()
	wait(t, disconnected)
	check(id+" leaves "+id, "delete "+id, id+" leaves q", "delete q", id+" leaves early", "delete early")
}

func TestOnRoomsOfParent(t *testing.T) {
	f := start(t)
	hooks, log := roomLog()
	f.OfFunc(func(string, json.RawMessage) bool { return true }).OnRooms(hooks)
	id := f.WebSocket().Join("/child", "")
	if d := cmp.Diff([]string{"create " + id, id + " joins " + id}, log()); d != "" {
		t.Error(d)
	}
}

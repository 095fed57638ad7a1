package socketio_test

import (
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
)

// nosyAdapter calls each method only once a function has returned.
type nosyAdapter struct {
	adapter.Adapter
	before   func(method string)
	selected func() // after Select
}

func (a *nosyAdapter) Add(s adapter.Socket) { a.before("Add"); a.Adapter.Add(s) }
func (a *nosyAdapter) Remove(id string)     { a.before("Remove"); a.Adapter.Remove(id) }
func (a *nosyAdapter) Join(id string, rooms ...string) {
	a.before("Join")
	a.Adapter.Join(id, rooms...)
}
func (a *nosyAdapter) Leave(id, room string)    { a.before("Leave"); a.Adapter.Leave(id, room) }
func (a *nosyAdapter) Rooms(id string) []string { a.before("Rooms"); return a.Adapter.Rooms(id) }
func (a *nosyAdapter) In(id, room string) bool  { a.before("In"); return a.Adapter.In(id, room) }
func (a *nosyAdapter) Get(id string) (adapter.Socket, bool) {
	a.before("Get")
	return a.Adapter.Get(id)
}
func (a *nosyAdapter) Len() int { a.before("Len"); return a.Adapter.Len() }
func (a *nosyAdapter) Select(dst []adapter.Socket, o adapter.Options) []adapter.Socket {
	a.before("Select")
	dst = a.Adapter.Select(dst, o)
	a.selected()
	return dst
}

// nosy starts a server with such an adapter for "/". The functions are to be set before there is a
// socket.
func nosy(t *testing.T) (*fixture, *nosyAdapter) {
	a := &nosyAdapter{before: func(string) {}, selected: func() {}}
	return start(t, recovering(socketio.ConnectionStateRecovery{}), func(c *socketio.Config) {
		c.Adapter = func(h adapter.Host) (adapter.Adapter, error) {
			inner, err := adapter.Memory(h)
			a.Adapter = inner
			return a, err
		}
	}), a
}

// An adapter may call the namespace back from any of its methods: it is called with no lock held.
func TestRecoveryAdapterCallsBack(t *testing.T) {
	f, a := nosy(t)
	ns := f.Of("/")
	called := make(map[string]bool)
	lock := make(chan struct{}, 1)
	a.before = func(method string) {
		lock <- struct{}{}
		called[method] = true
		<-lock
		ns.RecoveryStats()
	}
	emit(t, ns.Emit("nobody is there"))
	connected, disconnected := connects(ns), disconnects(ns)
	c, k := enter(t, f)
	s := wait(t, connected)
	s.Join("room", "left")
	s.Leave("left")
	emit(t, ns.To("room").Emit("seen"), s.Emit("mine"))
	k.event(t, c, `42["seen"]`)
	k.event(t, c, `42["mine"]`)
	c.Close()
	wait(t, disconnected)
	emit(t, ns.To("room").Emit("missed"))
	c = comeBack(f, k)
	k.event(t, c, `42["missed"]`)
	k.wantRecovered(t, c)
	lock <- struct{}{} // the end of the test calls more
	defer func() { <-lock }()
	for _, method := range []string{"Add", "Remove", "Join", "Leave", "Rooms", "Len", "Select"} {
		if !called[method] {
			t.Errorf("%s was not called", method)
		}
	}
}

// A socket that is recovered while a broadcast selects its targets gets the event, once: it is
// neither among the selected nor was the event in the log yet when the socket looked for what it
// missed.
func TestRecoveredDuringSelect(t *testing.T) {
	for name, test := range map[string]struct {
		rooms  []string
		before bool // recovered before the adapter selects
		want   bool
	}{
		"all":               {want: true},
		"its room":          {rooms: []string{"room"}, want: true},
		"another room":      {rooms: []string{"other"}},
		"selected and late": {rooms: []string{"room"}, before: true, want: true},
		"its own room":      {rooms: []string{"own"}, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			f, a := nosy(t)
			ns := f.Of("/")
			connected, disconnected := connects(ns), disconnects(ns)
			c, k := enter(t, f)
			s := wait(t, connected)
			s.Join("room")
			emit(t, s.Emit("seen"))
			k.event(t, c, `42["seen"]`)
			c.Close()
			wait(t, disconnected)
			once := true
			meet := func() {
				if once {
					once = false
					c = comeBack(f, k)
					k.wantRecovered(t, c)
				}
			}
			if test.before {
				a.before = func(method string) {
					if method == "Select" {
						meet()
					}
				}
			} else {
				a.selected = meet
			}
			rooms := test.rooms
			if len(rooms) > 0 && rooms[0] == "own" {
				rooms = []string{k.sid}
			}
			if rooms == nil {
				emit(t, ns.Emit("meanwhile"))
			} else {
				emit(t, ns.To(rooms...).Emit("meanwhile"))
			}
			emit(t, ns.Emit("after"))
			if test.want {
				k.event(t, c, `42["meanwhile"]`)
			}
			k.event(t, c, `42["after"]`)
		})
	}
}

package namespace

import "github.com/gosocketio/socketio/rooms"

// OnRooms adds functions that are told about the rooms of the namespace on this server as they come and go, and who joins and
// leaves them: "create-room", "join-room", "leave-room" and "delete-room" of the official server's adapter. The rooms named after
// a socket's id count. off removes them.
//
// Each runs on the goroutine that made the change, once it is made, and must not block. For one change Create runs before Join and
// Leave before Delete; changes made at the same time may interleave.
func (n *Namespace) OnRooms(h rooms.Hooks) (off func()) { return n.handlers.addRooms(n.hub, h) }

// OnRooms adds functions to namespaces made from now on, see [Namespace.OnRooms].
func (p *Parent) OnRooms(h rooms.Hooks) (off func()) { return p.handlers.addRooms(p.hub, h) }

func (s *handlerSet) addRooms(hub *Hub, h rooms.Hooks) (off func()) {
	l := &rooms.Hooks{
		Create: hub.roomHook(h.Create), Delete: hub.roomHook(h.Delete),
		Join: hub.memberHook(h.Join), Leave: hub.memberHook(h.Leave),
	}
	s.change(func(n *handlers) { n.rooms = with(n.rooms, l) })
	return func() { s.change(func(n *handlers) { n.rooms = without(n.rooms, l) }) }
}

// roomHook and memberHook contain the panics of a hook: it runs within whatever changed a room.
func (h *Hub) roomHook(fn func(room string)) func(string) {
	if fn == nil {
		return nil
	}
	return func(room string) { h.call(nil, "a room hook", func() { fn(room) }) }
}

func (h *Hub) memberHook(fn func(room, id string)) func(room, id string) {
	if fn == nil {
		return nil
	}
	return func(room, id string) { h.call(nil, "a room hook", func() { fn(room, id) }) }
}

// RoomHooks are those registered now.
func (h host) RoomHooks() []*rooms.Hooks { return h.ns.handlers.load().rooms }

package socketio

import "github.com/gosocketio/socketio/rooms"

// OnRooms adds functions that are told about the rooms of the namespace on this server as they come and go, and who joins and
// leaves them: "create-room", "join-room", "leave-room" and "delete-room" of the official server's adapter. The rooms named after
// a socket's id count. off removes them.
//
// Each runs on the goroutine that made the change, once it is made, and must not block. For one change Create runs before Join and
// Leave before Delete; changes made at the same time may interleave.
func (s *namespaceHandlers) OnRooms(h rooms.Hooks) (off func()) {
	l := &rooms.Hooks{
		Create: s.server.roomHook(h.Create), Delete: s.server.roomHook(h.Delete),
		Join: s.server.memberHook(h.Join), Leave: s.server.memberHook(h.Leave),
	}
	s.change(func(n *handlers) { n.rooms = with(n.rooms, l) })
	return func() { s.change(func(n *handlers) { n.rooms = without(n.rooms, l) }) }
}

// roomHook and memberHook contain the panics of a hook: it runs within whatever changed a room.
func (srv *Server) roomHook(fn func(room string)) func(string) {
	if fn == nil {
		return nil
	}
	return func(room string) { srv.call(nil, "a room hook", func() { fn(room) }) }
}

func (srv *Server) memberHook(fn func(room, id string)) func(room, id string) {
	if fn == nil {
		return nil
	}
	return func(room, id string) { srv.call(nil, "a room hook", func() { fn(room, id) }) }
}

// RoomHooks are those registered now.
func (h host) RoomHooks() []*rooms.Hooks { return h.ns.load().rooms }

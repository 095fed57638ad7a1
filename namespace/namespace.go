package namespace

import (
	"container/list"
	"sync/atomic"

	"github.com/gosocketio/socketio/adapter"
)

// Namespace is a set of sockets with handlers of their own, under one name. Get one from [Hub.Of]. All methods are
// safe for concurrent use; what is registered applies to events and sockets from then on.
//
// The operators (To, In, Except, Local, Volatile, Compress, Timeout) and what they lead to are those of [Operator]:
// without one, everybody in the namespace is meant.
type Namespace struct {
	name     string
	hub      *Hub
	adapter  adapter.Adapter
	handlers handlerSet
	ids      atomic.Uint64 // acknowledgement ids handed out
	recovery *recovery     // nil: off
	others   pace          // of events without handlers: listeners may hear them
	joining  pace          // of the connection handlers

	serverSide serverSideInbox
	parent     *Parent       // nil: none
	child      *list.Element // in the parent's children; its mu guards it
	brief      bool          // removed when its last visitor leaves
	visitors   int           // sockets, from their CONNECT until they are gone; Hub.mu guards it, and only a brief one counts
}

// Name returns the name, such as "/" or "/chat".
func (n *Namespace) Name() string { return n.name }

// Use adds a middleware. Middlewares run for each socket that wants to connect, in order, on a goroutine of that
// socket: they may block. The first error refuses the socket; an [*Error] is shown to the client as it is, any
// other as "internal error".
func (n *Namespace) Use(fn func(*Socket) error) {
	n.handlers.addMiddleware(fn)
}

// OnConnection adds a function that runs for each socket that connected, before any event of that socket is
// handled.
func (n *Namespace) OnConnection(fn func(*Socket)) {
	n.handlers.addConnection(fn)
}

// OnDisconnecting adds a function that runs when a socket has disconnected and its rooms can still be read.
func (n *Namespace) OnDisconnecting(fn func(*Socket, Reason)) { n.handlers.addDisconnecting(fn) }

// OnDisconnect adds a function that runs when a socket has disconnected and left its rooms: once for each socket
// that the OnConnection functions were called with.
func (n *Namespace) OnDisconnect(fn func(*Socket, Reason)) { n.handlers.addDisconnect(fn) }

// Handle adds a handler for an event of every socket; off removes it. It panics when event is a name that no client can send.
//
// An event may have several handlers: those of the namespace run before those of the socket, in the order of registration. When
// all have returned, a client that asked for an acknowledgement gets one, unless it has one or [Event.AckLater] was called.
func (n *Namespace) Handle(event string, fn func(*Event) error) (off func()) {
	return n.handlers.handle(event, fn)
}

// Off removes all handlers that [Namespace.Handle] added for an event.
func (n *Namespace) Off(event string) { n.handlers.off(event) }

// OnAny adds a function that sees every event of every socket before middlewares and handlers. off removes it.
func (n *Namespace) OnAny(fn func(*Event)) (off func()) { return n.handlers.addAny(fn, false) }

// PrependAny is OnAny in front of the functions that are there.
func (n *Namespace) PrependAny(fn func(*Event)) (off func()) { return n.handlers.addAny(fn, true) }

// OnAnyOutgoing adds a function that sees every event sent to a socket of the namespace, once for each socket that
// a broadcast reaches, acknowledgements not. Arguments that another server sent are json.RawMessage, unless they hold
// binary data. It runs on the sender's goroutine and must not block or change args. off removes it.
func (n *Namespace) OnAnyOutgoing(fn func(s *Socket, event string, args []any)) (off func()) {
	return n.handlers.addOutgoing(fn, false)
}

// PrependAnyOutgoing is OnAnyOutgoing in front of the functions that are there.
func (n *Namespace) PrependAnyOutgoing(fn func(s *Socket, event string, args []any)) (off func()) {
	return n.handlers.addOutgoing(fn, true)
}

// Socket returns the connected socket with this id, if it is on this server.
func (n *Namespace) Socket(id string) (*Socket, bool) {
	found, _ := n.adapter.Get(id)
	s, ok := found.(*Socket)
	if !ok || !s.Connected() {
		return nil, false
	}
	return s, true
}

// Sockets returns the connected sockets on this server, in the order in which they connected.
func (n *Namespace) Sockets() []*Socket {
	all := n.adapter.Select(nil, adapter.Options{})
	list := make([]*Socket, 0, len(all))
	for _, a := range all {
		if s, ok := a.(*Socket); ok && s.Connected() {
			list = append(list, s)
		}
	}
	return list
}

// Len returns the number of sockets on this server, those included whose disconnect callbacks have not run yet.
func (n *Namespace) Len() int { return n.adapter.Len() }

// AllRooms returns the rooms that sockets on this server are in, those named after their ids included, in no particular order.
func (n *Namespace) AllRooms() []string { return n.adapter.AllRooms() }

// RoomLen returns the number of sockets on this server in a room. Sockets count from shortly before they are connected until their
// OnDisconnecting functions have returned.
func (n *Namespace) RoomLen(room string) int { return n.adapter.RoomLen(room) }

// nextID returns a fresh acknowledgement id: 0, 1, 2... for sockets and broadcasts alike.
func (n *Namespace) nextID() uint64 { return n.ids.Add(1) - 1 }

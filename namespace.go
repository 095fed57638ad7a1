package socketio

import (
	"sync/atomic"

	"github.com/gosocketio/socketio/adapter"
)

// Namespace is a set of sockets with handlers of their own, under one name. Get one from [Server.Of]. All methods
// are safe for concurrent use. What is registered applies to later events and sockets.
//
// Without an operator (To, In, Except, Local, Volatile, Compress, Timeout) every socket of the namespace is targeted.
type Namespace struct{ core }

// core is what a Namespace and a Server, which is its namespace "/", have in common.
type core struct {
	operator          // targets every socket
	namespaceHandlers // what was registered

	name        string
	adapter     adapter.Adapter
	ids         atomic.Uint64 // acknowledgement ids handed out
	recovery    *recovery     // nil: off
	otherEvents loopPolicy    // of events without handlers: listeners may hear them
	joins       loopPolicy    // of the connection handlers

	serverSide serverSideInbox
}

// Name returns the name, such as "/" or "/chat".
func (n *Namespace) Name() string { return n.name }

// Socket returns the connected socket with this id, if it is on this server.
func (n *core) Socket(id string) (*Socket, bool) {
	found, _ := n.adapter.Get(id)
	s, ok := found.(*Socket)
	if !ok || !s.Connected() {
		return nil, false
	}
	return s, true
}

// Sockets returns the connected sockets on this server, in the order in which they connected.
func (n *core) Sockets() []*Socket {
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
func (n *core) AllRooms() []string { return n.adapter.AllRooms() }

// RoomLen returns the number of sockets on this server in a room. Sockets count from shortly before they are connected until their
// OnDisconnecting functions have returned.
func (n *core) RoomLen(room string) int { return n.adapter.RoomLen(room) }

// nextID returns a fresh acknowledgement id: 0, 1, 2... for sockets and broadcasts alike.
func (n *Namespace) nextID() uint64 { return n.ids.Add(1) - 1 }

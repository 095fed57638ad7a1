package adapter

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/gosocketio/socketio/rooms"
)

// Adapter reaches the sockets of one namespace. All methods are safe for concurrent use.
type Adapter interface {
	// Add registers a socket, in the room named after its id.
	Add(s Socket)
	// Remove takes a socket out of all rooms and forgets it.
	Remove(id string)
	// Join puts a local socket into rooms. Unknown ids are ignored.
	Join(id string, rooms ...string)
	// Leave takes a local socket out of a room.
	Leave(id, room string)
	// Rooms lists the rooms of a local socket, nil when it is unknown.
	Rooms(id string) []string
	// In tells whether a local socket is in a room.
	In(id, room string) bool
	// Get finds a local socket.
	Get(id string) (Socket, bool)
	// Len is the number of local sockets.
	Len() int
	// AllRooms lists the rooms of local sockets, those named after their ids included, in no particular order.
	AllRooms() []string
	// RoomLen is the number of local sockets in a room.
	RoomLen(room string) int
	// Select appends the local sockets that o means to dst.
	Select(dst []Socket, o Options) []Socket

	// Broadcast sends p to the sockets that o means, here first. It fails when p cannot be encoded or other servers
	// cannot be reached; one slow or gone socket is not an error.
	Broadcast(p *Packet, o Options) error
	// BroadcastWithAck is Broadcast with an acknowledgement asked of each socket. count is called once, with the
	// number of sockets that were asked on all servers, answer once per socket that answered or disconnected; both
	// from any goroutine, in any order, and they must not block. cancel forgets the answers that are still out; it
	// must be called.
	BroadcastWithAck(p *Packet, o Options, count func(n int), answer func(Answer)) (cancel func(), err error)

	// FetchSockets lists the sockets that o means on all servers, until ctx ends. A server that does not answer is
	// one error among the results.
	FetchSockets(ctx context.Context, o Options) iter.Seq2[Info, error]
	// AddSockets makes the sockets that o means join rooms, on all servers.
	AddSockets(o Options, rooms ...string) error
	// DelSockets makes the sockets that o means leave rooms, on all servers.
	DelSockets(o Options, rooms ...string) error
	// DisconnectSockets disconnects the sockets that o means on all servers; with close their whole connections.
	DisconnectSockets(o Options, close bool) error

	// ServerSideEmit sends p to the other servers, not to sockets and not to this server.
	ServerSideEmit(p *Packet) error
	// ServerSideEmitWithAck is ServerSideEmit with an answer asked of each server. It is to servers what BroadcastWithAck is to
	// sockets: count is called with the number of the other servers, answer once for each that answered (Answer.SocketID is
	// empty) or went away.
	ServerSideEmitWithAck(p *Packet, count func(n int), answer func(Answer)) (cancel func(), err error)
	// ServerCount is the number of servers, this one included.
	ServerCount(ctx context.Context) (int, error)
	// Close releases what the adapter holds. The namespace is not used any more.
	Close() error
}

// Factory makes the adapter of a namespace.
type Factory func(h Host) (Adapter, error)

// Host is what a namespace offers its adapter.
type Host interface {
	// Name is the namespace's name, such as "/" or "/chat".
	Name() string
	// Deliver sends p to the local sockets that o means, which it selects with Adapter.Select. It encodes p once; it queues to
	// each socket and never waits for one. The only error is that p cannot be encoded.
	Deliver(p *Packet, o Options) error
	// DeliverWithAck sends p to local sockets and asks each for an acknowledgement. The slice is not kept. count is called once,
	// before the first answer; see [Adapter] for count, answer and cancel.
	DeliverWithAck(to []Socket, p *Packet, f Flags, count func(n int), answer func(Answer)) (cancel func(), err error)
	// Disconnect disconnects local sockets; with close their whole connections.
	Disconnect(to []Socket, close bool)
	// Describe returns the Handshake and Data of a local socket, for another server; nil when it is not connected any more.
	Describe(s Socket) (handshake, data json.RawMessage)
	// ServerSideEvent hands over an event that another server sent with ServerSideEmit. It queues it and never waits for a
	// handler. Events are handled one at a time in the order of the calls.
	ServerSideEvent(e ServerSideEvent)
	// RoomHooks are to be told about changes of rooms; none when nobody wants to know. They may differ from call to call.
	RoomHooks() []*rooms.Hooks
}

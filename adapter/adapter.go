package adapter

import (
	"context"
	"encoding/json"
	"iter"
	"time"

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

// Socket is what an adapter sees of a namespace's socket.
type Socket interface {
	ID() string
}

// Packet is an event on its way to many: not encoded yet, because nobody may be there to read it.
type Packet struct {
	Event string
	Args  []any
}

// Options say who is meant, and how.
type Options struct {
	// Rooms are the rooms meant, everyone when empty. A socket in several of them is meant once.
	Rooms []string
	// Except are the rooms whose members are left out, whatever Rooms says.
	Except []string
	// Flags modify the delivery.
	Flags Flags
}

// Flags modify the delivery of a packet. Package clusterwire writes each of them but Local.
type Flags struct {
	// Local keeps it on this server.
	Local bool
	// Volatile drops it for each socket that could not be written to at once.
	Volatile bool
	// NoCompress sends it uncompressed even where the transport compresses.
	NoCompress bool
	// Timeout is how long acknowledgements are waited for; 0 when nobody said.
	Timeout time.Duration
}

// Answer is one socket's acknowledgement of a broadcast.
type Answer struct {
	// SocketID is the id of the socket that was asked.
	SocketID string
	// Args are what it answered, one JSON value each.
	Args []json.RawMessage
	// Attachments are the binary values that placeholders in Args refer to.
	Attachments [][]byte
	// Err, if set, is why there will be no answer: the socket disconnected.
	Err error
}

// ServerSideEvent is an event that another server sent.
type ServerSideEvent struct {
	// Event is the event's name.
	Event string
	// Args are its arguments, one JSON value each. They are kept.
	Args []json.RawMessage
	// Attachments are the binary values that placeholders in Args refer to.
	Attachments [][]byte
	// Answer, nil unless the sender wants to be answered, takes the one value that answers it. It is called at most once, from
	// any goroutine, and must not block.
	Answer func(value json.RawMessage, attachments [][]byte)
}

// Info describes a socket, on this server or on another one.
type Info struct {
	// ID is the socket's id.
	ID string
	// Rooms are the rooms that it was in when it was asked.
	Rooms []string
	// Local is the socket when it is on this server, otherwise nil.
	Local Socket
	// Handshake is how a socket that is not Local came, as JSON of the official server's form.
	Handshake json.RawMessage
	// Data is what the application keeps with a socket that is not Local and shares with other servers, as a JSON object.
	Data json.RawMessage
}

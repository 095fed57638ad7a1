package adapter

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"time"

	"github.com/gosocketio/socketio/rooms"
)

// Adapter reaches the sockets of one namespace. Its methods are safe for concurrent use.
type Adapter interface {
	// Add registers a socket, in the room named after its id.
	Add(s Socket)
	// Remove removes a socket from all rooms and forgets it.
	Remove(id string)
	// Join makes a local socket join rooms. It ignores an unknown id.
	Join(id string, rooms ...string)
	// Leave makes a local socket leave a room.
	Leave(id, room string)
	// Rooms returns the rooms of a local socket, nil when the id is unknown.
	Rooms(id string) []string
	// In reports whether a local socket is in a room.
	In(id, room string) bool
	// Get returns a local socket.
	Get(id string) (Socket, bool)
	// Len returns the number of local sockets.
	Len() int
	// AllRooms returns the rooms of local sockets, also those named after their ids, in no
	// particular order.
	AllRooms() []string
	// RoomLen returns the number of local sockets in a room.
	RoomLen(room string) int
	// Select appends the local sockets that o selects to dst.
	Select(dst []Socket, o Options) []Socket

	// Broadcast sends p to the sockets that o selects, on this server first.
	// It fails when p cannot be encoded or other servers cannot be reached. A slow or disconnected
	// socket is not an error.
	Broadcast(p *Packet, o Options) error
	// BroadcastWithAck is Broadcast that asks each socket for an acknowledgement.
	//
	// count is called once, with the number of sockets asked on all servers, and answer once per
	// socket that answered or disconnected. Both may be called from any goroutine, in any order,
	// and must not block. cancel drops the missing answers; the caller must call it.
	BroadcastWithAck(p *Packet, o Options, count func(n int), answer func(Answer)) (cancel func(), err error)

	// FetchSockets lists the sockets that o selects on all servers, until ctx ends.
	// A server that does not answer is one error among the results.
	FetchSockets(ctx context.Context, o Options) iter.Seq2[Info, error]
	// AddSockets makes the sockets that o selects join rooms, on all servers.
	AddSockets(o Options, rooms ...string) error
	// DelSockets makes the sockets that o selects leave rooms, on all servers.
	DelSockets(o Options, rooms ...string) error
	// DisconnectSockets disconnects the sockets that o selects on all servers.
	// With close it closes their whole connections.
	DisconnectSockets(o Options, close bool) error

	// ServerSideEmit sends p to the other servers, not to sockets and not to this server.
	ServerSideEmit(p *Packet) error
	// ServerSideEmitWithAck is ServerSideEmit that asks each server for an answer.
	// count is called with the number of other servers, answer once for each that answered (with an
	// empty Answer.SocketID) or has gone. Otherwise it is like BroadcastWithAck.
	ServerSideEmitWithAck(p *Packet, count func(n int), answer func(Answer)) (cancel func(), err error)
	// ServerCount returns the number of servers, including this one.
	ServerCount(ctx context.Context) (int, error)
	// Close releases the resources of the adapter. The namespace is not used afterwards.
	Close() error
}

// Recoverer is an adapter whose broker may keep a log: a [Cluster].
type Recoverer interface {
	// Log returns the log; ok is false unless the host recovers clients and the broker keeps a log. With
	// a log, Host.Deliver gets every broadcast that is not local with its position ([Packet.Position]).
	// A broadcast that could not be published has none, nor has one of an emitter that bypasses the log.
	Log() (log Log, ok bool)
}

var _ Recoverer = (*Cluster)(nil)

// Factory returns the adapter of a namespace.
type Factory func(h Host) (Adapter, error)

// Host is the part of a namespace that its adapter calls.
type Host interface {
	// Name returns the name of the namespace, such as "/" or "/chat".
	Name() string
	// Deliver sends p to the local sockets that o selects, by Adapter.Select.
	// It encodes p once, queues it for each socket and never waits for one. The only error is that
	// p cannot be encoded.
	Deliver(p *Packet, o Options) error
	// DeliverWithAck sends p to local sockets and asks each for an acknowledgement.
	// It does not keep the slice. It calls count once, before the first answer. See [Adapter] for
	// count, answer and cancel.
	DeliverWithAck(to []Socket, p *Packet, f Flags, count func(n int), answer func(Answer)) (cancel func(), err error)
	// Disconnect disconnects local sockets. With close it closes their whole connections.
	Disconnect(to []Socket, close bool)
	// Describe returns the Handshake and Data of a local socket, for another server.
	// Both are nil when the socket is disconnected.
	Describe(s Socket) (handshake, data json.RawMessage)
	// ServerSideEvent queues an event of another server and never waits for a handler.
	// Events are handled one at a time, in the order of the calls.
	ServerSideEvent(e ServerSideEvent)
	// RoomHooks returns the hooks for changes of rooms. They may differ from call to call.
	RoomHooks() []*rooms.Hooks
	// Recovery returns the time for which clients whose connection broke may return as the same socket,
	// 0 if they may not. It does not change.
	Recovery() time.Duration
	// Report handles an error that no call returns, such as a [GapError]. It matches ErrBroker. Report
	// does not block.
	Report(err error)
	// Logger returns the server's logger.
	Logger() *slog.Logger
}

// Socket is the part of a socket that its adapter sees.
type Socket interface {
	ID() string
}

// Options select the receivers of an event or a command, and how it is delivered.
type Options struct {
	// Rooms are the rooms whose members are selected; none means everyone. A socket in several of
	// them is selected once.
	Rooms []string
	// Except are the rooms whose members are left out, whatever Rooms says.
	Except []string
	// Flags modify the delivery.
	Flags Flags
}

// Flags modify the delivery of a packet. Package clusterwire writes each of them except Local.
type Flags struct {
	// Local keeps the packet on this server.
	Local bool
	// Volatile drops the packet for each socket that cannot be written to at once.
	Volatile bool
	// NoCompress sends the packet uncompressed even where the transport compresses.
	NoCompress bool
	// Timeout limits the wait for acknowledgements; 0 when it is not set.
	Timeout time.Duration
	// ExpectSingle means that the target is one socket: the first answer ends the wait
	// (expectSingleResponse of the official adapters).
	ExpectSingle bool
}

// Answer is the acknowledgement of one socket or server.
type Answer struct {
	// SocketID is the id of the socket that was asked.
	SocketID string
	// Args are the values of the answer, one JSON value each.
	Args []json.RawMessage
	// Attachments are the binary values that placeholders in Args refer to.
	Attachments [][]byte
	// Err, if set, is the reason for which there is no answer, such as a disconnect.
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
	// Answer sends the one value that answers the event. It is nil unless the sender wants an
	// answer.
	// It is called at most once, from any goroutine, and must not block.
	Answer func(value json.RawMessage, attachments [][]byte)
}

// Info describes a socket of this server or of another one.
type Info struct {
	// ID is the socket's id.
	ID string
	// Rooms are the rooms of the socket at the time of the request.
	Rooms []string
	// Local is the socket when it is on this server, otherwise nil.
	Local Socket
	// Handshake is the handshake of a socket on another server, as JSON in the official format.
	Handshake json.RawMessage
	// Data is the shared data of a socket on another server, as a JSON object.
	Data json.RawMessage
}

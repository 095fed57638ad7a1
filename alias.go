package socketio

import (
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/rooms"
)

// Types of the packages below that users of this one need.
type (
	// CORS says which web pages of other origins may connect.
	CORS = engineio.CORS
	// Admission limits the rate of new clients and their number.
	Admission = engineio.Admission
	// ByteLimit limits how fast connections are read from.
	ByteLimit = engineio.ByteLimit
	// DrainOptions are the options of [Server.Drain].
	DrainOptions = engineio.DrainOptions
	// PerMessageDeflate compresses the messages of WebSockets.
	PerMessageDeflate = engineio.PerMessageDeflate
	// ConnectionMode says how a server waits for the bytes of its WebSockets.
	ConnectionMode = engineio.ConnectionMode
	// Transport is a way to carry packets.
	Transport = engineio.Transport
	// RoomHooks are called when rooms are created and deleted, and when sockets join and leave them.
	RoomHooks = rooms.Hooks
	// PresenceHooks are called when rooms get their first socket in the cluster and lose their last one.
	PresenceHooks = adapter.PresenceHooks
	// Counted is a number of sockets in the cluster, and how old it is.
	Counted = adapter.Counted
	// MissingServersError ends a FetchSockets that not all servers have answered, or is that of a Count.
	MissingServersError = adapter.MissingServersError
	// GapError says that messages of other servers may have been lost (Hooks.Broker).
	GapError = adapter.GapError
	// TransportError is a cause of a disconnect: the connection broke, or the client broke a rule.
	TransportError = engineio.TransportError
)

// The connection modes.
const (
	// AutoMode, the default, uses event loops where that is possible and is portable elsewhere.
	AutoMode = engineio.AutoMode
	// PortableMode has one goroutine for each WebSocket.
	PortableMode = engineio.PortableMode
	// EventLoopMode has event loops for WebSockets on plain TCP. It needs Linux; elsewhere New fails.
	EventLoopMode = engineio.EventLoopMode
)

// The transports.
const (
	// Polling is HTTP long-polling.
	Polling = engineio.Polling
	// WebSocket is one WebSocket connection.
	WebSocket = engineio.WebSocket
	// WebTransport is one stream of a WebTransport session over HTTP/3; see package
	// engineio/webtransport.
	WebTransport = engineio.WebTransport
)

// Errors of the packages below. Compare with errors.Is.
var (
	// ErrQueueFull means that the client reads too slowly: its outbox was full, its connection closed.
	ErrQueueFull = engineio.ErrQueueFull
	// ErrSlowPeer is the cause of a disconnect: a write to the client took too long.
	ErrSlowPeer = engineio.ErrSlowPeer
	// ErrPayloadTooLarge is the cause of a disconnect: a message was larger than Config.MaxPayload,
	// or than Config.MaxUntrustedPayload before the client joined a namespace.
	ErrPayloadTooLarge = engineio.ErrPayloadTooLarge
	// ErrServerClosed is the cause of a disconnect: Drain or Shutdown closed the connection.
	ErrServerClosed = engineio.ErrServerClosed
	// ErrPacket is the cause of a disconnect: the client sent what is no Engine.IO packet.
	ErrPacket = wire.ErrPacket
	// ErrParse is the cause of a disconnect: the client sent what is no Socket.IO packet.
	ErrParse = protocol.ErrParse
	// ErrEncode means that an argument of an event, or an answer, cannot be encoded.
	ErrEncode = protocol.ErrEncode
	// ErrBroker means that the other servers could not be reached. The work on this one was done.
	ErrBroker = adapter.ErrBroker
	// ErrBrokerDown, ErrBrokerStalled and ErrTooLarge say why; they match ErrBroker.
	ErrBrokerDown = adapter.ErrBrokerDown
	// ErrBrokerStalled means that too much waits for the broker.
	ErrBrokerStalled = adapter.ErrBrokerStalled
	// ErrTooLarge means that a message is too large for the broker.
	ErrTooLarge = adapter.ErrTooLarge
	// ErrUncounted means that Count does not know how many sockets there are in the cluster.
	ErrUncounted = adapter.ErrUncounted
	// ErrServerGone means that a socket cannot answer because its server has gone.
	ErrServerGone = adapter.ErrServerGone
)

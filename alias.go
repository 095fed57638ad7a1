package socketio

import (
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/namespace"
	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/rooms"
)

// What is defined in package namespace and used by everybody.
type (
	// Namespace is a set of sockets with handlers of their own, under one name.
	Namespace = namespace.Namespace
	// Parent makes namespaces when clients ask for them.
	Parent = namespace.Parent
	// ParentOperator says which sockets of a parent's children are meant.
	ParentOperator = namespace.ParentOperator
	// Socket is a client in a namespace.
	Socket = namespace.Socket
	// Event is an event that a client sent.
	Event = namespace.Event
	// Operator says which sockets of a namespace are meant, and how to send to them.
	Operator = namespace.Operator
	// Sender is one socket and how to send to it.
	Sender = namespace.Sender
	// RemoteSocket is a socket as FetchSockets finds it.
	RemoteSocket = namespace.RemoteSocket
	// Reply is what a client answered to an event that asked for an acknowledgement.
	Reply = namespace.Reply
	// Handshake is how a socket came: the first request, and the client's auth.
	Handshake = namespace.Handshake
	// Reason says in the official server's words why a socket disconnected.
	Reason = namespace.Reason
	// ConnectionStateRecovery lets clients whose connection broke come back as the same socket.
	ConnectionStateRecovery = namespace.ConnectionStateRecovery
	// RecoveryStats is what a namespace keeps for clients that may come back.
	RecoveryStats = namespace.RecoveryStats
	// MissingServersError ends a FetchSockets that not all servers have answered.
	MissingServersError = adapter.MissingServersError
	// ServerSideEvent is an event that another server sent.
	ServerSideEvent = namespace.ServerSideEvent
	// Hooks are functions for logs, metrics and traces.
	Hooks = namespace.Hooks
	// ConnectInfo is what Hooks.Connect is told.
	ConnectInfo = namespace.ConnectInfo
	// RefuseInfo is what Hooks.Refuse is told.
	RefuseInfo = namespace.RefuseInfo
	// DisconnectInfo is what Hooks.Disconnect is told.
	DisconnectInfo = namespace.DisconnectInfo
	// ReceiveInfo is what Hooks.Receive is told.
	ReceiveInfo = namespace.ReceiveInfo
	// HandleInfo is what Hooks.Handle is told.
	HandleInfo = namespace.HandleInfo
	// EmitInfo is what Hooks.Emit is told.
	EmitInfo = namespace.EmitInfo
	// AckInfo is what Hooks.Ack is told.
	AckInfo = namespace.AckInfo
	// PauseInfo is what Hooks.Pause is told.
	PauseInfo = namespace.PauseInfo
	// RoomHooks are told about rooms as they come and go, and who joins and leaves them.
	RoomHooks = rooms.Hooks
	// Error is an error that the client may see.
	Error = namespace.Error
	// DisconnectError is why a socket is not connected any more.
	DisconnectError = namespace.DisconnectError
	// HandlerError is what Config.OnError is given when the handling of an event failed.
	HandlerError = namespace.HandlerError
	// PanicError is a panic of user code that was contained.
	PanicError = namespace.PanicError
	// MissingError ends an EmitWithAck to many that did not get all answers.
	MissingError = namespace.MissingError
	// TransportError is a cause of a disconnect: the connection broke, or the client broke a rule of its transport.
	TransportError = engineio.TransportError
)

// The reasons of a disconnect.
const (
	// ReasonTransportError: the connection broke, or the client broke a rule of its transport.
	ReasonTransportError = namespace.ReasonTransportError
	// ReasonTransportClose: the client closed the connection.
	ReasonTransportClose = namespace.ReasonTransportClose
	// ReasonForcedClose: the server closed the connection, for instance because a packet could not be decoded.
	ReasonForcedClose = namespace.ReasonForcedClose
	// ReasonPingTimeout: the client did not answer a ping in time.
	ReasonPingTimeout = namespace.ReasonPingTimeout
	// ReasonParseError: an Engine.IO packet could not be decoded.
	ReasonParseError = namespace.ReasonParseError
	// ReasonServerShuttingDown: Shutdown was called.
	ReasonServerShuttingDown = namespace.ReasonServerShuttingDown
	// ReasonForcedServerClose: the client broke a rule of the protocol.
	ReasonForcedServerClose = namespace.ReasonForcedServerClose
	// ReasonClientNamespaceDisconnect: the client left the namespace.
	ReasonClientNamespaceDisconnect = namespace.ReasonClientNamespaceDisconnect
	// ReasonServerNamespaceDisconnect: Disconnect was called.
	ReasonServerNamespaceDisconnect = namespace.ReasonServerNamespaceDisconnect
)

// Errors. Compare with errors.Is.
var (
	// ErrClosed: the socket is not connected (any more).
	ErrClosed = namespace.ErrClosed
	// ErrQueueFull: the client reads too slowly, what waits for it reached a limit, and its connection has been
	// closed.
	ErrQueueFull = engineio.ErrQueueFull
	// ErrSlowPeer: cause of a disconnect, the client did not take what was written to it in time.
	ErrSlowPeer = engineio.ErrSlowPeer
	// ErrConnectTimeout: cause of a disconnect, the client joined no namespace within Config.ConnectTimeout.
	ErrConnectTimeout = namespace.ErrConnectTimeout
	// ErrAttachmentTimeout: cause of a disconnect, the client announced binary attachments and did not send them
	// within Config.AttachmentTimeout.
	ErrAttachmentTimeout = namespace.ErrAttachmentTimeout
	// ErrPayloadTooLarge: cause of a disconnect, a message was larger than Config.MaxPayload, or, before the client
	// joined a namespace, than Config.MaxUntrustedPayload.
	ErrPayloadTooLarge = engineio.ErrPayloadTooLarge
	// ErrServerClosed: cause of a disconnect, Shutdown closed the connection.
	ErrServerClosed = engineio.ErrServerClosed
	// ErrPacket: cause of a disconnect, the client sent what is no Engine.IO packet.
	ErrPacket = wire.ErrPacket
	// ErrParse: cause of a disconnect, the client sent what is no Socket.IO packet.
	ErrParse = protocol.ErrParse
	// ErrEncode: an argument of an event, or an answer, cannot be encoded.
	ErrEncode = protocol.ErrEncode
	// ErrBroker: with several servers, the others could not be reached; what was to be done on this one is done.
	ErrBroker = adapter.ErrBroker
	// ErrServerGone: no answer will come of a socket whose server has gone.
	ErrServerGone = adapter.ErrServerGone
	// ErrReplaced is the cause of the disconnect of a socket whose client was recovered on another connection.
	ErrReplaced = namespace.ErrReplaced
	// ErrTimeout: no acknowledgement came in time.
	ErrTimeout = namespace.ErrTimeout
	// ErrArguments: what the client sent does not fit the Go types it was to be decoded into.
	ErrArguments = namespace.ErrArguments
	// ErrReservedEvent: the event name belongs to the protocol or to the client library.
	ErrReservedEvent = namespace.ErrReservedEvent
	// ErrAnswered: the event has been acknowledged before.
	ErrAnswered = namespace.ErrAnswered
	// ErrServerSideFull: other servers sent more than the handlers of OnServerSideEmit take.
	ErrServerSideFull = namespace.ErrServerSideFull
	// ErrProtocol: cause of a disconnect, the client broke a rule of the protocol.
	ErrProtocol = namespace.ErrProtocol
	// ErrConfig: a field of Config has a value that cannot work.
	ErrConfig = namespace.ErrConfig
)

// What is defined in package engineio.
type (
	// CORS says which web pages of other origins may connect.
	CORS = engineio.CORS
	// Admission limits how fast clients may come and how many there may be.
	Admission = engineio.Admission
	// PerMessageDeflate compresses the messages of WebSockets.
	PerMessageDeflate = engineio.PerMessageDeflate
	// ConnectionMode says how a server waits for the bytes of its WebSockets.
	ConnectionMode = engineio.ConnectionMode
	// Transport is a way to carry packets.
	Transport = engineio.Transport
)

// The connection modes.
const (
	// AutoMode, the default, leaves connections to event loops where that is possible and is portable elsewhere.
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
	// WebTransport is one stream of a WebTransport session over HTTP/3; see package engineio/webtransport.
	WebTransport = engineio.WebTransport
)

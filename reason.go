package socketio

import "github.com/gosocketio/socketio/engineio"

// Reason says in the official server's words why a socket disconnected. What exactly happened is in
// [DisconnectError.Cause].
type Reason string

// The reasons. The first five come from the connection below, the last four from this layer.
const (
	// ReasonTransportError: the connection broke, or the client broke a rule of its transport.
	ReasonTransportError = Reason(engineio.ReasonTransportError)
	// ReasonTransportClose: the client closed the connection.
	ReasonTransportClose = Reason(engineio.ReasonTransportClose)
	// ReasonForcedClose: the server closed the connection, for instance because a packet could not be decoded.
	ReasonForcedClose = Reason(engineio.ReasonForcedClose)
	// ReasonPingTimeout: the client did not answer a ping in time.
	ReasonPingTimeout = Reason(engineio.ReasonPingTimeout)
	// ReasonParseError: a packet below Socket.IO could not be decoded.
	ReasonParseError = Reason(engineio.ReasonParseError)
	// ReasonServerShuttingDown: [Server.Shutdown] was called.
	ReasonServerShuttingDown Reason = "server shutting down"
	// ReasonForcedServerClose: the client broke a rule of the protocol, such as an event for a namespace that it
	// had not joined.
	ReasonForcedServerClose Reason = "forced server close"
	// ReasonClientNamespaceDisconnect: the client left the namespace.
	ReasonClientNamespaceDisconnect Reason = "client namespace disconnect"
	// ReasonServerNamespaceDisconnect: [Socket.Disconnect] was called, or something that calls it.
	ReasonServerNamespaceDisconnect Reason = "server namespace disconnect"
)

package socketio

import (
	"errors"
	"fmt"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/refusal"
)

// Errors that methods of this package return. Compare with errors.Is.
var (
	// ErrClosed: the socket is not connected (any more).
	ErrClosed = errors.New("socketio: socket is not connected")
	// ErrTimeout: no acknowledgement came in time.
	ErrTimeout = errors.New("socketio: operation has timed out")
	// ErrArguments: what the client sent does not fit the Go types it was to be decoded into.
	ErrArguments = errors.New("socketio: invalid arguments")
	// ErrReservedEvent: the event name belongs to the protocol or to the client library.
	ErrReservedEvent = errors.New("socketio: reserved event name")
	// ErrAnswered: the event has been acknowledged before; the client keeps the first answer.
	ErrAnswered = errors.New("socketio: event is acknowledged already")
)

// Causes of a disconnect, see [DisconnectError].
var (
	// ErrProtocol: the client broke a rule of the protocol.
	ErrProtocol = errors.New("socketio: protocol violation")
	// ErrConnectTimeout: the client joined no namespace in time.
	ErrConnectTimeout = errors.New("socketio: no namespace was joined in time")
	// ErrAttachmentTimeout: the client announced binary attachments and did not send them.
	ErrAttachmentTimeout = errors.New("socketio: binary attachments did not arrive in time")
	// ErrHandlerStalled: no handler of the client ended within Config.HandlerStallTimeout while the server
	// did not read from the client, because too many of its events waited for them.
	ErrHandlerStalled = errors.New("socketio: event handlers do not end while the client's events wait")
)

// Error is an error that the client may see: returned by a namespace middleware it refuses the connection
// ("connect_error" at the client), returned by an event handler it answers the acknowledgement that the client
// asked for. Any other error reaches the client as "internal error" and the server's OnError hook as it is.
type Error struct {
	// Message is sent to the client.
	Message string
	// Data, if not nil, is sent to the client too, as JSON.
	Data any
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// DisconnectError is why a socket is not connected any more: the cause of its context, and what everything that
// waited for the client ends with. It matches ErrClosed.
type DisconnectError struct {
	// Reason has the official server's words.
	Reason Reason
	// Cause tells more where there is more to tell, otherwise it is nil.
	Cause error
}

// Error implements error.
func (e *DisconnectError) Error() string {
	if e.Cause == nil {
		return "socketio: disconnected: " + string(e.Reason)
	}
	return fmt.Sprintf("socketio: disconnected: %s: %v", e.Reason, refusal.Inner(e.Cause))
}

// Unwrap returns the cause.
func (e *DisconnectError) Unwrap() error { return e.Cause }

// Is makes the error match [ErrClosed].
func (e *DisconnectError) Is(target error) bool { return target == ErrClosed }

// HandlerError is what the OnError hook is given when the handling of an event failed: the error that a handler or
// a middleware of the socket returned, or a [*PanicError].
type HandlerError struct {
	// Event is the event's name.
	Event string
	// Err is what went wrong.
	Err error
}

// Error implements error.
func (e *HandlerError) Error() string {
	return fmt.Sprintf("socketio: handling %q: %v", e.Event, refusal.Inner(e.Err))
}

// Unwrap returns what went wrong.
func (e *HandlerError) Unwrap() error { return e.Err }

// PanicError is a panic of user code that was contained.
type PanicError struct {
	// Where names the kind of function that panicked.
	Where string
	// Value is what it panicked with.
	Value any
	// Stack is where, as runtime/debug.Stack formats it.
	Stack []byte
}

// Error implements error. It does not contain the stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("socketio: panic in %s: %v", e.Where, e.Value)
}

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// shown is what a client may know of err.
func shown(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, ErrArguments):
		return &Error{Message: "invalid arguments"}
	}
	return &Error{Message: "internal error"}
}

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

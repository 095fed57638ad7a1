package socketio

import (
	"errors"
	"fmt"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/refusal"
)

// Errors that methods of this package return. Compare with errors.Is.
var (
	// ErrClosed means that the socket is not connected, or not any more.
	ErrClosed = errors.New("socketio: socket is not connected")
	// ErrTimeout means that no acknowledgement came in time.
	ErrTimeout = errors.New("socketio: operation has timed out")
	// ErrArguments means that the client's arguments do not fit the Go types they are decoded into.
	ErrArguments = errors.New("socketio: invalid arguments")
	// ErrReservedEvent means that the event name belongs to the protocol or to the client library.
	ErrReservedEvent = errors.New("socketio: reserved event name")
	// ErrAnswered means that the event was acknowledged before; the client keeps the first answer.
	ErrAnswered = errors.New("socketio: event is acknowledged already")
)

// Causes of a disconnect, see [DisconnectError].
var (
	// ErrProtocol means that the client broke a rule of the protocol.
	ErrProtocol = errors.New("socketio: protocol violation")
	// ErrConnectTimeout means that the client joined no namespace within Config.ConnectTimeout.
	ErrConnectTimeout = errors.New("socketio: no namespace was joined in time")
	// ErrRateLimit means that the client sent more events than Config.EventLimit or
	// Config.NamespaceEventLimits allows.
	ErrRateLimit = errors.New("socketio: rate limit exceeded")
	// ErrAttachmentTimeout means that binary attachments did not arrive within
	// Config.AttachmentTimeout.
	ErrAttachmentTimeout = errors.New("socketio: binary attachments did not arrive in time")
	// ErrHandlerStalled means that no handler of the client returned within
	// Config.HandlerStallTimeout while the server did not read from it, because too many of its
	// events waited.
	ErrHandlerStalled = errors.New("socketio: event handlers do not end while the client's events wait")
)

// Reason is why a socket disconnected, in the official server's words.
//
// [DisconnectError.Cause] tells what exactly happened.
type Reason string

// Reasons of a disconnect. The first five come from the connection, the last four from this layer.
const (
	// ReasonTransportError: the connection broke, or the client broke a rule of its transport.
	ReasonTransportError = Reason(engineio.ReasonTransportError)
	// ReasonTransportClose: the client closed the connection.
	ReasonTransportClose = Reason(engineio.ReasonTransportClose)
	// ReasonForcedClose: the server closed the connection, such as for an undecodable packet.
	ReasonForcedClose = Reason(engineio.ReasonForcedClose)
	// ReasonPingTimeout: the client did not answer a ping in time.
	ReasonPingTimeout = Reason(engineio.ReasonPingTimeout)
	// ReasonParseError: an Engine.IO packet could not be decoded.
	ReasonParseError = Reason(engineio.ReasonParseError)
	// ReasonServerShuttingDown: [Server.Shutdown] was called.
	ReasonServerShuttingDown Reason = "server shutting down"
	// ReasonForcedServerClose: the client broke a rule of the protocol, such as an event for a
	// namespace that it had not joined.
	ReasonForcedServerClose Reason = "forced server close"
	// ReasonClientNamespaceDisconnect: the client left the namespace.
	ReasonClientNamespaceDisconnect Reason = "client namespace disconnect"
	// ReasonServerNamespaceDisconnect: [Socket.Disconnect] was called, directly or by another method.
	ReasonServerNamespaceDisconnect Reason = "server namespace disconnect"
)

// Error is an error that the client may see. Any other error reaches it as "internal error".
//
// Returned by a namespace middleware it refuses the connection ("connect_error" at the client).
// Returned by an event handler it answers the acknowledgement that the client asked for.
type Error struct {
	// Message is sent to the client.
	Message string
	// Data, if not nil, is sent to the client too, as JSON.
	Data any
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// DisconnectError is why a socket disconnected: the cause of its context, see [Socket.Err].
//
// Whatever waited for the client fails with it. It matches ErrClosed.
type DisconnectError struct {
	// Reason is why, in the official server's words.
	Reason Reason
	// Cause tells more, or is nil.
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

// HandlerError is what Config.OnError gets when the handling of an event failed.
//
// It wraps the error that a handler or a middleware of the socket returned, or a [*PanicError].
type HandlerError struct {
	// Event is the event's name.
	Event string
	// Err is the failure.
	Err error
}

// Error implements error.
func (e *HandlerError) Error() string {
	return fmt.Sprintf("socketio: handling %q: %v", e.Event, refusal.Inner(e.Err))
}

// Unwrap returns the failure.
func (e *HandlerError) Unwrap() error { return e.Err }

// PanicError is a contained panic of the application's code.
type PanicError struct {
	// Where names the kind of function that panicked.
	Where string
	// Value is the panic's value.
	Value any
	// Stack is the goroutine's stack, as runtime/debug.Stack formats it.
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

// shown returns the error that a client sees for err.
func shown(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, ErrArguments) {
		return &Error{Message: "invalid arguments"}
	}
	return &Error{Message: "internal error"}
}

// errorObject is an error as the client sees it.
type errorObject struct {
	Message string `json:"message"`
	Data    any    `json:"data,omitzero"`
}

func (e *Error) wire() errorObject { return errorObject{e.Message, e.Data} }

// errorAnswer is the acknowledgement of an event whose handling failed.
type errorAnswer struct {
	Error errorObject `json:"error"`
}

// answerError acknowledges an event with err, without its data if they cannot be encoded.
func answerError(ack func(any) error, err error) {
	visible := shown(err)
	if ack(errorAnswer{visible.wire()}) != nil && visible.Data != nil {
		_ = ack(errorAnswer{errorObject{Message: visible.Message}})
	}
}

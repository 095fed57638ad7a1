package engineio

import (
	"errors"
	"time"

	"github.com/gosocketio/socketio/internal/refusal"
)

// Reason says in the official server's words why a session ended. The error that accompanies it in Events.Close tells
// what exactly happened.
type Reason string

// The close reasons of an Engine.IO session.
const (
	// ReasonTransportError: the connection broke, or the peer broke a rule of the transport.
	ReasonTransportError Reason = "transport error"
	// ReasonTransportClose: the peer closed the connection.
	ReasonTransportClose Reason = "transport close"
	// ReasonForcedClose: this side closed the session with Close or Discard.
	ReasonForcedClose Reason = "forced close"
	// ReasonPingTimeout: no pong came within Config.PingTimeout.
	ReasonPingTimeout Reason = "ping timeout"
	// ReasonParseError: a packet of the peer could not be decoded.
	ReasonParseError Reason = "parse error"
)

// Errors that Session methods return, and causes that Events.Close reports. Compare with errors.Is.
var (
	// ErrClosed: the session is closed, or closing and takes no more messages.
	ErrClosed = errors.New("engineio: session is closed")
	// ErrQueueFull: the peer reads too slowly and its outbox reached a limit. The session has been closed.
	ErrQueueFull = errors.New("engineio: outbox is full")
	// ErrSlowPeer: the peer did not take what waited for it within Config.WriteTimeout.
	ErrSlowPeer = errors.New("engineio: peer is too slow")
	// ErrPayloadTooLarge: a message of the peer is larger than Config.MaxPayload, or MaxUntrustedPayload.
	ErrPayloadTooLarge = errors.New("engineio: payload too large")
	// ErrServerClosed: the server is shutting down.
	ErrServerClosed = errors.New("engineio: server is closed")
	// ErrConfig: a field of Config has a value that cannot work.
	ErrConfig = errors.New("engineio: invalid configuration")
)

// TransportError is the cause of a session that ended with ReasonTransportError. Its text starts with the official
// server's message.
type TransportError struct {
	// Message is the official message where there is one, such as "poll connection closed prematurely".
	Message string
	// Err is the error below, if any.
	Err error
}

// Error implements error.
func (e *TransportError) Error() string {
	if e.Err == nil {
		return "engineio: " + e.Message
	}
	return "engineio: " + e.Message + ": " + refusal.Inner(e.Err).Error()
}

// Unwrap returns the error below.
func (e *TransportError) Unwrap() error { return e.Err }

func tooLarge(size uint64, limit int) error {
	return &refusal.Refusal{
		Err: ErrPayloadTooLarge, Rule: "payload size", Value: size, Limit: limit,
		Field: "Config.MaxPayload", Format: "%d bytes, the limit is %d",
	}
}

func tooLargeInflated(limit int) error {
	return &refusal.Refusal{
		Err: ErrPayloadTooLarge, Rule: "payload size", Limit: limit,
		Field: "Config.MaxPayload", Format: "more than %[2]d bytes when inflated, which is the limit",
	}
}

func tooSlow(after time.Duration, bytes int) error {
	slow := slowPeer(after)
	slow.Value, slow.Format = bytes, "%d bytes were not taken within %v"
	return slow
}

// slowPeer is the rule for a peer that does not take what is written.
func slowPeer(after time.Duration) *refusal.Refusal {
	return &refusal.Refusal{
		Err: ErrSlowPeer, Rule: "slow client", Limit: after, Field: "Config.WriteTimeout",
		Remedy: "send less to a client that cannot keep up, or raise Config.WriteTimeout",
	}
}

func queueFull(format string, value, limit int, field string) error {
	return &refusal.Refusal{
		Err: ErrQueueFull, Rule: "queue full", Value: value, Limit: limit, Field: field, Format: format,
		Remedy: "send less to a client that cannot keep up, mark what may be dropped as volatile, or raise " + field,
	}
}

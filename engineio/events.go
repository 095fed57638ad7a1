package engineio

import (
	"net/http"

	"github.com/gosocketio/socketio/engineio/wire"
)

// Events are functions that the server calls as things happen; each may be nil. They run without
// any lock of the engine held, on whichever goroutine made the thing happen, and must not block:
// the next message, heartbeat or request of the same session, and for some of them of others,
// waits.
type Events struct {
	// Connection is called once for each session, after its open packet was built and before any of
	// its messages is delivered. What is sent here follows the open packet.
	Connection func(s *Session)
	// Message is called for each message, in order, one at a time per session. Data is only valid
	// during the call and must not be changed.
	Message func(s *Session, data []byte, binary bool)
	// Close is called exactly once for each session, on a goroutine of its own, after Connection.
	// No Message call begins once the session has ended, but one that was running then may still
	// be. Cause tells more than reason; it is nil when there is nothing more to tell.
	Close func(s *Session, reason Reason, cause error)

	// ConnectionError is called for each request that was refused with one of the protocol's error
	// codes.
	ConnectionError func(e *ConnectionError)
	// InitialHeaders may change the response headers of a session's first response (the polling
	// handshake, or the 101 of a direct WebSocket).
	InitialHeaders func(h http.Header, r *http.Request)
	// Headers may change the headers of each successful response to a session, 101 and the answer
	// to a request for WebTransport included.
	Headers func(h http.Header, r *http.Request)

	// Packet is called for each packet that arrives, before it is acted on. Data is only valid
	// during the call.
	Packet func(s *Session, p wire.Packet)
	// Heartbeat is called for each pong.
	Heartbeat func(s *Session)
	// Upgrading is called when a second transport was probed.
	Upgrading func(s *Session, to Transport)
	// Upgrade is called when a session moved to another transport.
	Upgrade func(s *Session, to Transport)
	// Flush is called before messages of a session are handed to its transport.
	Flush func(s *Session)
	// Drain is called when a session's outbox has been handed to its transport as a whole.
	Drain func(s *Session)
}

func (e *Events) flush(s *Session) {
	if e.Flush != nil {
		e.Flush(s)
	}
}

func (e *Events) drain(s *Session) {
	if e.Drain != nil {
		e.Drain(s)
	}
}

package engineio

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/refusal"
)

// Reason is the official server's name for why a session ended.
type Reason string

// The close reasons of an Engine.IO session.
const (
	// ReasonTransportError: the connection broke, or the peer violated the transport's protocol.
	ReasonTransportError Reason = "transport error"
	// ReasonTransportClose: the peer closed the connection.
	ReasonTransportClose Reason = "transport close"
	// ReasonForcedClose: the server closed the session with Close or Discard.
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
	// ErrQueueFull: the outbox of a slow peer reached a limit. The session has been closed.
	ErrQueueFull = errors.New("engineio: outbox is full")
	// ErrSlowPeer: a write to the peer took longer than Config.WriteTimeout.
	ErrSlowPeer = errors.New("engineio: peer is too slow")
	// ErrPayloadTooLarge: a message exceeds Config.MaxPayload or Config.MaxUntrustedPayload.
	ErrPayloadTooLarge = errors.New("engineio: payload too large")
	// ErrServerClosed: the server is draining or shutting down.
	ErrServerClosed = errors.New("engineio: server is closed")
	// ErrConfig: a field of Config is invalid.
	ErrConfig = errors.New("engineio: invalid configuration")
)

// TransportError is the cause of ReasonTransportError. Its text starts with the official message.
type TransportError struct {
	// Message is the official message, if there is one, such as "poll connection closed prematurely".
	Message string
	// Err is the underlying error, or nil.
	Err error
}

// Error implements error.
func (e *TransportError) Error() string {
	if e.Err == nil {
		return "engineio: " + e.Message
	}
	return "engineio: " + e.Message + ": " + refusal.Inner(e.Err).Error()
}

// Unwrap returns Err.
func (e *TransportError) Unwrap() error { return e.Err }

func tooLarge(size uint64, limit int) error {
	return &refusal.Refusal{
		Err: ErrPayloadTooLarge, Rule: "payload size", Value: size, Limit: limit,
		Field: "Config.MaxPayload", Format: "%d bytes, the limit is %d",
	}
}

// maxHead limits the beginning of a message for Handler.TooLarge, in bytes.
const maxHead = 256

// headed is an error about a message that is too large, with the beginning of its packet.
type headed struct {
	error
	head []byte
}

func (h *headed) Unwrap() error { return h.error }

// answerTooLarge lets the handler answer a message that is too large for a client that is not trusted, and
// reports whether it did. The answer is in the outbox, which a WebSocket's reader must write.
func (s *Session) answerTooLarge(err error) bool {
	large, ok := errors.AsType[*refusal.Refusal](err)
	if !ok || !errors.Is(large.Err, ErrPayloadTooLarge) || s.handler == nil || s.Trusted() {
		return false
	}
	s.mu.Lock()
	s.corked = s.corked || s.ws != nil
	s.mu.Unlock()
	var head []byte
	if h, ok := errors.AsType[*headed](err); ok && len(h.head) > 0 && h.head[0] == byte(wire.Message)+'0' {
		head = h.head[1:]
	}
	s.handler.TooLarge(head, fmt.Sprintf(large.Format, large.Value, large.Limit))
	return true
}

func tooSlow(after time.Duration, bytes int) error {
	slow := slowPeer(after)
	slow.Value, slow.Format = bytes, "%d bytes were not taken within %v"
	return slow
}

// The rules for a client that does not read as fast as is sent to it.
const (
	ruleSlowClient = "slow client"
	ruleQueueFull  = "queue full"
)

// slowPeer is the rule for a write that takes too long.
func slowPeer(after time.Duration) *refusal.Refusal {
	return &refusal.Refusal{
		Err: ErrSlowPeer, Rule: ruleSlowClient, Limit: after, Field: "Config.WriteTimeout",
		Remedy: "send less to a client that cannot keep up, or raise Config.WriteTimeout",
	}
}

func queueFull(format string, value, limit int, field string) error {
	return &refusal.Refusal{
		Err: ErrQueueFull, Rule: ruleQueueFull, Value: value, Limit: limit, Field: field, Format: format,
		Remedy: "send less to a client that cannot keep up, mark what may be dropped as volatile, or raise " + field,
	}
}

// closePollTimeout is how long a closing session waits for the GET that takes the close packet.
const closePollTimeout = 30 * time.Second

// lingerTime is how long a POST may be on its way that a client sent before it read the close packet.
const lingerTime = time.Second

// closePollExpired ends a closing session whose client sends no request any more.
func (s *Session) closePollExpired() {
	s.mu.Lock()
	if s.closeTimer == nil { // the session ended, or moved to another transport
		s.mu.Unlock()
		return
	}
	s.closeLocked(ReasonForcedClose, nil)
	s.mu.Unlock()
}

// Close ends the session after delivering its outbox. Later writes fail with ErrClosed.
//
// A polling client learns of it in its next GET, for which the session waits up to 30 s. The reason
// is ReasonForcedClose.
func (s *Session) Close() { s.closeGracefully(nil) }

// closeGracefully is Close with a cause for the log.
func (s *Session) closeGracefully(cause error) {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return
	}
	s.state = stateClosing
	defer s.logEnd(ReasonForcedClose, cause)
	s.draining = errors.Is(cause, errDraining)
	if s.out.count > 0 {
		s.wakePollLocked(nil)
	}
	switch {
	case s.ws != nil && s.flushing: // flushed goes on
	case s.ws != nil && s.out.count > 0:
		s.flushing = true
		go s.flush(s.ws)
	case s.ws != nil || s.pollParkedLocked():
		s.closeFlushedLocked()
	default:
		s.closeTimer = time.AfterFunc(closePollTimeout, s.closePollExpired)
	}
	s.mu.Unlock()
}

// closeFlushedLocked goes on with a close when the outbox is empty. The caller must hold s.mu.
//
// A session that is drained gets its close and lingers. Any other one ends.
func (s *Session) closeFlushedLocked() {
	if !s.draining {
		s.closeLocked(ReasonForcedClose, nil)
		return
	}
	s.state = stateLingering
	candidate := s.stopCandidateLocked()
	s.stopThrottleLocked() // the answer to the close must be read
	ws := s.ws
	s.server.work.Add(1)
	go func() {
		defer s.server.work.Done()
		if candidate != nil {
			candidate.closeCandidate()
		}
		if ws != nil {
			ws.startClosing(false)
		}
	}()
	if ws == nil {
		s.wakePollLocked(closeFrameText)
		s.stopCloseTimerLocked()
		s.closeTimer = time.AfterFunc(lingerTime, s.closePollExpired)
	}
}

// stopCloseTimerLocked stops the wait for a GET. The caller must hold s.mu.
func (s *Session) stopCloseTimerLocked() {
	if s.closeTimer != nil {
		s.closeTimer.Stop()
		s.closeTimer = nil
	}
}

// Discard ends the session at once and drops its outbox. The reason is ReasonForcedClose.
func (s *Session) Discard(cause error) {
	s.mu.Lock()
	s.closeLocked(ReasonForcedClose, cause)
	s.mu.Unlock()
}

// closeLocked ends the session; the first call decides the reason. The caller must hold s.mu.
//
// Whatever can block, the Close event included, runs on a goroutine that Shutdown waits for.
func (s *Session) closeLocked(reason Reason, cause error) {
	if s.state == stateClosed {
		return
	}
	logged := s.state >= stateClosing || s.unannounced && cause == nil
	lingering := s.state == stateLingering
	s.state = stateClosed
	s.markActiveLocked()
	answer := closeFrameText
	if errors.Is(cause, errPeerClosed) {
		answer, cause = noopFrame, nil
	}
	if s.draining {
		reason, cause = ReasonForcedClose, ErrServerClosed
	}
	if s.poll != nil && s.poll.woken && s.poll.frames == nil {
		s.poll.batch = s.out.take(nil, math.MaxInt) // a GET that was woken for it still delivers it
	}
	s.wakePollLocked(answer)
	s.stopPauseLocked()
	ws, midFrame := s.ws, s.flushing
	s.ws = nil
	candidate := s.stopCandidateLocked()
	up := s.upload
	s.upload = nil
	s.beat.timer.Stop()
	s.stopCloseTimerLocked()
	opening := s.opening
	s.server.unregister(s)

	go func() {
		defer s.server.work.Done()
		if !logged {
			s.logEnd(reason, cause)
		}
		if up != nil {
			up.abort()
		}
		if candidate != nil {
			candidate.closeCandidate()
		}
		if ws != nil {
			ws.startClosing(midFrame || lingering)
		}
		if opening != nil {
			<-opening
		}
		if !s.unannounced {
			s.closed(reason, cause)
		}
		s.mu.Lock()
		s.out.clear()
		s.mu.Unlock()
	}()
}

// closed tells the handler and the user that the session has ended.
func (s *Session) closed(reason Reason, cause error) {
	if s.handler != nil {
		s.handler.Close(reason, cause)
	}
	if f := s.server.cfg.Events.Close; f != nil {
		f(s, reason, cause)
	}
}

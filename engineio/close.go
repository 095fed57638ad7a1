package engineio

import (
	"errors"
	"math"
	"time"
)

// closePollTimeout is how long a closed polling session waits for the GET that takes the close packet.
const closePollTimeout = 30 * time.Second

// closePollExpired ends a closed session whose client does not poll any more.
func (s *Session) closePollExpired() {
	s.mu.Lock()
	if s.closeTimer == nil { // the session ended, or moved to another transport
		s.mu.Unlock()
		return
	}
	s.closeLocked(ReasonForcedClose, nil)
	s.mu.Unlock()
}

// Close ends the session gracefully: what is queued is delivered first, what is sent afterwards is refused with ErrClosed.
// A polling client is told with its next GET, for which the session waits up to 30 s. The reason is ReasonForcedClose.
func (s *Session) Close() { s.CloseFor(nil) }

// CloseFor is Close. The log tells the cause.
func (s *Session) CloseFor(cause error) {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return
	}
	s.state = stateClosing
	defer s.logEnd(ReasonForcedClose, cause)
	if s.out.count > 0 {
		s.wakePoll() // what was enqueued leaves first
	}
	switch {
	case s.ws != nil && s.flushing:
		s.mu.Unlock() // flushed goes on
	case s.ws != nil && s.out.count > 0:
		s.flushing = true // what was enqueued leaves first
		go s.flush(s.ws)
		s.mu.Unlock()
	case s.ws != nil || s.poll != nil && !s.poll.answered:
		s.closeLocked(ReasonForcedClose, nil)
		s.mu.Unlock()
	default:
		s.closeTimer = time.AfterFunc(closePollTimeout, s.closePollExpired)
		s.mu.Unlock()
	}
}

// stopCloseTimerLocked ends the wait for a GET, if there is one. The caller must hold s.mu.
func (s *Session) stopCloseTimerLocked() {
	if s.closeTimer != nil {
		s.closeTimer.Stop()
		s.closeTimer = nil
	}
}

// Discard ends the session at once and drops what is queued. The reason is ReasonForcedClose, with the given cause.
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
	logged := s.state == stateClosing || s.unannounced && cause == nil
	s.state = stateClosed
	s.markActiveLocked()
	switch {
	case s.poll == nil:
	case s.poll.answered && s.poll.kind == pollData:
		// Its response has only not been written yet: it is not lost to what happened since.
		s.poll.batch = s.out.take(nil, math.MaxInt)
	case !s.poll.answered:
		if errors.Is(cause, errPeerClosed) {
			s.poll.answer(pollNoop)
		} else {
			s.poll.answer(pollClose)
		}
	}
	if errors.Is(cause, errPeerClosed) {
		cause = nil
	}
	s.resumeLocked()
	ws, within := s.ws, s.flushing
	s.ws = nil
	candidate := s.stopCandidate()
	up := s.upload
	s.upload = nil
	s.beat.timer.Stop()
	s.stopCloseTimerLocked()
	opening := s.opening
	s.server.sessions.remove(s)

	go func() {
		defer s.server.work.Done()
		if !logged {
			s.logEnd(reason, cause)
		}
		if up != nil {
			up.abort()
		}
		if candidate != nil {
			candidate.drop()
		}
		if ws != nil {
			ws.part(within)
		}
		if opening != nil {
			<-opening
		}
		if f := s.server.cfg.Events.Close; f != nil && !s.unannounced {
			f(s, reason, cause)
		}
		s.mu.Lock()
		s.out.clear()
		s.mu.Unlock()
	}()
}

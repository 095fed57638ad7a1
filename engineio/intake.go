package engineio

import (
	"time"

	"github.com/gosocketio/socketio/internal/bucket"
	"github.com/gosocketio/socketio/internal/refusal"
)

// ByteLimit limits how fast a session is read from, over all transports.
//
// It counts the bytes of WebSockets and WebTransport streams as they arrive, framing included, and the
// bodies of POSTs, before anything is decoded. Beyond the limit the session is not read for as long as the
// rate takes to make up for the excess, which is at most one read: 64 KiB of a WebSocket, or the body of a
// POST of at most Config.MaxPayload. TCP then slows the client down, and a POST is answered later. So
// no limit ever ends the connection of a client that sends too fast: the heartbeat goes on, as in any
// other pause ([Link.PauseReading]).
type ByteLimit struct {
	// Rate is the average number of bytes per second. Default 0: no limit.
	Rate int
	// Burst is how many bytes may come at once before Rate counts. Default: Rate.
	Burst int
}

func (b *ByteLimit) withDefaults() {
	if b.Burst == 0 {
		b.Burst = b.Rate
	}
}

func (b *ByteLimit) validate() error {
	switch {
	case b.Rate < 0:
		return badConfig("ByteLimit.Rate is %d, it must be at least 0 (no limit)", b.Rate)
	case b.Burst < 0:
		return badConfig("ByteLimit.Burst is %d, it must be at least 0 (those of one second)", b.Burst)
	case b.Burst > 0 && b.Rate == 0:
		return badConfig("ByteLimit.Burst is %d without a Rate, which means no limit", b.Burst)
	}
	return nil
}

// shortestPause limits how often ByteLimit pauses a session: what may be read grows meanwhile, up to Burst.
const shortestPause = 20 * time.Millisecond

// intake says whether a session is read. Session.mu guards it, but not bytes.
type intake struct {
	resume    chan struct{} // closed when reading may go on; nil while it is not paused
	held      bool          // PauseReading has paused it
	throttled bool          // Config.ByteLimit has paused it

	bytes bucket.Bucket
	until time.Duration // when throttled ends, a time of Server.now
	timer *time.Timer   // calls throttleOver; nil before the first pause
	tells time.Duration // when the log may have the next line, a time of Server.now
}

// pausedLocked reports whether the session is not read. The caller must hold s.mu.
func (s *Session) pausedLocked() bool { return s.intake != nil && s.intake.resume != nil }

// paused returns a channel that is closed when reading may go on, or nil.
func (s *Session) paused() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.intake == nil {
		return nil
	}
	return s.intake.resume
}

// pauseLocked pauses reading. The caller must hold s.mu, and note in the intake who has paused it.
func (s *Session) pauseLocked() *intake {
	if s.intake == nil {
		s.intake = new(intake)
	}
	if s.intake.resume == nil {
		s.intake.resume = make(chan struct{})
		s.heartbeatPausedLocked()
		s.flags.Or(flagPaused)
		if s.ws != nil {
			s.ws.stream.pause(true)
		}
	}
	return s.intake
}

// resumeUnlessPausedLocked resumes reading if nobody wants it paused. The caller must hold s.mu.
func (s *Session) resumeUnlessPausedLocked() {
	if s.intake.held || s.intake.throttled {
		return
	}
	s.resumeLocked()
	s.heartbeatResumedLocked()
	if s.candidate != nil {
		s.candidate.expiry.Reset(s.server.cfg.UpgradeTimeout)
	}
}

func (s *Session) resumeLocked() {
	close(s.intake.resume)
	s.intake.resume = nil
	s.flags.And(^uint32(flagPaused))
	if s.ws != nil {
		s.ws.stream.pause(false)
	}
}

// stopPauseLocked ends any pause for good, because the session ends. The caller must hold s.mu.
func (s *Session) stopPauseLocked() {
	in := s.intake
	if in == nil {
		return
	}
	in.held, in.throttled = false, false
	if in.timer != nil {
		in.timer.Stop()
	}
	if in.resume != nil {
		s.resumeLocked()
	}
}

// countBytes counts bytes that were read against Config.ByteLimit, and reports whether it pauses reading.
func (s *Session) countBytes(n int) bool {
	e := s.server
	if !e.bytes.Limited() {
		return false
	}
	now := e.now()
	debt := e.bytes.Take(&s.intake.bytes, now, n)
	if debt == 0 {
		return false
	}
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return false
	}
	in := s.pauseLocked()
	in.throttled, in.until = true, now+max(debt, min(shortestPause, e.bytes.Depth()))
	if in.timer == nil {
		in.timer = time.AfterFunc(in.until-now, s.throttleOver)
	} else {
		in.timer.Reset(in.until - now)
	}
	tell := now >= in.tells
	if tell {
		in.tells = now + time.Minute
	}
	s.mu.Unlock()
	e.throttled.Add(1)
	if tell {
		s.logThrottled(n)
	}
	return true
}

// throttleOver resumes reading when ByteLimit allows that.
func (s *Session) throttleOver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.intake
	if !in.throttled {
		return
	}
	if wait := in.until - s.server.now(); wait > 0 {
		in.timer.Reset(wait)
		return
	}
	s.stopThrottleLocked()
}

// stopThrottleLocked ends a pause by ByteLimit. There is none in states after stateOpen: it would only delay the
// end. The caller must hold s.mu.
func (s *Session) stopThrottleLocked() {
	if in := s.intake; in != nil && in.throttled {
		in.timer.Stop()
		in.throttled = false
		s.resumeUnlessPausedLocked()
	}
}

// logThrottled writes the line of a session that ByteLimit has paused, at most one a minute.
func (s *Session) logThrottled(read int) {
	s.server.log.Write(s.ctx, "engineio: reading paused", s.peer(), &refusal.Refusal{
		Rule: "bytes of a session", Value: read, Limit: s.server.cfg.ByteLimit.Rate, Field: "Config.ByteLimit",
		Remedy: "raise Config.ByteLimit if clients need to send so much",
	}, nil)
}

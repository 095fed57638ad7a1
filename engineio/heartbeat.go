package engineio

import (
	"math"
	"time"

	"github.com/gosocketio/socketio/engineio/wire"
)

// pingFrame is the ping packet of protocol v4, "Heartbeat".
var pingFrame = wire.AppendText(nil, wire.Ping, nil)

// pongFrame answers the pings of protocol v3.
var pongFrame = wire.AppendText(nil, wire.Pong, nil)

// heartbeat is the state of a session's pings and pongs. Session.mu guards it. It does not depend
// on the transport, so it survives an upgrade.
//
// In protocol v4 the server pings: a ping is due PingInterval after the last pong, and its pong is
// due PingTimeout after the ping was. In protocol v3 the client pings: its next ping is due
// PingInterval + PingTimeout after its last one.
//
// While reading is paused (back-pressure), the client's packet cannot arrive, so its deadline does
// not run. But the client has a deadline too: it leaves after PingInterval + PingTimeout without a
// packet. So the server keeps sending every PingInterval: pings in v4; pongs in v3, whose clients
// accept pongs without a ping.
//
// A slow consumer that still takes data is alive. Its deadline does not run while a ping or pong
// waits to be written, nor during the response to a poll: WriteTimeout bounds both.
type heartbeat struct {
	timer *time.Timer
	// Times of Server.now.
	sendDue    time.Duration // of the next ping; in v3 of the next pong without a ping
	receiveDue time.Duration // deadline of the client's packet
	awaiting   bool          // receiveDue counts; always true in v3
	extended   bool          // another packet has extended receiveDue
	unanswered uint8         // pings that were sent and have no pong yet
	delayed    bool          // receiveDue was postponed: send at the interval, even without a pong
	behind     int32         // units in the outbox up to a ping or pong in it, or 0
}

// now is the time that heartbeats use.
func (e *Server) now() time.Duration { return time.Since(e.began) }

// startHeartbeat starts the timer. It also bounds the handshake.
func (s *Session) startHeartbeat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.server.now()
	b := &s.beat
	if s.protocol == 3 {
		b.awaiting = true
		s.pingedLocked(now)
	} else {
		b.sendDue = now + s.server.cfg.PingInterval
	}
	b.timer = time.AfterFunc(s.dueLocked()-now, s.heartbeatDue)
}

// dueLocked returns when the timer must fire. The caller must hold s.mu.
func (s *Session) dueLocked() time.Duration {
	b := &s.beat
	switch {
	case !b.awaiting, b.delayed && s.pausedLocked():
		return b.sendDue
	case b.delayed:
		return min(b.sendDue, b.receiveDue)
	}
	return b.receiveDue
}

// resetHeartbeatLocked resets the timer after a change. The caller must hold s.mu.
func (s *Session) resetHeartbeatLocked(now time.Duration) {
	if s.state != stateClosed {
		s.beat.timer.Reset(s.dueLocked() - now)
	}
}

// allowance is how long the client may take: for a pong, or in protocol v3 for its next ping.
func (s *Session) allowance() time.Duration {
	c := &s.server.cfg
	if s.protocol == 3 {
		return c.PingInterval + c.PingTimeout
	}
	return c.PingTimeout
}

// endOverdueLocked closes the session if its client has missed the deadline, and reports that.
//
// The caller must hold s.mu.
func (s *Session) endOverdueLocked(now time.Duration) bool {
	if !s.beat.awaiting || s.pausedLocked() || now < s.beat.receiveDue {
		return false
	}
	if s.beat.behind > 0 || s.ws == nil && s.out.taken > 0 {
		s.postponeLocked(now)
		return false
	}
	s.closeLocked(ReasonPingTimeout, nil)
	return true
}

// overdue is endOverdueLocked for requests, because the timer may fire a millisecond late.
func (s *Session) overdue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endOverdueLocked(s.server.now())
}

// heartbeatDue is called by the timer. It sends the next ping, or closes an overdue session.
func (s *Session) heartbeatDue() {
	s.mu.Lock()
	now := s.server.now()
	b := &s.beat
	if s.state == stateClosed || now < s.dueLocked() { // the timer was stopped or reset while it fired
		s.mu.Unlock()
		return
	}
	if s.endOverdueLocked(now) || b.awaiting && now < b.sendDue {
		s.mu.Unlock()
		return
	}
	// The next deadlines count from when this ping was due, unless the process did not run for a
	// while: that is not the client's fault.
	at := b.sendDue
	if now-at > s.server.cfg.PingTimeout/10 {
		at = now
	}
	if !b.awaiting {
		b.awaiting, b.extended, b.delayed = true, false, s.pausedLocked()
		b.receiveDue = at + s.server.cfg.PingTimeout
	}
	b.sendDue = at + s.server.cfg.PingInterval
	s.resetHeartbeatLocked(now)
	s.out.trim()
	open := s.state == stateOpen && b.behind == 0 // one in the outbox is enough
	if open && b.unanswered < math.MaxUint8 {
		b.unanswered++
	}
	s.mu.Unlock()
	if !open {
		return
	}
	frame := pingFrame
	if s.protocol == 3 {
		frame = pongFrame
	}
	s.sendHeartbeat(frame)
}

// sendHeartbeat sends a ping or a pong. It does nothing once the session has ended.
func (s *Session) sendHeartbeat(frame []byte) {
	_ = s.write(stateOpen, Now, Message{Frames: frame, owned: true, urgent: true})
}

// postponeLocked restarts the client's deadline. The caller must hold s.mu.
func (s *Session) postponeLocked(now time.Duration) {
	if b := &s.beat; b.awaiting {
		b.delayed, b.receiveDue = true, now+s.allowance()
		s.resetHeartbeatLocked(now)
	}
}

// wroteLocked subtracts what was written from the outbox. The caller must hold s.mu.
//
// The client's deadline restarts when a ping or pong was written that had to wait, and after a
// large polling response, which may hold the ping or delay it.
func (s *Session) wroteLocked(units int32, bytes int) {
	s.out.wrote(units, bytes)
	b := &s.beat
	if b.behind > 0 || s.ws == nil && bytes > gatherBytes {
		b.behind = max(0, b.behind-units)
		s.postponeLocked(s.server.now())
	}
}

// pongedLocked starts the interval until the next ping. The caller must hold s.mu.
//
// A pong without a ping does so too, as in the official server. After a delay the interval counts
// from the last ping, because the client counts from that.
func (s *Session) pongedLocked() {
	b := &s.beat
	if b.unanswered > 0 {
		b.unanswered--
		if !b.awaiting {
			return // pings were sent during a delay, and an earlier pong has started the interval
		}
	}
	now := s.server.now()
	if !b.delayed {
		b.sendDue = now + s.server.cfg.PingInterval
	}
	b.awaiting, b.delayed = false, false
	s.resetHeartbeatLocked(now)
}

// pingedLocked restarts the deadline of a v3 client's next ping. The caller must hold s.mu.
func (s *Session) pingedLocked(now time.Duration) {
	b, c := &s.beat, &s.server.cfg
	b.receiveDue = now + s.allowance()
	// Not at the time of the client's ping: some clients want a pong after each of their pings.
	b.sendDue = now + c.PingInterval + min(c.PingInterval, c.PingTimeout)/2
	b.delayed = s.pausedLocked()
}

// extendLocked extends the deadline of a pong, once, when another packet arrives: the pong may be
// behind a large message. The caller must hold s.mu.
func (s *Session) extendLocked() {
	b := &s.beat
	if b.awaiting && !b.extended {
		now := s.server.now()
		b.extended = true
		b.receiveDue = now + s.server.cfg.PingTimeout
		// By sendDue + PingTimeout the client would have left.
		b.delayed = b.delayed || b.receiveDue >= b.sendDue+s.server.cfg.PingTimeout
		s.resetHeartbeatLocked(now)
	}
}

// heartbeatPausedLocked suspends the client's deadline when reading pauses.
//
// The caller must hold s.mu.
func (s *Session) heartbeatPausedLocked() {
	if s.beat.awaiting {
		s.beat.delayed = true
		s.resetHeartbeatLocked(s.server.now())
	}
}

// heartbeatResumedLocked restarts the client's deadline when reading resumes: its packet may be
// among the next ones. The caller must hold s.mu.
func (s *Session) heartbeatResumedLocked() {
	if s.beat.awaiting {
		now := s.server.now()
		s.beat.receiveDue, s.beat.extended = now+s.allowance(), false
		s.resetHeartbeatLocked(now)
	}
}

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

// heartbeat is the state of a session's pings and pongs. Session.mu guards it. It does not depend on
// the transport and so survives an upgrade.
//
// In protocol v4 the server pings and the client answers: a ping is due PingInterval after the last
// pong, and its pong PingTimeout after the ping was due. In protocol v3 the client pings: its ping is
// due PingInterval + PingTimeout after its last one.
//
// Back-pressure changes that. While the server does not read, the client's packet cannot arrive, so
// its deadline does not run. But the client has a deadline too: it leaves when nothing comes from the
// server for PingInterval + PingTimeout. So the server keeps sending every PingInterval: pings in v4,
// pongs in v3, where clients take a pong that nobody asked for as a sign of life.
//
// A slow client that takes what the server sends is alive. Its deadline does not run while a ping or
// pong waits for a write, nor during the response to a poll: WriteTimeout bounds those.
type heartbeat struct {
	timer *time.Timer
	// Both are times of Server.now.
	sendDue    time.Duration // the next ping; in v3 the next pong without a ping
	receiveDue time.Duration // the client's packet
	awaiting   bool          // a packet of the client is due; always true in v3
	extended   bool          // another packet has extended receiveDue
	unanswered uint8         // pings that were sent and have no pong yet
	delayed    bool          // receiveDue was put off: send at the interval without waiting for the client
	behind     int32         // units of the outbox up to and including a ping or pong in it; 0 when that is written
}

// now is the clock of the heartbeats.
func (e *Server) now() time.Duration { return time.Since(e.began) }

// startHeartbeat starts the timer. Until the handshake is complete it is the deadline of that.
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

// dueLocked returns when the timer has to fire. The caller must hold s.mu.
func (s *Session) dueLocked() time.Duration {
	b := &s.beat
	switch {
	case !b.awaiting, b.delayed && s.resume != nil:
		return b.sendDue
	case b.delayed:
		return min(b.sendDue, b.receiveDue)
	}
	return b.receiveDue
}

// resetHeartbeatLocked sets the timer after a change. The caller must hold s.mu.
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

// endOverdueLocked ends a session whose client has missed its deadline, and reports whether it did. The
// caller must hold s.mu.
func (s *Session) endOverdueLocked(now time.Duration) bool {
	if !s.beat.awaiting || s.resume != nil || now < s.beat.receiveDue {
		return false
	}
	if s.beat.behind > 0 || s.ws == nil && s.out.taken > 0 {
		s.putOffLocked(now)
		return false
	}
	s.closeLocked(ReasonPingTimeout, nil)
	return true
}

// overdue does the same for a request. The deadline holds exactly for requests: the runtime may fire the
// timer a millisecond late.
func (s *Session) overdue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endOverdueLocked(s.server.now())
}

// heartbeatDue sends the next ping, or ends the session whose client is overdue.
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
	// The next deadlines count from when this ping was due. But a process that did not run for a while
	// must not blame its clients.
	at := b.sendDue
	if now-at > s.server.cfg.PingTimeout/10 {
		at = now
	}
	if !b.awaiting {
		b.awaiting, b.extended, b.delayed = true, false, s.resume != nil
		b.receiveDue = at + s.server.cfg.PingTimeout
	}
	b.sendDue = at + s.server.cfg.PingInterval
	s.resetHeartbeatLocked(now)
	s.out.trim()
	open := s.state == stateOpen && b.behind == 0 // one that waits is enough
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

// sendHeartbeat sends a ping or a pong, unless the session is over.
func (s *Session) sendHeartbeat(frame []byte) {
	_ = s.write(stateOpen, Now, Message{Frames: frame, owned: true, urgent: true})
}

// putOffLocked gives the client its whole time again. The caller must hold s.mu.
func (s *Session) putOffLocked(now time.Duration) {
	if b := &s.beat; b.awaiting {
		b.delayed, b.receiveDue = true, now+s.allowance()
		s.resetHeartbeatLocked(now)
	}
}

// wroteLocked uncounts what was written. The time of a client counts from when a heartbeat is written that had to wait,
// or from the end of a large response, which the heartbeat may be in or behind. The caller must hold s.mu.
func (s *Session) wroteLocked(units int32, bytes int) {
	s.out.wrote(units, bytes)
	b := &s.beat
	if b.behind > 0 || s.ws == nil && bytes > gatherBytes {
		b.behind = max(0, b.behind-units)
		s.putOffLocked(s.server.now())
	}
}

// pongedLocked starts the interval to the next ping, after a pong that nobody asked for too, as the official server
// does. After a delay the interval counts from the last ping, since the client counts from that too.
// The caller must hold s.mu.
func (s *Session) pongedLocked() {
	b := &s.beat
	if b.unanswered > 0 {
		b.unanswered--
		if !b.awaiting {
			return // more than one ping was sent during a delay
		}
	}
	now := s.server.now()
	if !b.delayed {
		b.sendDue = now + s.server.cfg.PingInterval
	}
	b.awaiting, b.delayed = false, false
	s.resetHeartbeatLocked(now)
}

// pingedLocked restarts the wait for the next ping of a v3 client. The caller must hold s.mu.
func (s *Session) pingedLocked(now time.Duration) {
	b, c := &s.beat, &s.server.cfg
	b.receiveDue = now + s.allowance()
	// Not together with the client's ping: some clients want a pong after each of their pings.
	b.sendDue = now + c.PingInterval + min(c.PingInterval, c.PingTimeout)/2
	b.delayed = s.resume != nil
}

// sawLifeLocked extends the deadline of a pong once when another packet arrives before it: it may be
// behind a large message. The caller must hold s.mu.
func (s *Session) sawLifeLocked() {
	b := &s.beat
	if b.awaiting && !b.extended {
		now := s.server.now()
		b.extended = true
		b.receiveDue = now + s.server.cfg.PingTimeout
		b.delayed = b.receiveDue >= b.sendDue+s.server.cfg.PingTimeout // the client would leave before that
		s.resetHeartbeatLocked(now)
	}
}

// heartbeatPausedLocked suspends the client's deadline when reading stops. The caller must hold s.mu.
func (s *Session) heartbeatPausedLocked() {
	if s.beat.awaiting {
		s.beat.delayed = true
		s.resetHeartbeatLocked(s.server.now())
	}
}

// heartbeatResumedLocked gives the client its whole time again when reading goes on: its packet may be
// among the next ones. The caller must hold s.mu.
func (s *Session) heartbeatResumedLocked() {
	if s.beat.awaiting {
		now := s.server.now()
		s.beat.receiveDue, s.beat.extended = now+s.allowance(), false
		s.resetHeartbeatLocked(now)
	}
}

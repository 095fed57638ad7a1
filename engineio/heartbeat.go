package engineio

import (
	"time"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/wheel"
)

// pingFrame is the ping packet of protocol v4, "Heartbeat".
var pingFrame = wire.AppendText(nil, wire.Ping, nil)

// pongFrame answers the pings of protocol v3.
var pongFrame = wire.AppendText(nil, wire.Pong, nil)

// The heartbeat is one timer per session: it is either the time of the next ping or the deadline of a pong. It does not
// depend on the transport and so survives an upgrade. In protocol v3 the client pings, and the timer is the deadline of that.

// firstBeat is when the timer of a new session expires.
func (s *Session) firstBeat() time.Duration {
	if s.protocol == 3 {
		return s.patience()
	}
	return s.server.cfg.PingInterval
}

// patience is how long the client may take for what it owes: a pong, or in protocol v3 the next ping.
func (s *Session) patience() time.Duration {
	if s.protocol == 3 {
		return s.server.cfg.PingInterval + s.server.cfg.PingTimeout
	}
	return s.server.cfg.PingTimeout
}

// Expired sends the next ping, or ends the session whose pong is overdue.
func (s *Session) Expired(*wheel.Timer) {
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	owes := s.awaiting || s.protocol == 3
	if owes && s.resume == nil {
		s.close(ReasonPingTimeout, nil)
		return
	}
	// While paused, what is owed may have come but could not be read.
	s.awaiting, s.extended = s.protocol != 3, false
	s.out.trim()
	s.server.wheel.Schedule(&s.beat, s.patience(), s)
	open := s.state == stateOpen
	s.mu.Unlock()
	if owes || !open {
		return
	}
	// Its error means that the session is closed or has just been; there is nothing more to do here.
	_ = s.Write(pingFrame, Shared)
}

// ponged starts the interval to the next ping. The caller holds the lock.
func (s *Session) ponged() {
	s.awaiting = false
	s.server.wheel.Schedule(&s.beat, s.server.cfg.PingInterval, s)
}

// pinged restarts the wait for the next ping of a v3 client. The caller holds the lock.
func (s *Session) pinged() {
	s.out.trim()
	s.server.wheel.Schedule(&s.beat, s.patience(), s)
}

// sawLife extends the deadline of a pong once when something else arrives before it: it may be behind a large message.
func (s *Session) sawLife() {
	if s.awaiting && !s.extended {
		s.extended = true
		s.server.wheel.Schedule(&s.beat, s.server.cfg.PingTimeout, s)
	}
}

package engineio

import (
	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/wheel"
)

// pingFrame is the ping packet of protocol v4, "Heartbeat".
var pingFrame = wire.AppendText(nil, wire.Ping, nil)

// The heartbeat is one timer per session: it is either the time of the next ping or the deadline of a pong. It does not
// depend on the transport and so survives an upgrade.

// Expired sends the next ping, or ends the session whose pong is overdue.
func (s *Session) Expired(*wheel.Timer) {
	c := &s.server.cfg
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	if s.awaiting && s.resume == nil {
		s.close(ReasonPingTimeout, nil)
		return
	}
	wait := s.awaiting // while paused: it may have come, but could not be read
	s.awaiting, s.extended = true, false
	s.out.trim()
	s.server.wheel.Schedule(&s.beat, c.PingTimeout, s)
	open := s.state == stateOpen
	s.mu.Unlock()
	if wait || !open {
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

// sawLife extends the deadline of a pong once when something else arrives before it: it may be behind a large message.
func (s *Session) sawLife() {
	if s.awaiting && !s.extended {
		s.extended = true
		s.server.wheel.Schedule(&s.beat, s.server.cfg.PingTimeout, s)
	}
}

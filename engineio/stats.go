package engineio

import "time"

// SessionStats is the state of a session at one moment.
type SessionStats struct {
	// Transport carries the session.
	Transport Transport
	// Protocol is the revision of the Engine.IO protocol, 3 or 4.
	Protocol int
	// Age is how long ago the session began.
	Age time.Duration
	// BufferedBytes and BufferedPackets are what waits to be written to the peer, framing included.
	BufferedBytes, BufferedPackets int
	// EventLoop tells whether an event loop waits for its bytes, see ConnectionMode.
	EventLoop bool
	// Upgrading tells whether another transport is being probed.
	Upgrading bool
	// Paused tells whether the session is not read from, because its handlers are behind.
	Paused bool
	// PerMessageDeflate tells whether the session's WebSocket agreed to compressed messages.
	PerMessageDeflate bool
}

// Stats returns the state of the session.
func (s *Session) Stats() SessionStats {
	age := time.Since(s.handshake.Time)
	s.mu.Lock()
	defer s.mu.Unlock()
	eventLoop := false
	if s.ws != nil {
		_, eventLoop = s.ws.stream.(loopStream)
	}
	return SessionStats{
		Transport:       s.transport,
		Protocol:        s.Protocol(),
		Age:             age,
		BufferedBytes:   s.out.bytes,
		BufferedPackets: int(s.out.count + s.out.taken),
		EventLoop:       eventLoop,
		Upgrading:       s.candidate != nil,
		Paused:          s.resume != nil,

		PerMessageDeflate: s.ws != nil && s.ws.takes.deflate,
	}
}

// Stats sums up the sessions of a server.
type Stats struct {
	// Polling, WebSocket and WebTransport are the numbers of sessions by the transport that carries them.
	Polling, WebSocket, WebTransport int
	// EventLoop is how many of them have an event loop that waits for their bytes, see ConnectionMode.
	EventLoop int
	// Protocol3 is how many of them speak revision 3 of the protocol.
	Protocol3 int
	// Upgrading is how many are being moved to another transport.
	Upgrading int
	// Paused is how many are not read from, because their handlers are behind.
	Paused int
	// Pending is how many have not heard from their client since the handshake.
	Pending int
	// Rejected is how many handshakes were refused by Config.Admission so far.
	Rejected int
	// BufferedBytes and BufferedPackets are what waits to be written to all peers together. A broadcast counts for each of
	// them, though it is in memory once.
	BufferedBytes, BufferedPackets int
	// PerMessageDeflate is how many agreed to compressed messages. Deflated is how many messages were compressed for them so
	// far; one to many counts once.
	PerMessageDeflate int
	Deflated          uint64
}

// Stats sums up all sessions. It looks at each of them, a few at a time: right for a metrics page every few seconds, not for
// every request.
func (e *Server) Stats() Stats {
	sum := Stats{Pending: int(e.pending.Load()), Rejected: int(e.rejected.Load())}
	for _, s := range e.sessions.all() {
		one := s.Stats()
		switch one.Transport {
		case Polling:
			sum.Polling++
		case WebSocket:
			sum.WebSocket++
		case WebTransport:
			sum.WebTransport++
		}
		sum.BufferedBytes += one.BufferedBytes
		sum.BufferedPackets += one.BufferedPackets
		sum.EventLoop += count(one.EventLoop)
		sum.Protocol3 += count(one.Protocol == 3)
		sum.Upgrading += count(one.Upgrading)
		sum.Paused += count(one.Paused)
		sum.PerMessageDeflate += count(one.PerMessageDeflate)
	}
	if e.deflate != nil {
		sum.Deflated = e.deflate.messages.Load()
	}
	return sum
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

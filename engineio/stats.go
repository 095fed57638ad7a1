package engineio

import "time"

// SessionStats is a snapshot of a session.
type SessionStats struct {
	// Transport is the current transport.
	Transport Transport
	// Protocol is the revision of the Engine.IO protocol, 3 or 4.
	Protocol int
	// Age is the time since the session began.
	Age time.Duration
	// BufferedBytes and BufferedPackets are the size of the outbox, framing included.
	BufferedBytes, BufferedPackets int
	// EventLoop tells whether an event loop reads the connection, see ConnectionMode.
	EventLoop bool
	// Upgrading tells whether an upgrade is in progress.
	Upgrading bool
	// Paused tells whether reading is paused, by back-pressure or by Config.ByteLimit.
	Paused bool
	// Throttled tells whether Config.ByteLimit has paused reading.
	Throttled bool
	// PerMessageDeflate tells whether the WebSocket may carry compressed messages.
	PerMessageDeflate bool
}

// Stats returns a snapshot of the session.
func (s *Session) Stats() SessionStats {
	age := time.Since(s.handshake.Time)
	s.mu.Lock()
	defer s.mu.Unlock()
	eventLoop := false
	if s.ws != nil {
		_, eventLoop = s.ws.stream.(loopStream)
	}
	return SessionStats{
		Transport:         s.transport,
		Protocol:          s.Protocol(),
		Age:               age,
		BufferedBytes:     s.out.bytes,
		BufferedPackets:   int(s.out.count + s.out.taken),
		EventLoop:         eventLoop,
		Upgrading:         s.candidate != nil,
		Paused:            s.pausedLocked(),
		Throttled:         s.intake != nil && s.intake.throttled,
		PerMessageDeflate: s.ws != nil && s.ws.takes.deflate,
	}
}

// Stats sums up the sessions of a server.
type Stats struct {
	// Polling, WebSocket and WebTransport count the sessions by their current transport.
	Polling, WebSocket, WebTransport int
	// EventLoop counts the sessions whose connection an event loop reads, see ConnectionMode.
	EventLoop int
	// Protocol3 counts the sessions of protocol revision 3.
	Protocol3 int
	// Upgrading counts the upgrades in progress.
	Upgrading int
	// Paused counts the sessions whose reading is paused, by back-pressure or by Config.ByteLimit.
	Paused int
	// Throttled is how many times Config.ByteLimit has paused the reading of a session so far.
	Throttled uint64
	// Relayed counts the WebSockets that this server relays to the servers of their sessions.
	Relayed int
	// Pending counts the sessions whose client has sent nothing since the handshake.
	Pending int
	// Rejected is how many handshakes Config.Admission has refused so far.
	Rejected int
	// Opened is how many sessions there were so far.
	Opened uint64
	// Refused counts the requests and upgrades refused so far, and Ended the sessions that ended, by the
	// rule that the log names. The rules are constants: clients cannot add to them.
	Refused, Ended map[string]uint64
	// SlowConsumers counts those among Ended whose client did not read as fast as was sent to it.
	SlowConsumers uint64
	// BufferedBytes and BufferedPackets are the size of all outboxes. A broadcast counts for each
	// receiver, though it is in memory once.
	BufferedBytes, BufferedPackets int
	// PerMessageDeflate counts the sessions whose WebSocket may carry compressed messages.
	PerMessageDeflate int
	// Deflated is how many messages have been compressed so far. A broadcast counts once.
	Deflated uint64
}

// Stats sums up all sessions.
//
// It locks each session in turn: call it for a metrics page every few seconds, not for every
// request.
func (e *Server) Stats() Stats {
	sum := Stats{
		Pending: int(e.pending.Load()), Opened: e.opened.Load(), Throttled: e.throttled.Load(),
		Refused: e.log.Counts(requestRefused, upgradeRefused), Ended: e.log.Counts(sessionEnded),
	}
	if e.nodes != nil {
		sum.Relayed = e.nodes.socketCount()
	}
	sum.Rejected = int(sum.Refused[ruleAdmission] + sum.Refused[ruleAddress])
	sum.SlowConsumers = sum.Ended[ruleSlowClient] + sum.Ended[ruleQueueFull]
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

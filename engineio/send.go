package engineio

import "github.com/gosocketio/socketio/engineio/wire"

// WriteOptions modify Session.Write.
type WriteOptions uint8

const (
	// Volatile drops the message, without an error, unless the session is writable at this moment.
	Volatile WriteOptions = 1 << iota
	// Shared promises that the frames are never changed, so that they can wait without being copied.
	Shared
	// Later leaves the writing to another goroutine, because more messages will follow at once: they then leave in one
	// write.
	Later
	// Hold keeps the message until another one comes without it, even if that is dropped, or Flush is called, which must be soon: more messages will
	// follow at once, and then leave in one write. Where somebody is writing, or the session polls, it makes no difference.
	Hold
	// NoCompress says that compressing the message is not worth it. A polling response is compressed when any message in it may
	// be.
	NoCompress
	// urgent says that the frames are a ping or a pong: no limit refuses them, and they go ahead of what waits for a
	// WebSocket.
	urgent
)

// Write queues one indivisible unit of complete WebSocket frames as package wire builds them, and writes it at once if
// that is possible without blocking. It never waits for the peer. nil means that the session took the frames;
// otherwise the error is ErrClosed or ErrQueueFull.
func (s *Session) Write(frames []byte, o WriteOptions) error {
	s.server.cfg.Events.packetCreate(s, frames)
	return s.write(entry{frames: frames}, o)
}

// WritePrepared is Write of frames that go to many sessions; Shared goes without saying.
func (s *Session) WritePrepared(p *Prepared, o WriteOptions) error {
	s.server.cfg.Events.packetCreate(s, p.frames)
	return s.write(entry{frames: p.frames, prepared: p}, o|Shared)
}

// Send sends one message. It copies data and never waits for the peer; its errors are those of Write.
func (s *Session) Send(data []byte, binary bool) error { return s.SendFunc(data, binary, nil) }

// SendFunc is Send; done, if not nil, is called once when the message has been written to the connection. It is not
// called for a message that is never written. It must not block.
func (s *Session) SendFunc(data []byte, binary bool, done func()) error {
	var frames []byte
	if binary {
		frames = wire.AppendBinary(nil, data)
	} else {
		frames = wire.AppendText(nil, wire.Message, data)
	}
	s.server.cfg.Events.packetCreate(s, frames)
	return s.write(entry{frames: frames, done: done}, Shared)
}

func (s *Session) write(e entry, o WriteOptions) error {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return ErrClosed
	}
	if o&Volatile != 0 && !s.writable() {
		s.send(o) // what was held for this message leaves without it
		return nil
	}
	return s.put(e, o)
}

// put queues or writes e. The caller holds the lock; put gives it back.
func (s *Session) put(e entry, o WriteOptions) error {
	e.plain = o&NoCompress != 0
	if s.ws == nil || s.flushing || s.out.count > 0 {
		err := s.queue(e, o)
		if err == nil {
			s.wakePollLocked(nil)
			s.send(o) // what was enqueued leaves now
			return nil
		}
		s.closeLocked(ReasonTransportError, err)
		s.mu.Unlock()
		return err
	}
	s.flushing = true
	if o&(Later|Hold) != 0 || !s.ws.stream.canTry() {
		s.flushing = false
		s.push(e, o)
		s.send(o)
		return nil
	}
	ws := s.ws
	s.out.taken++
	s.out.bytes += len(e.frames)
	s.mu.Unlock()
	s.writeNow(ws, e, o)
	return nil
}

// queue adds e to the outbox unless that would exceed a limit.
func (s *Session) queue(e entry, o WriteOptions) error {
	switch {
	case o&urgent == 0:
	case s.flushing:
		s.out.pushFront(e)
		s.beat.behind = s.out.taken + 1
		return nil
	default:
		s.out.push(e)
		return nil
	}
	if err := s.full(len(e.frames)); err != nil {
		return err
	}
	s.push(e, o)
	return nil
}

// full returns the limit that further messages of these sizes would exceed, as an error.
func (s *Session) full(sizes ...int) error {
	messages, bytes := len(sizes), 0
	for _, size := range sizes {
		bytes += size
	}
	c := &s.server.cfg
	mostPackets, mostBytes := c.MaxBufferedPackets, c.MaxBufferedBytes
	packetsField, bytesField := "Config.MaxBufferedPackets", "Config.MaxBufferedBytes"
	// A message counts for at most a quarter of the limit: a large one is accepted where little waits.
	most := mostBytes / 4
	if !s.trusted() {
		mostPackets = min(mostPackets, max(4, c.MaxUntrustedPayload/256))
		mostBytes = min(mostBytes, c.MaxUntrustedPayload/2)
		packetsField, bytesField = untilTrusted, untilTrusted
		most = mostBytes // a large message is accepted where nothing waits
	}
	switch {
	case int(s.out.count)+messages > mostPackets:
		return queueFull("%d messages wait, the last one included, and the limit is %d", int(s.out.count)+messages,
			mostPackets, packetsField)
	case s.out.bytes+bytes <= mostBytes:
		return nil
	}
	waits := s.out.counted(most)
	for _, size := range sizes {
		waits += min(size, most)
	}
	if waits > mostBytes {
		return queueFull("%d bytes wait, the last message included, and the limit is %d", s.out.bytes+bytes,
			mostBytes, bytesField)
	}
	return nil
}

// push adds e to the outbox.
func (s *Session) push(e entry, o WriteOptions) {
	if o&Shared != 0 {
		s.out.push(e)
	} else {
		s.out.pushCopy(e, o&Hold != 0 && s.ws != nil && !s.flushing)
	}
}

package engineio

import (
	"slices"

	"github.com/gosocketio/socketio/engineio/wire"
)

// Message is what [Link.Write] sends: one indivisible unit of complete WebSocket frames, as package
// wire builds them.
type Message struct {
	// Frames are the frames. They may be changed once Write has returned.
	Frames []byte
	// Tail is the end of Frames, so that a large payload need not be copied to be there. It may be
	// changed once Write has returned.
	Tail []byte
	// Prepared has the frames instead, when they go to many sessions.
	Prepared *Prepared
	// Volatile drops the message, without an error, unless the session is writable at this moment.
	Volatile bool
	// NoCompress says that compressing the message is not worth it. A polling response is
	// compressed when any message in it may be.
	NoCompress bool

	owned  bool // Frames are never changed, so that they can wait without being copied
	urgent bool // a ping or a pong: it has urgentRoom and goes ahead of what waits for a WebSocket
}

// entry returns the entry for a message, without its Tail.
func (m *Message) entry() entry {
	if m.Prepared != nil {
		return entry{frames: m.Prepared.frames, prepared: m.Prepared, plain: m.NoCompress}
	}
	return entry{frames: m.Frames, plain: m.NoCompress}
}

// join puts Tail behind Frames.
func (m *Message) join() {
	if m.Tail != nil {
		m.Frames, m.Tail, m.owned = slices.Concat(m.Frames, m.Tail), nil, true
	}
}

// shared tells whether the frames can wait without being copied.
func (m *Message) shared() bool { return m.owned || m.Prepared != nil }

// When says when, and by whom, messages are written to the connection.
type When uint8

// The times of a write.
const (
	// Now is at once, in the caller's goroutine, if that does not block.
	Now When = iota
	// Later leaves the writing to another goroutine, because more messages will follow at once:
	// they then leave in one write.
	Later
	// OnFlush leaves the writing to [Link.Flush], which the caller must call soon. Write then does
	// no I/O and calls no function of the user's, so that it can be called with a lock held.
	OnFlush
)

// Send sends one message. It copies data and never waits for the peer. Nil means that the session
// took the message; otherwise the error is ErrClosed, or ErrQueueFull and the session is closed.
func (s *Session) Send(data []byte, binary bool) error {
	var frames []byte
	if binary {
		frames = wire.AppendBinary(nil, data)
	} else {
		frames = wire.AppendText(nil, wire.Message, data)
	}
	return s.write(stateOpen, Now, Message{Frames: frames, owned: true})
}

// write queues or writes messages, at least one, of a session that has not got further than last.
func (s *Session) write(last state, w When, messages ...Message) error {
	s.mu.Lock()
	if s.state > last {
		s.mu.Unlock()
		return ErrClosed
	}
	if m := &messages[0]; len(messages) == 1 && w == Now && s.writesAtOnceLocked(m) {
		ws := s.ws
		s.flushing = true
		s.out.taken++
		s.out.bytes += len(m.Frames) + len(m.Tail)
		s.mu.Unlock()
		if !ws.takesTail() {
			m.join()
		}
		s.writeNow(ws, []entry{m.entry()}, m.Tail, m.shared())
		return nil
	}
	var ws *wsConn
	err := s.queueLocked(w, messages)
	if err == nil && w != OnFlush {
		ws = s.startFlushLocked()
	}
	s.mu.Unlock()
	s.flushQueued(ws, w)
	return err
}

// writesAtOnceLocked tells whether a message can be written without being queued. The caller must
// hold s.mu.
func (s *Session) writesAtOnceLocked(m *Message) bool {
	return s.takesLocked() && !s.corked && (!m.Volatile || s.out.taken == 0) && s.ws.stream.canTry()
}

// takesLocked tells whether the WebSocket takes a message whatever its size, for nothing waits. The
// caller must hold s.mu.
func (s *Session) takesLocked() bool { return s.ws != nil && !s.flushing && s.out.count == 0 }

// queueLocked adds messages to the outbox, but for volatile ones that could not be written now. One
// that exceeds a limit closes the session. The caller must hold s.mu.
func (s *Session) queueLocked(w When, messages []Message) error {
	writable := s.writableLocked()
	for i := range messages {
		m := &messages[i]
		if m.Volatile && !writable {
			continue
		}
		m.join()
		e := m.entry()
		if !s.takesLocked() {
			if err := s.fullLocked(len(e.frames), m.urgent); err != nil {
				s.closeLocked(ReasonTransportError, err)
				return err
			}
		}
		if m.urgent && s.flushing {
			s.out.pushFront(e)
			s.beat.behind = s.out.taken + 1
			continue
		}
		if m.shared() {
			s.out.push(e)
		} else {
			s.out.pushCopy(e, (s.corked || w == OnFlush) && s.ws != nil && !s.flushing)
		}
	}
	return nil
}

// urgentRoom is how many pings and pongs may wait when the outbox is full. A client that sends more
// pings reads none of the pongs.
const urgentRoom = 16

// fullLocked returns the limit that a message of this size would exceed, as an error. The caller
// must hold s.mu.
func (s *Session) fullLocked(size int, urgent bool) error {
	c := &s.server.cfg
	mostPackets, mostBytes := c.MaxBufferedPackets, c.MaxBufferedBytes
	packetsField, bytesField := "Config.MaxBufferedPackets", "Config.MaxBufferedBytes"
	// A message counts for at most a quarter of the limit: a large one is accepted where little
	// waits.
	most := mostBytes / 4
	if !s.Trusted() {
		mostPackets = min(mostPackets, max(4, c.MaxUntrustedPayload/256))
		mostBytes = min(mostBytes, c.MaxUntrustedPayload/2)
		packetsField, bytesField = untilTrusted, untilTrusted
		most = mostBytes // a large message is accepted where nothing waits
	}
	if urgent {
		mostPackets += urgentRoom
	}
	switch {
	case int(s.out.count) >= mostPackets:
		return queueFull("%d messages wait, the last one included, and the limit is %d", int(s.out.count)+1,
			mostPackets, packetsField)
	case urgent, s.out.bytes+size <= mostBytes || s.out.counted(most)+min(size, most) <= mostBytes:
		return nil
	}
	return queueFull("%d bytes wait, the last message included, and the limit is %d", s.out.bytes+size,
		mostBytes, bytesField)
}

// startFlushLocked lets a parked GET go, or makes the caller the flusher of the connection that it
// returns: it must call flushQueued once it has unlocked. Nil means that there is nothing to write,
// or that somebody else will. The caller must hold s.mu.
func (s *Session) startFlushLocked() *wsConn {
	if s.out.count == 0 || s.corked {
		return nil
	}
	s.wakePollLocked(nil)
	if s.ws == nil || s.flushing {
		return nil
	}
	s.flushing = true
	return s.ws
}

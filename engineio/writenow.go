package engineio

import (
	"slices"

	"github.com/gosocketio/socketio/internal/bufpool"
)

// Writes in the caller's goroutine, because they do not block. What the kernel does not take at once
// is left to a flusher of its own.

// flushQueued writes the outbox: at once if that cannot block, otherwise on another goroutine. The
// caller has become the flusher of ws, which is nil when there is nothing to do.
func (s *Session) flushQueued(ws *wsConn, w When) {
	switch {
	case ws == nil:
	case w == Later || !ws.stream.canTry():
		go s.flush(ws)
	default:
		var room [gatherEntries]entry
		batch := s.takeBatch(room[:0])
		if len(batch) == 0 { // the session was closed meanwhile
			s.flushed(ws, 0, 0)
			return
		}
		// Frames in the outbox change only when their buffer goes back to its pool.
		s.writeNow(ws, batch, nil, batch[0].pooled == nil)
		release(batch)
	}
}

// writeNow writes entries that were counted as taken, and the tail of the last one. The caller is the
// flusher. The frames of a single entry can wait without being copied if they are shared.
func (s *Session) writeNow(ws *wsConn, batch []entry, tail []byte, shared bool) {
	s.server.cfg.Events.flush(s)
	frames, size, buf := ws.gather(batch)
	if buf != nil {
		defer bufpool.Put(buf)
		shared = false
	}
	size += len(tail)
	n, err := ws.tryWrite(frames, tail)
	switch {
	case err != nil:
		s.writeFailed(ws, units(batch), size, err)
	case n == len(frames)+len(tail):
		if s.flushed(ws, units(batch), size) {
			go s.flush(ws)
		}
	default:
		rest := frames[min(n, len(frames)):]
		if tail != nil || !shared {
			rest = slices.Concat(rest, tail[max(0, n-len(frames)):])
		}
		// The rest counts as one unit.
		s.mu.Lock()
		s.wroteLocked(units(batch)-1, size-len(rest))
		s.mu.Unlock()
		go s.flushFrom(ws, entry{frames: rest, formed: true})
	}
}

// takesTail tells whether tryWrite can write a tail.
func (c *wsConn) takesTail() bool {
	_, ok := c.stream.(loopStream)
	return ok && c.takes.plain()
}

// tryWrite writes what the kernel takes at once of frames and, if takesTail, their tail.
func (c *wsConn) tryWrite(frames, tail []byte) (int, error) {
	if tail == nil {
		return c.stream.tryWrite(frames)
	}
	n, err := c.stream.(loopStream).conn.TryWriteMore(frames)
	if err != nil || n < len(frames) {
		return n, err
	}
	m, err := c.stream.tryWrite(tail)
	return n + m, err
}

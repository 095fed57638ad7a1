package engineio

import (
	"bytes"

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
		s.writeNow(ws, batch, batch[0].pooled == nil)
		release(batch)
	}
}

// writeNow writes entries that were counted as taken. The caller is the flusher. The frames of a
// single entry can wait without being copied if they are shared.
func (s *Session) writeNow(ws *wsConn, batch []entry, shared bool) {
	s.server.cfg.Events.flush(s)
	frames, size, buf := ws.gather(batch)
	if buf != nil {
		defer bufpool.Put(buf)
		shared = false
	}
	n, err := ws.stream.tryWrite(frames)
	switch {
	case err != nil:
		s.writeFailed(ws, units(batch), size, err)
	case n == len(frames):
		if s.flushed(ws, units(batch), size) {
			go s.flush(ws)
		}
	default:
		rest := frames[n:]
		if !shared {
			rest = bytes.Clone(rest)
		}
		// The rest counts as one unit.
		s.mu.Lock()
		s.wroteLocked(units(batch)-1, size-len(rest))
		s.mu.Unlock()
		go s.flushFrom(ws, entry{frames: rest, formed: true})
	}
}

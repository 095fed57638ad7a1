package engineio

import (
	"bytes"

	"github.com/gosocketio/socketio/internal/bufpool"
)

// What is written in the caller's goroutine, because that does not block. Whatever the kernel does
// not take at once is left to a flusher of its own.

// flushQueued writes what waits: at once if that cannot block, otherwise on another goroutine. The
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
		s.writeTaken(ws, batch)
	}
}

// writeNow writes one entry that was counted as taken; its frames can wait without being copied if
// they are shared. The caller is the flusher.
func (s *Session) writeNow(ws *wsConn, e entry, shared bool) {
	s.server.cfg.Events.flush(s)
	frames := ws.form(e)
	n, err := ws.stream.tryWrite(frames)
	switch {
	case err != nil:
		s.writeFailed(ws, e.count(), len(e.frames), err)
	case n < len(frames):
		s.leaveRest(ws, e.count(), len(e.frames), clone(frames[n:], shared))
	default:
		s.wroteNow(ws, e.count(), len(e.frames))
	}
}

// writeTaken is writeNow for entries that were taken from the outbox.
func (s *Session) writeTaken(ws *wsConn, batch []entry) {
	defer release(batch)
	if len(batch) == 1 {
		s.writeNow(ws, batch[0], batch[0].pooled == nil) // what was in the outbox only changes when it is given back
		return
	}
	s.server.cfg.Events.flush(s)
	buf := bufpool.Get(gatherBytes)
	defer bufpool.Put(buf)
	gathered, size := ws.gather((*buf)[:0], batch)
	n, err := ws.stream.tryWrite(gathered)
	switch {
	case err != nil:
		s.writeFailed(ws, units(batch), size, err)
	case n < len(gathered):
		s.leaveRest(ws, units(batch), size, bytes.Clone(gathered[n:]))
	default:
		s.wroteNow(ws, units(batch), size)
	}
}

// leaveRest leaves the rest of units that were taken, of so many bytes, to a flusher, as one.
func (s *Session) leaveRest(ws *wsConn, units int32, size int, rest []byte) {
	s.mu.Lock()
	s.wroteLocked(units-1, size-len(rest))
	s.mu.Unlock()
	go s.flushFrom(ws, entry{frames: rest, formed: true})
}

// wroteNow uncounts units that were written.
func (s *Session) wroteNow(ws *wsConn, units int32, size int) {
	if s.flushed(ws, units, size) {
		go s.flush(ws)
	}
}

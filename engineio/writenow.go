package engineio

import (
	"bytes"

	"github.com/gosocketio/socketio/internal/bufpool"
)

// What is written in the caller's goroutine, because that does not block. Whatever the kernel does not take at once is left
// to a flusher of its own.

// send writes what waits: at once if that cannot block, otherwise on another goroutine. The caller holds the lock; send gives
// it back.
func (s *Session) send(o WriteOptions) {
	if s.ws == nil || s.flushing || s.out.count == 0 || o&Hold != 0 {
		s.mu.Unlock()
		return
	}
	s.flushing = true
	ws := s.ws
	if o&Later != 0 || !ws.stream.canTry() {
		s.mu.Unlock()
		go s.flush(ws)
		return
	}
	var room [gatherEntries]entry
	batch := s.out.take(room[:0], gatherBytes)
	s.mu.Unlock()
	s.writeTaken(ws, batch)
}

// writeNow writes one entry that was counted as taken. The caller has set flushing.
func (s *Session) writeNow(ws *wsConn, e entry, o WriteOptions) {
	s.server.cfg.Events.flush(s)
	frames := ws.form(e)
	n, err := ws.stream.tryWrite(frames)
	switch {
	case err != nil:
		s.writeFailed(ws, e.count(), len(e.frames), err)
	case n < len(frames):
		s.leave(ws, e.count(), len(e.frames), clone(frames[n:], o&Shared != 0), e.done)
	default:
		s.wroteNow(ws, e.count(), len(e.frames), e.done)
	}
}

// writeTaken is writeNow for entries that were taken from the outbox.
func (s *Session) writeTaken(ws *wsConn, batch []entry) {
	defer release(batch)
	if len(batch) == 1 {
		o := Shared // what was in the outbox is not changed any more
		if batch[0].pooled != nil {
			o = 0 // but given back
		}
		s.writeNow(ws, batch[0], o)
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
		s.leave(ws, units(batch), size, bytes.Clone(gathered[n:]), allDone(batch))
	default:
		s.wroteNow(ws, units(batch), size, allDone(batch))
	}
}

// leave leaves the rest of units that were taken, of so many bytes, to a flusher, as one.
func (s *Session) leave(ws *wsConn, units int32, size int, rest []byte, done func()) {
	s.mu.Lock()
	s.wroteLocked(units-1, size-len(rest))
	s.mu.Unlock()
	go s.flushFrom(ws, entry{frames: rest, done: done, formed: true})
}

// wroteNow uncounts units that were written.
func (s *Session) wroteNow(ws *wsConn, units int32, size int, done func()) {
	if done != nil {
		done()
	}
	if s.flushed(ws, units, size) {
		go s.flush(ws)
	}
}

// allDone returns what tells the senders of entries that these were written; nil if nobody wants to know.
func allDone(batch []entry) func() {
	var all []func()
	for i := range batch {
		if batch[i].done != nil {
			all = append(all, batch[i].done)
		}
	}
	if all == nil {
		return nil
	}
	return func() {
		for _, done := range all {
			done()
		}
	}
}

package engineio

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/internal/bufpool"
)

// gatherBytes is how much of what waits goes into one write. Small frames are copied together: that
// is cheaper than a vector of them, which the runtime would moreover keep with the connection for
// good.
const gatherBytes = 64 << 10

// gatherEntries is for how many entries of one write there is room on the stack.
const gatherEntries = 16

// writeDeadline bounds the writes of one flush that the kernel does not take at once.
type writeDeadline struct {
	session *Session
	ws      *wsConn
	timer   *time.Timer  // nil until the first of them
	due     atomic.Int64 // a time of Server.now
}

// start gives the next write WriteTimeout.
func (d *writeDeadline) start() {
	wait := d.session.server.cfg.WriteTimeout
	d.due.Store(int64(d.session.server.now() + wait))
	if d.timer == nil {
		d.timer = time.AfterFunc(wait, d.expire)
	} else {
		d.timer.Reset(wait)
	}
}

// stop ends the last write.
func (d *writeDeadline) stop() {
	if d.timer != nil {
		d.due.Store(math.MaxInt64) // the timer may be firing
		d.timer.Stop()
	}
}

// expire cuts off a peer that did not take a write. Closing the connection ends the write.
func (d *writeDeadline) expire() {
	s := d.session
	s.mu.Lock()
	if s.ws != d.ws || s.state == stateClosed || int64(s.server.now()) < d.due.Load() {
		s.mu.Unlock()
		return
	}
	s.closeLocked(ReasonTransportError, tooSlow(s.server.cfg.WriteTimeout, s.out.bytes))
	s.mu.Unlock()
}

// flush writes what waits to ws until nothing does. It is the goroutine for which s.flushing is
// set.
func (s *Session) flush(ws *wsConn) { s.flushFrom(ws, entry{}) }

// flushFrom is flush, with an entry that has been taken already and comes first.
func (s *Session) flushFrom(ws *wsConn, first entry) {
	deadline := writeDeadline{session: s, ws: ws}
	defer deadline.stop()
	var room [gatherEntries]entry
	batch := room[:0]
	if first.frames != nil {
		batch = append(batch, first)
	}
	for {
		if len(batch) == 0 {
			if batch = s.takeBatch(batch); len(batch) == 0 {
				s.flushed(ws, 0, 0)
				return
			}
		}
		s.server.cfg.Events.flush(s)
		frames, n, buf := ws.gather(batch)
		err := ws.writeAll(frames, &deadline)
		if buf != nil {
			bufpool.Put(buf)
		}
		if err != nil {
			s.writeFailed(ws, units(batch), n, err)
			return
		}
		release(batch)
		if !s.flushed(ws, units(batch), n) {
			return
		}
		clear(batch)
		batch = batch[:0]
	}
}

// takeBatch takes from the outbox what one write holds: nothing when the session has ended.
func (s *Session) takeBatch(dst []entry) []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed {
		return dst
	}
	return s.out.take(dst, gatherBytes)
}

// gather returns the frames of a batch in the form of the connection, for one write. size is what
// they count in the outbox. The caller must return buf, unless nil, to bufpool after the write.
func (c *wsConn) gather(batch []entry) (frames []byte, size int, buf *[]byte) {
	for i := range batch {
		size += len(batch[i].frames)
	}
	if len(batch) == 1 {
		return c.form(batch[0]), size, nil
	}
	buf = bufpool.Get(min(size, gatherBytes)) // it is held while the peer reads nothing
	frames = (*buf)[:0]
	for i := range batch {
		frames = append(frames, c.form(batch[i])...)
	}
	return frames, size, buf
}

// writeAll writes what the kernel takes at once, and waits for the peer with the rest. That leaves
// in pieces, each with a deadline of its own.
func (c *wsConn) writeAll(b []byte, d *writeDeadline) error {
	if c.stream.canTry() {
		n, err := c.stream.tryWrite(b)
		if err != nil || n == len(b) {
			return err
		}
		b = b[n:]
	}
	for len(b) > 0 {
		piece := b[:min(len(b), gatherBytes)]
		d.start()
		if err := c.stream.write(piece); err != nil {
			return err
		}
		b = b[len(piece):]
	}
	return nil
}

// flushed uncounts what was written and reports whether more waits. If not, the session is no
// longer flushing and a close that waited for that goes on.
func (s *Session) flushed(ws *wsConn, units int32, bytes int) (more bool) {
	s.mu.Lock()
	s.wroteLocked(units, bytes)
	if s.state == stateClosed {
		s.flushing = false
		closePending, code := ws.closePending, ws.closeCode
		ws.closePending = false
		s.mu.Unlock()
		if closePending {
			ws.endWrite(code)
		}
		return false
	}
	if s.out.count > 0 {
		s.mu.Unlock()
		return true
	}
	s.flushing = false
	if s.state == stateClosing {
		s.closeFlushedLocked()
	}
	s.mu.Unlock()
	s.server.cfg.Events.drain(s)
	return false
}

// writeFailed uncounts what could not be written and ends the session.
func (s *Session) writeFailed(ws *wsConn, units int32, bytes int, err error) {
	s.mu.Lock()
	s.out.wrote(units, bytes)
	if s.ws != ws || s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	s.closeLocked(ReasonTransportError, &TransportError{Message: "write error", Err: err})
	s.mu.Unlock()
}

package netloop

import (
	"net"
	"runtime"
	"syscall"
	"time"
)

// stall is how long one Data or Work may take before the loop goes on without it: at least once, at
// most twice that long.
const stall = time.Millisecond

// Soon runs w on the loop, once the bytes of this turn have been handled for all connections. Only
// a handler's Data may call it. Most work takes a microsecond or two, less than starting a
// goroutine. Work that blocks does not stall the loop, see relieve.
func (c *Conn) Soon(w Work) {
	l := c.loop
	l.mu.Lock()
	onLoop := c.state != parked
	if onLoop {
		l.work = append(l.work, w)
	}
	l.mu.Unlock()
	if !onLoop { // Data runs on a goroutine of its own by now
		go w.Work()
	}
}

// doWork runs the work of this turn. It returns false when the goroutine, number me, is not the
// loop any more.
func (l *Loop) doWork(me uint32) bool {
	for {
		w, mine := l.nextWork(me)
		switch {
		case !mine:
			return false
		case w == nil:
			// Goroutines that the work has started run now, before more is read.
			runtime.Gosched()
			return true
		}
		w.Work()
	}
}

// nextWork takes the next piece of work.
func (l *Loop) nextWork(me uint32) (w Work, mine bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turn != me {
		return nil, false
	}
	if l.done == len(l.work) { // the end of a turn
		if l.busy {
			l.busy = false
			l.relief.Stop()
		}
		clear(l.work)
		l.work, l.done = l.work[:0], 0
		return nil, true
	}
	l.startTimerLocked()
	l.steps.Add(1)
	w = l.work[l.done]
	l.done++
	return w, true
}

// startTimerLocked has relieve check the loop's progress after a while. The caller must hold l.mu.
func (l *Loop) startTimerLocked() {
	switch {
	case l.busy:
		return
	case l.relief == nil:
		l.relief = time.AfterFunc(stall, l.relieve)
	default:
		l.relief.Reset(stall)
	}
	l.busy = true
}

// relieve starts another goroutine as the loop when the same Work, or the same Data, has been
// running since it was last called. The old goroutine ends once that call returns. Until then the
// connection whose Data blocks is parked.
func (l *Loop) relieve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.busy {
		return
	}
	c := l.at.Load()
	switch steps := l.steps.Load(); {
	case l.seen != steps || c == nil && l.done == 0:
		l.seen = steps
		l.relief.Reset(stall)
	case c == nil:
		go l.work[l.done-1].Stalled()
		l.handOverLocked()
	case l.at.CompareAndSwap(c, nil):
		c.state = parked
		if c.room == nil {
			c.updateLocked(syscall.EPOLL_CTL_DEL)
		} else {
			c.updateLocked(syscall.EPOLL_CTL_MOD)
		}
		l.buf = nil // Data has it
		l.handOverLocked()
	default: // Data has just returned
		l.relief.Reset(stall)
	}
}

// back ends the parking of a connection whose Data has returned on a goroutine that is not the loop
// any more.
func (c *Conn) back(ok bool) {
	if !ok {
		c.Close()
	}
	c.loop.mu.Lock()
	err := c.watchLocked()
	c.loop.mu.Unlock()
	if err != nil { // the loop does not end it then
		c.end(err)
	}
}

// exited cleans up when a handler or work ended the goroutine, number me (runtime.Goexit). c is the
// connection whose handler it was, which ends too.
func (l *Loop) exited(me uint32, c *Conn) {
	if c != nil && l.at.CompareAndSwap(c, nil) { // nobody relieves it from here on
		c.end(net.ErrClosed)
	}
	l.mu.Lock()
	is := l.turn == me
	if is {
		l.handOverLocked()
	}
	l.mu.Unlock()
	if !is && c != nil {
		c.back(false)
	}
}

// handOverLocked starts another goroutine as the loop. The caller must hold l.mu.
func (l *Loop) handOverLocked() {
	l.turn++
	l.busy = false
	go l.run(l.turn)
}

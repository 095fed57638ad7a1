package netloop

import (
	"net"
	"runtime"
	"syscall"
	"time"
)

// stall is how long a Data or Work may run before another goroutine becomes the loop. It takes
// between once and twice that long until the timer notices.
const stall = time.Millisecond

// Soon runs w on the loop at the end of this turn, after the bytes of all connections. Only Data
// may call it. Most work takes a microsecond or two, less than starting a goroutine. If w blocks,
// another goroutine becomes the loop (relieve).
func (c *Conn) Soon(w Work) {
	l := c.loop
	l.mu.Lock()
	onLoop := c.state != parked
	if onLoop {
		l.work = append(l.work, w)
	}
	l.mu.Unlock()
	if !onLoop { // another goroutine has become the loop
		go w.Work()
	}
}

// doWork runs the work of this turn. me is the number of the goroutine. It returns false if another
// goroutine has become the loop.
func (l *Loop) doWork(me uint32) bool {
	for {
		w, turns, mine := l.nextWork(me)
		if turns {
			l.Turn(w != nil)
		}
		switch {
		case !mine:
			return false
		case w != nil:
			w.Work()
		case !turns:
			// Let goroutines that the work has started run before more is read.
			runtime.Gosched()
			return true
		}
	}
}

// nextWork returns the next Work, or nil at the end of the turn, and whether Turn must be called.
func (l *Loop) nextWork(me uint32) (w Work, turns, mine bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turn != me {
		return nil, false, false
	}
	if l.done == len(l.work) && l.inTurn { // relieve looks after this Turn too
		l.inTurn = false
		l.steps.Add(1)
		return nil, true, true
	}
	if l.done == len(l.work) { // the end of a turn
		if l.busy {
			l.busy = false
			l.relief.Stop()
		}
		clear(l.work)
		l.work, l.done = l.work[:0], 0
		return nil, false, true
	}
	l.startTimerLocked()
	l.steps.Add(1)
	w = l.work[l.done]
	l.done++
	turns = !l.inTurn && l.Turn != nil
	l.inTurn = l.Turn != nil
	return w, turns, true
}

// startTimerLocked starts the timer that calls relieve. The caller must hold l.mu.
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

// relieve is called by the timer. If the same Work or Data has been running since the last call,
// relieve starts another goroutine as the loop. The old one ends when the Work or Data returns.
// Until then a connection whose Data blocks is parked.
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
		if l.inTurn { // what waits for its end must not wait for the work of all connections
			l.inTurn = false
			go l.Turn(false)
		}
	case c == nil:
		go l.stalled(l.work[l.done-1], l.inTurn)
		l.inTurn = false
		l.handOverLocked()
	case l.at.CompareAndSwap(c, nil):
		c.state = parked
		if c.room == nil {
			c.updateLocked(syscall.EPOLL_CTL_DEL)
		} else {
			c.updateLocked(syscall.EPOLL_CTL_MOD)
		}
		l.buf = nil // Data uses it
		l.handOverLocked()
	default: // Data has just returned
		l.relief.Reset(stall)
	}
}

// stalled tells w that it has stalled, and ends its turn if it was in one.
func (l *Loop) stalled(w Work, inTurn bool) {
	w.Stalled()
	if inTurn {
		l.Turn(false)
	}
}

// unpark makes the loop read a connection again whose Data blocked and has returned ok.
func (c *Conn) unpark(ok bool) {
	if !ok {
		c.Close()
	}
	c.loop.mu.Lock()
	err := c.watchLocked()
	c.loop.mu.Unlock()
	if err != nil { // the kernel does not watch it, so the loop cannot end it
		c.end(err)
	}
}

// exited cleans up when a Data or Work ended the goroutine (runtime.Goexit). me is the number of
// the goroutine. c, if not nil, is the connection whose Data it was; it ends.
func (l *Loop) exited(me uint32, c *Conn) {
	if c != nil && l.at.CompareAndSwap(c, nil) { // relieve has not replaced it, and will not
		c.end(net.ErrClosed)
	}
	l.mu.Lock()
	isLoop := l.turn == me
	if isLoop {
		l.handOverLocked()
	}
	l.mu.Unlock()
	if !isLoop && c != nil {
		c.unpark(false)
	}
}

// handOverLocked starts another goroutine as the loop. The caller must hold l.mu.
func (l *Loop) handOverLocked() {
	l.turn++
	l.busy = false
	go l.run(l.turn)
}

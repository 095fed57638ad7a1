package netloop

import (
	"net"
	"runtime"
	"syscall"
	"time"
)

// stall is how long something may keep the loop waiting, once or at most twice over.
const stall = time.Millisecond

// Soon has w done when the bytes of this turn have been handled, of all connections. Only a handler's Data may call it.
//
// Most work is over in a microsecond or two, which is less than it takes to start a goroutine for it: so it is done right
// here. Work that turns out to take long does not stall the loop, see relieve.
func (c *Conn) Soon(w Work) {
	l := c.loop
	l.mu.Lock()
	away := c.away
	if !away {
		l.work = append(l.work, w)
	}
	l.mu.Unlock()
	if away {
		go w.Work()
	}
}

// doWork does what is to be done. It returns false when the goroutine, number me, is not the loop any more.
func (l *Loop) doWork(me uint32) bool {
	for {
		w, mine := l.nextWork(me)
		switch {
		case !mine:
			return false
		case w == nil:
			// What work has started may run now, and answers before more is read.
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
	l.watchOver()
	l.steps.Add(1)
	w = l.work[l.done]
	l.done++
	return w, true
}

// watchOver has relieve look after a while how far the loop has come. The caller holds the lock.
func (l *Loop) watchOver() {
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

// relieve keeps what blocks from stalling the loop. "Being the loop" is a role: when the same piece of work, or the same
// handler's Data, has been running for a millisecond or two, another goroutine takes the role over, and the one that had it is from
// then on nothing but the goroutine of that work, or of that handler until its Data returns.
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
		l.handOver()
	case l.at.CompareAndSwap(c, nil):
		c.away = true // it is not to be read meanwhile
		if c.room == nil {
			c.watchAway(syscall.EPOLL_CTL_DEL)
		} else {
			c.watchAway(syscall.EPOLL_CTL_MOD)
		}
		l.buf = nil // is being handled
		l.handOver()
	default: // Data has just returned
		l.relief.Reset(stall)
	}
}

// back lets a connection be read again whose Data has returned on a goroutine that is not the loop any more.
func (c *Conn) back(ok bool) {
	if !ok {
		c.Close()
	}
	c.loop.mu.Lock()
	err := c.comeBack()
	c.loop.mu.Unlock()
	if err != nil { // nobody else ends it then
		c.end(err)
	}
}

// exited cleans up when a handler or work ended the goroutine, number me. c is the connection whose handler it was; its ends too.
func (l *Loop) exited(me uint32, c *Conn) {
	if c != nil && l.at.CompareAndSwap(c, nil) { // nobody relieves it from here on
		c.end(net.ErrClosed)
	}
	l.mu.Lock()
	is := l.turn == me
	if is {
		l.handOver()
	}
	l.mu.Unlock()
	if !is && c != nil {
		c.back(false)
	}
}

// handOver starts another goroutine as the loop. The caller holds the lock.
func (l *Loop) handOver() {
	l.turn++
	l.busy = false
	go l.run(l.turn)
}

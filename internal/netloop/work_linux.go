package netloop

import (
	"runtime"
	"time"
)

// stall is how long work may keep the loop waiting, once or at most twice over.
const stall = time.Millisecond

// Soon has w done when the bytes of this turn have been handled, of all connections. Only a handler's Data may call it.
//
// Most work is over in a microsecond or two, which is less than it takes to start a goroutine for it: so it is done right
// here. Work that turns out to take long does not stall the loop. "Being the loop" is a role: when the same
// piece of work has been running for a millisecond, another goroutine takes the role over, and the one that had it is from
// then on nothing but the goroutine of that work.
func (c *Conn) Soon(w Work) { c.loop.work = append(c.loop.work, w) }

// doWork does what is to be done. It returns false when the goroutine, number me, is not the loop any more.
func (l *Loop) doWork(me uint32) bool {
	for begun := false; ; begun = true {
		w, mine := l.nextWork(me, begun)
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
func (l *Loop) nextWork(me uint32, begun bool) (w Work, mine bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turn != me {
		return nil, false
	}
	if l.done == len(l.work) {
		if begun {
			l.relief.Stop()
		}
		clear(l.work)
		l.work, l.done, l.seen, l.working = l.work[:0], 0, 0, false
		return nil, true
	}
	if !begun {
		l.working = true
		if l.relief == nil {
			l.relief = time.AfterFunc(stall, l.relieve)
		} else {
			l.relief.Reset(stall)
		}
	}
	w = l.work[l.done]
	l.done++
	return w, true
}

// relieve gives the role of the loop to another goroutine when the same piece of work as a while ago is being done.
func (l *Loop) relieve() {
	l.mu.Lock()
	if !l.working {
		l.mu.Unlock()
		return
	}
	if l.seen != l.done {
		l.seen = l.done
		l.relief.Reset(stall)
		l.mu.Unlock()
		return
	}
	w := l.work[l.done-1]
	l.handOver()
	l.mu.Unlock()
	w.Stalled()
}

// replace has another goroutine be the loop if number me still is.
func (l *Loop) replace(me uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turn == me {
		l.handOver()
	}
}

// handOver starts another goroutine as the loop. The caller holds the lock.
func (l *Loop) handOver() {
	l.turn++
	l.working = false
	go l.run(l.turn)
}

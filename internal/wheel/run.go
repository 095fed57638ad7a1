package wheel

import "time"

// run is the wheel's goroutine: the alarm starts it, and it ends when all that
// is due has fired, after it has set the alarm for what comes next.
func (w *Wheel) run() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running {
		// The alarm was set again after it had gone off for the other run.
		return
	}
	w.running = true
	w.alarmAt = never
	for w.pending > 0 {
		l, begin := w.earliest()
		if now := uint64(time.Since(w.start) / w.tick); begin > now {
			w.elapsed = max(w.elapsed, now)
			w.next = begin
			w.arm(begin)
			break
		}
		w.elapsed = begin
		if l.level == 0 {
			w.fire(l)
		} else {
			w.cascade(l)
		}
	}
	w.running = false
}

// fire empties a slot of level 0, whose time has come. The lock is given up for
// each timer; nothing is added to the slot meanwhile, as Schedule keeps to ticks
// after elapsed.
func (w *Wheel) fire(l *list) {
	for t := l.first; t != nil; t = l.first {
		e := t.expirer
		w.unlink(t)
		t.expirer = nil
		w.mu.Unlock()
		e.Expired(t)
		w.mu.Lock()
	}
}

// cascade moves the timers of a slot whose range has begun to the levels below.
// Many timers can share such a slot, so others get the lock in between; they add
// nothing to it, as its whole range now belongs to the levels below.
func (w *Wheel) cascade(l *list) {
	for n := 1; l.first != nil; n++ {
		t := l.first
		w.unlink(t)
		w.link(t)
		if n%chunk == 0 {
			w.mu.Unlock()
			w.mu.Lock()
		}
	}
}

package wheel

// Timer is one deadline. The zero value is ready to be scheduled. Embed it as a
// value, do not copy it while it is pending, and use it with one wheel only.
type Timer struct {
	next, prev *Timer // circular within a list; nil when not pending
	in         *list
	expirer    Expirer
	when       uint64 // the tick it fires at
}

// Expirer is told that a timer's time has come.
type Expirer interface {
	// Expired is called on the wheel's goroutine, without the wheel's lock: it
	// may schedule and stop timers, t included, but it must not block. t is no
	// longer pending.
	Expired(t *Timer)
}

// list is a list of timers, oldest first. The first one's prev is the last.
type list struct {
	first *Timer
	slot  uint8 // where the list is in the wheel, to clear the slot's bit
	level uint8
}

func (l *list) push(t *Timer) {
	t.in = l
	if l.first == nil {
		l.first, t.next, t.prev = t, t, t
		return
	}
	first, last := l.first, l.first.prev
	t.next, t.prev = first, last
	last.next, first.prev = t, t
}

func (l *list) remove(t *Timer) {
	if t.next == t {
		l.first = nil
	} else {
		t.next.prev, t.prev.next = t.prev, t.next
		if l.first == t {
			l.first = t.next
		}
	}
	t.next, t.prev, t.in = nil, nil, nil
}

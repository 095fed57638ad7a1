package wheel

import (
	"math"
	"math/bits"
	"sync"
	"time"
)

// DefaultTick is the resolution of a wheel that was made with New(0).
const DefaultTick = 5 * time.Millisecond

// The wheel's shape: a slot of level n covers 64^n ticks, and all levels
// together cover 697 years at the default tick.
const (
	slotBits = 6
	slots    = 1 << slotBits
	levels   = 7
)

// never is a tick that no timer has.
const never = math.MaxUint64

// chunk is how many timers move to lower levels before others get the lock.
const chunk = 1024

// Wheel is a set of pending timers. Make one with [New]. All methods may be
// called at any time from any goroutine.
type Wheel struct {
	tick  time.Duration
	start time.Time
	last  uint64 // the last tick that the wheel and a time.Duration can express

	mu       sync.Mutex
	elapsed  uint64 // all slots that begin before or at this tick are done
	next     uint64 // no occupied slot begins before this tick
	pending  int
	running  bool // run is at work; it arms the alarm when it is done
	closed   bool
	alarm    *time.Timer
	alarmAt  uint64 // never when the alarm is not armed
	occupied [levels]uint64
	slot     [levels][slots]list
}

// New returns an empty wheel. tick is its resolution, 0 means [DefaultTick]; it
// panics when tick is negative. A wheel made inside a testing/synctest bubble
// follows the bubble's clock and belongs to that bubble.
func New(tick time.Duration) *Wheel {
	if tick < 0 {
		panic("wheel: negative tick")
	}
	if tick == 0 {
		tick = DefaultTick
	}
	w := &Wheel{
		tick:    tick,
		start:   time.Now(),
		last:    min(1<<(slotBits*levels)-1, uint64(math.MaxInt64/tick)),
		next:    never,
		alarmAt: never,
	}
	for l := range w.slot {
		for s := range w.slot[l] {
			w.slot[l][s].level, w.slot[l][s].slot = uint8(l), uint8(s)
		}
	}
	return w
}

// Schedule makes t expire d from now and not before; a timer that is pending is
// moved. A negative d counts as 0. t fires at the first tick after its time, so
// at most one tick late while the expirers before it return promptly; timers
// with the same tick mostly fire in the order in which they were scheduled. A
// wheel reaches 2^42 ticks, 697 years of the default tick, from where it was
// made: what is to fire later fires then.
//
// After [Wheel.Close] it does nothing.
func (w *Wheel) Schedule(t *Timer, d time.Duration, e Expirer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	if t.in != nil {
		w.unlink(t)
	}
	now := time.Since(w.start)
	w.advance(uint64(now / w.tick))

	when := (uint64(now) + uint64(max(d, 0)) + uint64(w.tick) - 1) / uint64(w.tick)
	// The slot of elapsed itself has been emptied, or is being emptied: a timer
	// put there again and again by its own expirer would never let go of it.
	t.when = min(max(when, w.elapsed+1), w.last)
	t.expirer = e
	begin := w.link(t)
	w.next = min(w.next, begin)
	if !w.running && begin < w.alarmAt {
		w.arm(begin)
	}
}

// Stop makes sure that t does not fire, and reports whether it was pending.
// When it was not, it may never have been scheduled, or its expirer is running
// or about to run.
func (w *Wheel) Stop(t *Timer) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.in == nil {
		return false
	}
	w.unlink(t)
	t.expirer = nil
	if w.pending == 0 && !w.running {
		w.disarm()
	}
	return true
}

// Pending returns the number of timers that have yet to fire.
func (w *Wheel) Pending() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pending
}

// Close drops all timers without firing them. It does not wait for an expirer
// that is running, and may be called by one. Closing twice is harmless.
func (w *Wheel) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.disarm()
	for l := range w.slot {
		for s := range w.slot[l] {
			for t := w.slot[l][s].first; t != nil; t = w.slot[l][s].first {
				w.unlink(t)
				t.expirer = nil
			}
		}
	}
}

// link puts t into the slot that its tick belongs to, and returns the tick with
// which that slot begins. The level is that of the highest digit (base 64) in
// which the tick differs from elapsed: all timers of a level are before all of
// the next one, and no slot is ever reused before it was emptied.
func (w *Wheel) link(t *Timer) (begin uint64) {
	level := (bits.Len64((w.elapsed^t.when)|(slots-1)) - 1) / slotBits
	shift := level * slotBits
	s := t.when >> shift & (slots - 1)
	w.slot[level][s].push(t)
	w.occupied[level] |= 1 << s
	w.pending++
	return t.when >> shift << shift
}

func (w *Wheel) unlink(t *Timer) {
	l := t.in
	l.remove(t)
	w.pending--
	if l.first == nil {
		w.occupied[l.level] &^= 1 << l.slot
	}
}

// earliest returns the occupied slot that begins first, and the tick with which
// it begins. There must be one.
func (w *Wheel) earliest() (*list, uint64) {
	level := 0
	for w.occupied[level] == 0 {
		level++
	}
	s := bits.TrailingZeros64(w.occupied[level])
	shift := level * slotBits
	above := w.elapsed >> (shift + slotBits) << slotBits
	return &w.slot[level][s], (above | uint64(s)) << shift
}

// advance moves elapsed on to now as long as that passes no occupied slot, so
// that what is scheduled after a long quiet time finds its level at once.
func (w *Wheel) advance(now uint64) {
	if w.pending == 0 {
		w.next = never
	}
	if !w.running && now < w.next {
		w.elapsed = max(w.elapsed, now)
	}
}

func (w *Wheel) arm(tick uint64) {
	d := time.Duration(tick)*w.tick - time.Since(w.start)
	if w.alarm == nil {
		w.alarm = time.AfterFunc(d, w.run)
	} else {
		w.alarm.Reset(d)
	}
	w.alarmAt = tick
}

func (w *Wheel) disarm() {
	if w.alarmAt != never {
		w.alarm.Stop()
		w.alarmAt = never
	}
}

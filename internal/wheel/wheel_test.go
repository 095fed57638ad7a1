package wheel

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// probe notes when its timer fires.
type probe struct {
	Timer
	fired []time.Time
	then  func()
}

func (p *probe) Expired(t *Timer) {
	if t != &p.Timer {
		panic("another timer")
	}
	p.fired = append(p.fired, time.Now())
	if p.then != nil {
		p.then()
	}
}

// pass lets d go by in a bubble and waits until all that was due has fired.
func pass(w *Wheel, d time.Duration) {
	w.Pending() // orders what the test did before what expirers do, for the race detector
	time.Sleep(d)
	synctest.Wait()
}

func TestFiresNeverEarlyAndAtMostOneTickLate(t *testing.T) {
	for _, d := range []time.Duration{
		0, 1, time.Microsecond, time.Millisecond, 4999 * time.Microsecond, 5 * time.Millisecond, 5*time.Millisecond + 1,
		319 * time.Millisecond, 320 * time.Millisecond, 321 * time.Millisecond, time.Second, 20_480 * time.Millisecond,
		25 * time.Second, 45 * time.Second, time.Hour, 24 * time.Hour, 1000 * time.Hour, 90_000 * time.Hour,
	} {
		for _, quiet := range []time.Duration{0, time.Millisecond, 320 * time.Millisecond, 7 * time.Hour} {
			t.Run(d.String()+" after "+quiet.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := New(0)
					pass(w, quiet)
					var p probe
					start := time.Now()
					w.Schedule(&p.Timer, d, &p)
					pass(w, d+DefaultTick)
					if len(p.fired) != 1 {
						t.Fatalf("fired %d times, want once", len(p.fired))
					}
					if late := p.fired[0].Sub(start) - d; late < 0 || late > DefaultTick {
						t.Errorf("fired %v after its time, want 0 to %v", late, DefaultTick)
					}
					if n := w.Pending(); n != 0 {
						t.Errorf("Pending = %d, want 0", n)
					}
				})
			})
		}
	}
}

func TestNegativeDurationFiresAtTheNextTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(0)
		var p probe
		w.Schedule(&p.Timer, math.MinInt64, &p)
		if len(p.fired) != 0 {
			t.Error("fired inside Schedule")
		}
		pass(w, DefaultTick)
		if len(p.fired) != 1 {
			t.Errorf("fired %d times, want once", len(p.fired))
		}
	})
}

func TestLongestDurationIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tick := range []time.Duration{time.Microsecond, time.Millisecond, 0, time.Hour, math.MaxInt64} {
			w := New(tick)
			var far, near probe
			w.Schedule(&far.Timer, math.MaxInt64, &far)
			if tick <= time.Hour {
				w.Schedule(&near.Timer, time.Second, &near)
				pass(w, 2*time.Hour)
				if len(near.fired) != 1 || w.Pending() != 1 {
					t.Errorf("tick %v: near fired %d times, %d pending; want 1, 1", tick, len(near.fired), w.Pending())
				}
			}
			w.Close()
		}
	})
}

func TestFiresInTheOrderOfDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(0)
		var deadlines []time.Time // of the timers, in the order in which they fired
		for range 10_000 {
			d := time.Duration(rand.Int64N(int64(time.Second)))
			if rand.IntN(2) == 0 {
				d = time.Duration(rand.Int64N(int64(time.Hour)))
			}
			deadline := time.Now().Add(d)
			p := new(probe)
			p.then = func() {
				if time.Now().Before(deadline) {
					t.Errorf("fired %v early", time.Until(deadline))
				}
				deadlines = append(deadlines, deadline)
			}
			w.Schedule(&p.Timer, d, p)
			if rand.IntN(100) == 0 {
				pass(w, time.Duration(rand.Int64N(int64(time.Second)))) // others fire meanwhile
			}
		}
		pass(w, time.Hour+DefaultTick)
		if len(deadlines) != 10_000 {
			t.Fatalf("%d of 10000 timers fired", len(deadlines))
		}
		for i := 1; i < len(deadlines); i++ {
			if early := deadlines[i-1].Sub(deadlines[i]); early > DefaultTick {
				t.Fatalf("a timer fired before one that was due %v earlier", early)
			}
		}
	})
}

func TestSameTickFiresInTheOrderOfScheduling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(0)
		var order []int
		for i := range 100 {
			p := new(probe)
			p.then = func() { order = append(order, i) }
			w.Schedule(&p.Timer, time.Minute, p)
		}
		pass(w, time.Minute)
		if len(order) != 100 || !slices.IsSorted(order) {
			t.Errorf("fired in the order %v", order)
		}
	})
}

func TestRescheduleMovesTheTimer(t *testing.T) {
	for _, tc := range []struct {
		name          string
		first, second time.Duration
	}{
		{"later", time.Second, time.Minute},
		{"sooner", time.Minute, time.Second},
		{"the same", time.Second, time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := New(0)
				start := time.Now()
				var p probe
				w.Schedule(&p.Timer, tc.first, &p)
				w.Schedule(&p.Timer, tc.second, &p)
				if n := w.Pending(); n != 1 {
					t.Errorf("Pending = %d, want 1", n)
				}
				pass(w, time.Hour)
				if len(p.fired) != 1 || !p.fired[0].Equal(start.Add(tc.second)) {
					t.Errorf("fired at %v, want once at %v", p.fired, start.Add(tc.second))
				}
			})
		})
	}
}

func TestHeartbeatReschedulesItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(0)
		start := time.Now()
		var p probe
		p.then = func() { w.Schedule(&p.Timer, 25*time.Second, &p) }
		w.Schedule(&p.Timer, 25*time.Second, &p)
		pass(w, 24*time.Hour)
		if want := 24 * 60 * 60 / 25; len(p.fired) != want {
			t.Errorf("fired %d times in a day, want %d", len(p.fired), want)
		}
		for i, at := range p.fired {
			if want := start.Add(time.Duration(i+1) * 25 * time.Second); !at.Equal(want) {
				t.Fatalf("beat %d at %v, want %v", i, at, want)
			}
		}
		w.Close()
	})
}

func TestZeroFromInsideExpiredLetsTimeGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(0)
		var p probe
		p.then = func() { w.Schedule(&p.Timer, 0, &p) }
		w.Schedule(&p.Timer, 0, &p)
		pass(w, time.Second)
		if got, want := len(p.fired), int(time.Second/DefaultTick); got != want {
			t.Errorf("fired %d times in a second, want %d", got, want)
		}
		w.Close()
	})
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(0)
		var p probe
		if w.Stop(&p.Timer) {
			t.Error("Stop of a timer that was never scheduled = true")
		}
		w.Schedule(&p.Timer, time.Second, &p)
		pass(w, time.Second-1)
		if !w.Stop(&p.Timer) {
			t.Error("Stop of a pending timer = false")
		}
		if w.Stop(&p.Timer) {
			t.Error("second Stop = true")
		}
		pass(w, time.Hour)
		if len(p.fired) != 0 {
			t.Error("a stopped timer fired")
		}
		w.Schedule(&p.Timer, time.Second, &p)
		pass(w, time.Second+DefaultTick)
		if len(p.fired) != 1 {
			t.Errorf("fired %d times after it was scheduled again, want once", len(p.fired))
		}
		if w.Stop(&p.Timer) {
			t.Error("Stop of a timer that has fired = true")
		}
	})
}

func TestStopFromInsideExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(0)
		var a, b, c probe
		a.then = func() {
			if w.Stop(&a.Timer) {
				t.Error("Stop of the timer that is expiring = true")
			}
			if !w.Stop(&b.Timer) { // due in the same tick
				t.Error("Stop of a timer that is yet to expire = false")
			}
			w.Schedule(&c.Timer, time.Minute, &c)
		}
		for _, p := range []*probe{&a, &b, &c} {
			w.Schedule(&p.Timer, time.Second, p)
		}
		pass(w, time.Second)
		if len(a.fired) != 1 || len(b.fired) != 0 || len(c.fired) != 0 || w.Pending() != 1 {
			t.Errorf("fired %d, %d, %d, pending %d; want 1, 0, 0, 1", len(a.fired), len(b.fired), len(c.fired), w.Pending())
		}
		pass(w, time.Minute)
		if len(c.fired) != 1 {
			t.Error("the timer that was moved did not fire")
		}
	})
}

func TestNoGoroutineAndNoAlarmWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		w := New(0)
		var p probe
		w.Schedule(&p.Timer, time.Second, &p)
		if n := runtime.NumGoroutine(); n != before {
			t.Errorf("%d goroutines while a timer is pending, want %d", n, before)
		}
		pass(w, time.Second)
		if n := runtime.NumGoroutine(); n != before {
			t.Errorf("%d goroutines after the last timer fired, want %d", n, before)
		}
		if w.alarmAt != never || w.alarm.Stop() {
			t.Error("an alarm is left after the last timer fired")
		}
		w.Schedule(&p.Timer, time.Second, &p)
		w.Stop(&p.Timer)
		if w.alarmAt != never || w.alarm.Stop() {
			t.Error("an alarm is left after the last timer was stopped")
		}
	})
}

func TestAlarmSkipsEmptySlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(0)
		var p probe
		w.Schedule(&p.Timer, 24*time.Hour, &p)
		wakes := 0
		for len(p.fired) == 0 {
			w.mu.Lock()
			at := w.start.Add(time.Duration(w.alarmAt) * w.tick)
			w.mu.Unlock()
			pass(w, time.Until(at))
			wakes++
		}
		if wakes > levels {
			t.Errorf("woke up %d times in a day without events, want at most %d", wakes, levels)
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(0)
		var p probe
		w.Schedule(&p.Timer, time.Second, &p)
		w.Close()
		w.Close()
		if n := w.Pending(); n != 0 {
			t.Errorf("Pending = %d after Close, want 0", n)
		}
		if w.Stop(&p.Timer) {
			t.Error("Stop after Close = true")
		}
		w.Schedule(&p.Timer, time.Second, &p)
		pass(w, time.Hour)
		if len(p.fired) != 0 {
			t.Error("a timer fired after Close")
		}
	})
}

func TestCloseFromInsideExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(0)
		var a, b probe
		a.then = w.Close
		w.Schedule(&a.Timer, time.Second, &a)
		w.Schedule(&b.Timer, time.Second, &b)
		pass(w, time.Hour)
		if len(a.fired) != 1 || len(b.fired) != 0 {
			t.Errorf("fired %d and %d times, want 1 and 0", len(a.fired), len(b.fired))
		}
	})
}

func TestNegativeTickPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New(-1) did not panic")
		}
	}()
	New(-1)
}

package wheel

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

type counter struct {
	Timer
	fired atomic.Int64
}

func (c *counter) Expired(*Timer) { c.fired.Add(1) }

// Each round of each timer ends in exactly one of two ways: it fired, or Stop
// said that it will not.
func TestConcurrentScheduleAndStop(t *testing.T) {
	w := New(time.Millisecond)
	defer w.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var c counter
			done := make(chan struct{}, 1)
			e := expirerFunc(func(*Timer) { done <- struct{}{} })
			for range 300 {
				w.Schedule(&c.Timer, time.Duration(rand.Int64N(int64(2*time.Millisecond))), e)
				if rand.IntN(2) == 0 && w.Stop(&c.Timer) {
					continue
				}
				<-done
			}
			if w.Stop(&c.Timer) {
				t.Error("a timer that has fired is pending")
			}
			select {
			case <-done:
				t.Error("a timer fired twice")
			default:
			}
		})
	}
	wg.Wait()
}

type expirerFunc func(*Timer)

func (f expirerFunc) Expired(t *Timer) { f(t) }

// Many goroutines may work on the same timers, and with Close.
func TestConcurrentUseOfOneTimer(t *testing.T) {
	w := New(time.Millisecond)
	var timers [10]counter
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 2000 {
				c := &timers[rand.IntN(len(timers))]
				switch rand.IntN(3) {
				case 0:
					w.Stop(&c.Timer)
				case 1:
					w.Schedule(&c.Timer, time.Duration(rand.Int64N(int64(time.Hour))), c)
				case 2:
					w.Schedule(&c.Timer, time.Duration(rand.Int64N(int64(time.Millisecond))), c)
				}
				if i == 0 && n == 1500 {
					w.Close()
				}
			}
		})
	}
	wg.Wait()
	if n := w.Pending(); n != 0 {
		t.Errorf("Pending = %d after Close, want 0", n)
	}
}

func TestManyTimersOfOneSlot(t *testing.T) {
	const many = 10 * chunk
	w := New(time.Millisecond)
	defer w.Close()
	var left atomic.Int64
	left.Store(many)
	done := make(chan struct{})
	e := expirerFunc(func(*Timer) {
		if left.Add(-1) == 0 {
			close(done)
		}
	})
	for range many {
		w.Schedule(new(Timer), 100*time.Millisecond, e)
	}
	<-done
	if n := w.Pending(); n != 0 {
		t.Errorf("Pending = %d, want 0", n)
	}
}

func TestTimerIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Timer{}); size > 6*unsafe.Sizeof(uint64(0)) {
		t.Errorf("a Timer has %d bytes, want at most 48", size)
	}
}

func TestScheduleAndStopAllocateNothing(t *testing.T) {
	w := New(0)
	defer w.Close()
	var c counter
	w.Schedule(&c.Timer, time.Hour, &c) // makes the alarm
	if n := testing.AllocsPerRun(100, func() {
		w.Schedule(&c.Timer, time.Minute, &c)
		w.Stop(&c.Timer)
	}); n != 0 {
		t.Errorf("Schedule and Stop allocate %v times, want 0", n)
	}
}

func BenchmarkSchedule(b *testing.B) {
	w := New(0)
	defer w.Close()
	timers := make([]counter, 100_000)
	for i := range timers {
		w.Schedule(&timers[i].Timer, time.Hour+time.Duration(rand.Int64N(int64(time.Hour))), &timers[i])
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		c := &timers[i%len(timers)]
		w.Schedule(&c.Timer, time.Hour+time.Duration(i%1000)*time.Second, c)
		i++
	}
}

func BenchmarkScheduleStopAlone(b *testing.B) {
	w := New(0)
	defer w.Close()
	var c counter
	b.ReportAllocs()
	for b.Loop() {
		w.Schedule(&c.Timer, 10*time.Second, &c)
		w.Stop(&c.Timer)
	}
}

func BenchmarkScheduleParallel(b *testing.B) {
	w := New(0)
	defer w.Close()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var c counter
		for pb.Next() {
			w.Schedule(&c.Timer, 45*time.Second, &c)
		}
	})
}

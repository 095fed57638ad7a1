package bucket

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// A bucket gives its burst at once and its rate afterwards, and never more.
func TestAllow(t *testing.T) {
	for _, c := range []struct {
		rate  float64
		burst int
	}{{1, 1}, {3, 3}, {10, 1}, {0.5, 4}, {1000, 50}, {1e6, 100}, {1e-3, 2}} {
		l, b := New(c.rate, c.burst), new(Bucket)
		take := func(now time.Duration) (n int) {
			for l.Allow(b, now) {
				n++
			}
			return n
		}
		now := 5 * time.Second
		if got := take(now); got != c.burst {
			t.Errorf("%v: %d at once", c, got)
		}
		one := time.Duration(math.Ceil(float64(time.Second) / c.rate))
		if got := take(now + one*3/4); got != 0 {
			t.Errorf("%v: %d before a token is due", c, got)
		}
		given := 0
		for range 100 { // drained whenever a token is due
			now += one
			given += take(now)
		}
		if want := 100; given < want-1 || given > want+1 {
			t.Errorf("%v: %d in the time of %d", c, given, want)
		}
		if got := take(now + 1000*time.Duration(c.burst)*one); got != c.burst {
			t.Errorf("%v: %d after a long pause", c, got)
		}
	}
}

// What is taken beyond the burst is a debt that the rate pays off.
func TestTake(t *testing.T) {
	l, b := New(1000, 100), new(Bucket)
	for _, step := range []struct {
		now  time.Duration
		n    int
		debt time.Duration
	}{
		{0, 100, 0},
		{0, 1, time.Millisecond},
		{0, 1000, 1001 * time.Millisecond},
		{time.Second, 0, time.Millisecond},
		{2 * time.Second, 100, 0},
		{2 * time.Second, 200, 200 * time.Millisecond},
	} {
		if got := l.Take(b, step.now, step.n); got != step.debt {
			t.Errorf("%+v: in debt for %v", step, got)
		}
	}
}

// No number overflows.
func TestExtremes(t *testing.T) {
	for _, rate := range []float64{1e-300, 1, 1e300, math.Inf(1)} {
		for _, burst := range []int{1, math.MaxInt32} {
			l, b := New(rate, burst), new(Bucket)
			for range 10 {
				if d := l.Take(b, time.Hour, math.MaxInt32); d < 0 {
					t.Errorf("rate %v, burst %d: in debt for %v", rate, burst, d)
				}
			}
			b = new(Bucket)
			if !l.Allow(b, 0) {
				t.Errorf("rate %v, burst %d: no first token", rate, burst)
			}
		}
	}
	if l := New(0, 0); l.Limited() || l.Take(new(Bucket), 0, 1<<30) != 0 || !l.Allow(new(Bucket), 0) {
		t.Error("rate 0 limits")
	}
	if n := unsafe.Sizeof(Bucket{}); n > 8 {
		t.Errorf("a bucket has %d bytes", n)
	}
}

// Goroutines that share a bucket get as many tokens as one.
func TestConcurrent(t *testing.T) {
	l, b := New(1, 1000), new(Bucket)
	var given atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				if l.Allow(b, 0) {
					given.Add(1)
				}
			}
		})
	}
	all.Wait()
	if given.Load() != 1000 {
		t.Errorf("%d tokens of 1000", given.Load())
	}
}

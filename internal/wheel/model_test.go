package wheel

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// Random operations against the plainest model: a deadline per timer.
func TestAgainstModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(0)
		rng := rand.New(rand.NewPCG(1, 2))
		deadlines := map[*probe]time.Time{}
		probes := make([]*probe, 200)
		for i := range probes {
			p := new(probe)
			p.then = func() {
				late, ok := time.Since(deadlines[p]), !deadlines[p].IsZero()
				if !ok || late < 0 || late > DefaultTick {
					t.Errorf("fired %v after its deadline; pending in the model: %v", late, ok)
				}
				delete(deadlines, p)
			}
			probes[i] = p
		}
		for range 50_000 {
			p := probes[rng.IntN(len(probes))]
			switch rng.IntN(4) {
			case 0, 1:
				d := time.Duration(rng.Int64N(1 << rng.IntN(45)))
				deadlines[p] = time.Now().Add(d)
				w.Schedule(&p.Timer, d, p)
			case 2:
				_, want := deadlines[p]
				if got := w.Stop(&p.Timer); got != want {
					t.Fatalf("Stop = %v, want %v", got, want)
				}
				delete(deadlines, p)
			case 3:
				pass(w, time.Duration(rng.Int64N(1<<rng.IntN(40))))
			}
			if got := w.Pending(); got != len(deadlines) {
				t.Fatalf("Pending = %d, want %d", got, len(deadlines))
			}
		}
		pass(w, 24*time.Hour)
		if len(deadlines) != 0 {
			t.Errorf("%d timers never fired", len(deadlines))
		}
	})
}

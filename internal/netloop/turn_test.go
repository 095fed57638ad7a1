//go:build linux

package netloop

import (
	"sync/atomic"
	"testing"
	"time"
)

// turns counts the calls of Turn.
type turns struct{ begun, ended atomic.Int32 }

func (n *turns) turn(begins bool) {
	if begins {
		n.begun.Add(1)
	} else {
		n.ended.Add(1)
	}
}

// step is work that does not block, unless the machine is busy.
type step struct {
	run    func()
	stalls *atomic.Int32
}

func (s step) Work()    { s.run() }
func (s step) Stalled() { s.stalls.Add(1) }

// A turn ends once: after its last work. It also ends, and another one begins, when it takes long.
func TestTurn(t *testing.T) {
	l, n := newLoop(t), new(turns)
	l.Turn = n.turn
	var stalls atomic.Int32
	var again atomic.Bool
	done := make(chan bool, 1)
	w, there := watchWork(t, l, nil)
	w.make = func(text string) Work {
		if text == "short" {
			return step{func() { done <- n.begun.Load() == n.ended.Load()+1 || stalls.Load() > 0 }, &stalls}
		}
		for range 1000 {
			w.conn.Soon(step{func() {
				for end := time.Now().Add(50 * time.Microsecond); time.Now().Before(end); {
				}
			}, &stalls})
		}
		l.mu.Lock()
		late := w.conn.state == parked // this took so long that goroutines do the work
		l.mu.Unlock()
		again.Store(late)
		return step{func() { done <- late || n.ended.Load() > 1 }, &stalls}
	}
	send := func(text string) {
		t.Helper()
		if _, err := there.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if inside := next(t, done); !inside {
			t.Errorf("%s: %d turns had begun, %d ended", text, n.begun.Load(), n.ended.Load())
		}
		for end := time.Now().Add(patience); n.ended.Load() < n.begun.Load(); {
			if time.Now().After(end) {
				t.Fatalf("%d turns have begun, %d ended", n.begun.Load(), n.ended.Load())
			}
			time.Sleep(time.Millisecond)
		}
	}
	send("short")
	for again.Store(true); again.Load(); {
		send("long")
	}
	if begun, ended := n.begun.Load(), n.ended.Load(); begun != ended || ended < stalls.Load()+3 {
		t.Errorf("%d turns have begun, %d ended, %d because of a stall", begun, ended, stalls.Load())
	}
}

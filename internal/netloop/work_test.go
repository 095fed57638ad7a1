//go:build linux

package netloop

import (
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
)

// job is work that runs until it may end.
type job struct {
	id      string
	began   chan string
	may     chan struct{} // nil: at once
	stalled chan string
}

func (j *job) Work() {
	j.began <- j.id
	if j.may != nil {
		<-j.may
	}
}

func (j *job) Stalled() { j.stalled <- j.id }

// worker is a handler that makes a job of everything it is sent.
type worker struct {
	spy
	make func(text string) Work
}

func (w *worker) Data(b []byte) bool {
	w.conn.Soon(w.make(string(b)))
	return true
}

// watchWork is watch for a worker.
func watchWork(t *testing.T, l *Loop, makeWork func(text string) Work) (*worker, net.Conn) {
	t.Helper()
	here, there := pair(t)
	w := &worker{make: makeWork}
	w.end, w.gone = make(chan error, 1), make(chan struct{})
	c, err := l.Take(here)
	if err != nil {
		t.Fatal(err)
	}
	w.conn = c
	if err := c.Start(w); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		<-w.gone
	})
	return w, there
}

// Work that blocks costs the others a moment, and the loop goes on without it.
func TestWorkThatBlocks(t *testing.T) {
	l := newLoop(t)
	began, stalled := make(chan string, 10), make(chan string, 10)
	release := make(chan struct{})
	_, slow := watchWork(t, l, func(text string) Work { return &job{text, began, release, stalled} })
	_, quick := watchWork(t, l, func(text string) Work { return &job{text, began, nil, stalled} })
	for range 3 { // each gives the role on
		_, _ = io.WriteString(slow, "slow")
		if got := next(t, began) + next(t, stalled); got != "slowslow" {
			t.Errorf("got %q", got)
		}
		_, _ = io.WriteString(quick, "quick")
		if got := next(t, began); got != "quick" {
			t.Errorf("got %q", got)
		}
	}
	close(release)
}

// What waits behind work that blocks is done by the next goroutine.
func TestWorkBehindWorkThatBlocks(t *testing.T) {
	l := newLoop(t)
	began, stalled := make(chan string, 10), make(chan string, 10)
	release := make(chan struct{})
	defer close(release)
	var n atomic.Int32
	w, peer := watchWork(t, l, nil)
	w.make = func(string) Work {
		w.conn.Soon(&job{"first", began, release, stalled})
		w.conn.Soon(&job{"second", began, release, stalled})
		n.Add(1)
		return &job{"third", began, nil, stalled}
	}
	_, _ = io.WriteString(peer, "x")
	for _, want := range []string{"first", "second", "third"} {
		if got := next(t, began); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if n.Load() != 1 {
		t.Errorf("Data was called %d times", n.Load())
	}
}

type exit struct{}

func (exit) Work()    { runtime.Goexit() }
func (exit) Stalled() {}

// Work that ends its goroutine does not end the loop.
func TestWorkThatExits(t *testing.T) {
	l := newLoop(t)
	began := make(chan string, 10)
	_, peer := watchWork(t, l, func(text string) Work {
		if text == "exit" {
			return exit{}
		}
		return &job{text, began, nil, nil}
	})
	_, other := watchWork(t, l, func(text string) Work { return &job{text, began, nil, nil} })
	_, _ = io.WriteString(peer, "exit")
	_, _ = io.WriteString(other, "on")
	if got := next(t, began); got != "on" {
		t.Errorf("got %q", got)
	}
	_, _ = io.WriteString(peer, "and on")
	if got := next(t, began); got != "and on" {
		t.Errorf("got %q", got)
	}
}

// Much work that is quick is not taken for a stall.
func TestQuickWorkDoesNotStall(t *testing.T) {
	l := newLoop(t)
	began, stalled := make(chan string, 10_000), make(chan string, 10)
	w, peer := watchWork(t, l, nil)
	w.make = func(string) Work {
		for range 9_999 {
			w.conn.Soon(&job{"", began, nil, stalled})
		}
		return &job{"last", began, nil, stalled}
	}
	_, _ = io.WriteString(peer, "x")
	for got := ""; got != "last"; got = next(t, began) {
	}
}

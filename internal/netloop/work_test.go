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

// A handler that blocks costs the others a moment; its connection is read again when it returns.
func TestDataThatBlocks(t *testing.T) {
	l := newLoop(t)
	release := make(chan bool)
	began := make(chan string, 10)
	slow, quick := new(spy), new(spy)
	slow.onData = func(b []byte) bool {
		began <- string(b)
		return <-release
	}
	slowPeer, quickPeer := watch(t, l, slow), watch(t, l, quick)
	for _, text := range []string{"one", "two", "three"} {
		_, _ = io.WriteString(slowPeer, text)
		if got := next(t, began); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
		for range 3 {
			_, _ = io.WriteString(quickPeer, "on")
			if got := next(t, quick.data); got != "on" {
				t.Errorf("got %q", got)
			}
		}
		// What happens to it meanwhile takes effect when it is back.
		slow.conn.Pause(true)
		slow.conn.Pause(false)
		release <- true
	}
	_, _ = io.WriteString(slowPeer, "last")
	next(t, began)
	_, _ = io.WriteString(quickPeer, "on")
	next(t, quick.data)
	release <- false
	slow.wantEnd(t, net.ErrClosed)
}

// A connection that is closed while its handler blocks ends when that has returned.
func TestCloseWhileDataBlocks(t *testing.T) {
	l := newLoop(t)
	release := make(chan bool)
	began := make(chan struct{}, 1)
	slow, quick := new(spy), new(spy)
	slow.onData = func([]byte) bool {
		began <- struct{}{}
		return <-release
	}
	slowPeer, quickPeer := watch(t, l, slow), watch(t, l, quick)
	_, _ = io.WriteString(slowPeer, "x")
	next(t, began)
	_, _ = io.WriteString(quickPeer, "on")
	next(t, quick.data)
	slow.conn.Close()
	if _, err := slow.conn.TryWrite([]byte("x")); err == nil {
		t.Error("written to after Close")
	}
	if len(slow.end) != 0 {
		t.Error("ended while its handler runs")
	}
	release <- true
	slow.wantEnd(t, net.ErrClosed)
}

// Work that a handler asks for when it has stopped being the loop is done all the same.
func TestSoonAfterDataBlocked(t *testing.T) {
	l := newLoop(t)
	blocks, release := make(chan struct{}), make(chan struct{})
	began := make(chan string, 10)
	var w *worker
	w, peer := watchWork(t, l, func(text string) Work {
		close(blocks)
		<-release
		w.conn.Soon(&job{text + " 1", began, nil, nil})
		return &job{text + " 2", began, nil, nil}
	})
	quick := new(spy)
	quickPeer := watch(t, l, quick)
	_, _ = io.WriteString(peer, "x")
	next(t, blocks)
	_, _ = io.WriteString(quickPeer, "on")
	next(t, quick.data)
	close(release)
	if a, b := next(t, began), next(t, began); a == b {
		t.Errorf("got %q twice", a)
	}
}

// A handler that ends its goroutine ends its connection, and nothing else.
func TestDataThatExits(t *testing.T) {
	for _, blocks := range []bool{false, true} {
		l := newLoop(t)
		s, other := new(spy), new(spy)
		s.onData = func([]byte) bool {
			if blocks {
				s.conn.until(func() bool { return s.conn.state == parked })
			}
			runtime.Goexit()
			return true
		}
		peer, otherPeer := watch(t, l, s), watch(t, l, other)
		_, _ = io.WriteString(peer, "exit")
		s.wantEnd(t, net.ErrClosed)
		_, _ = io.WriteString(otherPeer, "on")
		if got := next(t, other.data); got != "on" {
			t.Errorf("got %q", got)
		}
	}
}

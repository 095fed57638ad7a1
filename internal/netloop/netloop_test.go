//go:build linux

package netloop

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestBytesBothWays(t *testing.T) {
	s := new(spy)
	peer := watch(t, newLoop(t), s)
	for _, text := range []string{"one", "two"} {
		if _, err := io.WriteString(peer, text); err != nil {
			t.Fatal(err)
		}
		if got := next(t, s.data); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
		if n, err := s.conn.TryWrite([]byte(text)); n != len(text) || err != nil {
			t.Errorf("TryWrite: %d, %v", n, err)
		}
		buf := make([]byte, len(text))
		if _, err := io.ReadFull(peer, buf); err != nil || string(buf) != text {
			t.Errorf("peer got %q, %v", buf, err)
		}
	}
}

// Connections cost no goroutine, and a loop without connections none either.
func TestGoroutines(t *testing.T) {
	l := newLoop(t)
	before := runtime.NumGoroutine()
	var all []*spy
	for range 100 {
		s := new(spy)
		watch(t, l, s)
		all = append(all, s)
	}
	if n := runtime.NumGoroutine(); n > before+1 {
		t.Errorf("%d goroutines more for 100 connections", n-before)
	}
	for _, s := range all {
		s.conn.Close()
		s.wantEnd(t, net.ErrClosed)
	}
	l.runs.Wait()
	// And it can begin again.
	s := new(spy)
	peer := watch(t, l, s)
	_, _ = io.WriteString(peer, "again")
	if got := next(t, s.data); got != "again" {
		t.Errorf("got %q", got)
	}
}

// A peer that has only closed its side still reads what is said at the end.
func TestHalfClose(t *testing.T) {
	s := new(spy)
	s.onEnd = func() { _, _ = s.conn.TryWrite([]byte("bye")) }
	peer := watch(t, newLoop(t), s)
	_, _ = io.WriteString(peer, "last")
	if err := peer.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := next(t, s.data); got != "last" {
		t.Errorf("got %q", got)
	}
	s.wantEnd(t, io.EOF)
	if got, err := io.ReadAll(peer); string(got) != "bye" || err != nil {
		t.Errorf("peer got %q, %v", got, err)
	}
}

func TestReset(t *testing.T) {
	for _, paused := range []bool{false, true} {
		s := new(spy)
		peer := watch(t, newLoop(t), s)
		s.conn.Pause(paused)
		_ = peer.SetLinger(0) // makes close a reset
		_ = peer.Close()
		s.wantEnd(t, syscall.ECONNRESET)
	}
}

func TestDataEndsTheConnection(t *testing.T) {
	s := &spy{onData: func([]byte) bool { return false }}
	peer := watch(t, newLoop(t), s)
	_, _ = io.WriteString(peer, "x")
	s.wantEnd(t, net.ErrClosed)
	_ = peer.SetReadDeadline(time.Now().Add(patience))
	if _, err := peer.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("peer: %v", err)
	}
	if _, err := s.conn.TryWrite([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("TryWrite after the end: %v", err)
	}
}

// A connection that has ended is not heard of any more, though the socket lives on elsewhere, as it
// does in a child process until that becomes another program.
func TestSocketThatLivesOn(t *testing.T) {
	l := newLoop(t)
	other := new(spy)
	otherPeer := watch(t, l, other)
	s := &spy{onData: func([]byte) bool { return false }}
	peer := watch(t, l, s)
	fd, err := syscall.Dup(int(s.conn.fd))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	_, _ = io.WriteString(peer, "x")
	s.wantEnd(t, net.ErrClosed)
	_, _ = io.WriteString(peer, "more")
	for range 2 {
		_, _ = io.WriteString(otherPeer, "on")
		next(t, other.data)
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

func TestPause(t *testing.T) {
	l := newLoop(t)
	s, other := new(spy), new(spy)
	peer, otherPeer := watch(t, l, s), watch(t, l, other)
	s.conn.Pause(true)
	s.conn.Pause(true)
	_, _ = io.WriteString(peer, "wait")
	// The loop has gone round at least once when the other has been heard twice.
	for range 2 {
		_, _ = io.WriteString(otherPeer, "x")
		next(t, other.data)
	}
	if len(s.data) != 0 {
		t.Error("data while paused")
	}
	s.conn.Pause(false)
	if got := next(t, s.data); got != "wait" {
		t.Errorf("got %q", got)
	}
}

// A peer that does not read makes Write wait, and nobody else.
func TestWriteWaitsForRoom(t *testing.T) {
	l := newLoop(t)
	s, other := new(spy), new(spy)
	peer, otherPeer := watch(t, l, s), watch(t, l, other)
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<19) // 8 MiB
	written := make(chan error, 1)
	go func() { written <- s.conn.Write(big) }()
	s.conn.until(func() bool { return s.conn.room != nil })
	if n, err := s.conn.TryWrite([]byte("x")); n > 1 || err != nil {
		t.Errorf("TryWrite without room: %d, %v", n, err)
	} else if n == 1 {
		big = append([]byte(nil), big...) // some room had come; order is the caller's business
	}
	_, _ = io.WriteString(otherPeer, "x")
	next(t, other.data)
	got := make([]byte, len(big))
	if _, err := io.ReadFull(peer, got); err != nil {
		t.Fatal(err)
	}
	if err := next(t, written); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsWrite(t *testing.T) {
	s := new(spy)
	watch(t, newLoop(t), s)
	written := make(chan error, 1)
	go func() { written <- s.conn.Write(make([]byte, 8<<20)) }()
	s.conn.until(func() bool { return s.conn.room != nil })
	s.conn.Close()
	if err := next(t, written); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write: %v", err)
	}
	s.wantEnd(t, net.ErrClosed)
}

func TestCloseBeforeStart(t *testing.T) {
	l := newLoop(t)
	here, peer := pair(t)
	c, err := l.Take(here)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := here.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("what was taken can be written to: %v", err)
	}
	if n, err := c.TryWrite([]byte("hello")); n != 5 || err != nil {
		t.Errorf("TryWrite: %d, %v", n, err)
	}
	c.Close()
	c.Close()
	if got, err := io.ReadAll(peer); string(got) != "hello" || err != nil {
		t.Errorf("peer got %q, %v", got, err)
	}
	if err := c.Start(new(spy)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Start: %v", err)
	}
	if err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write: %v", err)
	}
}

func TestTakeFromClosedLoop(t *testing.T) {
	l := new(Loop)
	l.Close()
	here, peer := pair(t)
	if _, err := l.Take(here); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Take: %v", err)
	}
	// It is as it was.
	_, _ = io.WriteString(here, "x")
	if n, err := peer.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	mem, other := net.Pipe()
	defer mem.Close()
	defer other.Close()
	if _, err := new(Loop).Take(mem); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Take of a pipe: %v", err)
	}
}

// More connections at once than one turn takes, and more bytes than its buffer.
func TestMany(t *testing.T) {
	l := newLoop(t)
	const n = 2*turnEvents + 10
	size := 3*readBytes + 1
	got := make([]int, n)
	done := make(chan int, n)
	for i := range n {
		s := new(spy)
		s.onData = func(b []byte) bool {
			if got[i] += len(b); got[i] == size {
				done <- i
			}
			return true
		}
		peer := watch(t, l, s)
		go func() { _, _ = io.WriteString(peer, strings.Repeat("x", size)) }()
	}
	for range n {
		next(t, done)
	}
}

func TestTryWriteAllocatesNothing(t *testing.T) {
	s := new(spy)
	peer := watch(t, newLoop(t), s)
	go func() { _, _ = io.Copy(io.Discard, peer) }()
	b := []byte("x")
	if n := testing.AllocsPerRun(100, func() { _, _ = s.conn.TryWrite(b) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// A turn of the loop, from the peer's bytes to the handler, allocates nothing.
func TestTurnAllocatesNothing(t *testing.T) {
	came := make(chan struct{})
	s := &spy{onData: func([]byte) bool {
		came <- struct{}{}
		return true
	}}
	peer := watch(t, newLoop(t), s)
	b := []byte("x")
	if n := testing.AllocsPerRun(100, func() {
		_, _ = peer.Write(b)
		<-came
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

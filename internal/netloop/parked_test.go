//go:build linux

package netloop

import (
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// much is more than the kernel takes of what nobody reads.
const much = 16 << 20

// until waits for what the loop's lock guards. It panics when that does not come: not only tests call
// it, but handlers too.
func (c *Conn) until(is func() bool) {
	end := time.Now().Add(patience)
	for ok := false; !ok; runtime.Gosched() {
		c.loop.mu.Lock()
		ok = is()
		c.loop.mu.Unlock()
		if !ok && time.Now().After(end) {
			panic("netloop: the test waits in vain")
		}
	}
}

// A handler that blocks keeps nobody from writing to its own connection: it may be waiting for just
// that.
func TestWriteWhileDataBlocks(t *testing.T) {
	for _, first := range []string{"block", "write"} {
		t.Run(first, func(t *testing.T) {
			wrote, ready := make(chan error, 1), make(chan bool, 1) // nobody reads before ready
			write := func(c *Conn) { wrote <- c.Write(make([]byte, much)) }
			s := new(spy)
			s.onData = func([]byte) bool {
				if first == "write" {
					go write(s.conn)
					s.conn.until(func() bool { return s.conn.room != nil })
				}
				s.conn.until(func() bool { return s.conn.state == parked })
				if first == "block" {
					go write(s.conn)
				}
				ready <- true
				s.data <- "wrote: " + errorText(next(t, wrote))
				return true
			}
			peer := watch(t, newLoop(t), s)
			for range 2 { // it is read again afterwards
				_, _ = io.WriteString(peer, "x")
				next(t, ready)
				if n, err := io.CopyN(io.Discard, peer, much); err != nil {
					t.Errorf("%d bytes came, %v", n, err)
				}
				if got := next(t, s.data); got != "wrote: nothing" {
					t.Error(got)
				}
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return "nothing"
	}
	return err.Error()
}

// The end of a connection whose handler blocks ends a Write to it; the handler hears of it when it
// returns.
func TestCloseEndsWriteWhileDataBlocks(t *testing.T) {
	wrote := make(chan error, 1)
	s := new(spy)
	s.onData = func([]byte) bool {
		s.conn.until(func() bool { return s.conn.state == parked })
		go func() { wrote <- s.conn.Write(make([]byte, much)) }()
		s.conn.until(func() bool { return s.conn.room != nil })
		s.conn.Close()
		if err := next(t, wrote); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write: %v", err)
		}
		return true
	}
	peer := watch(t, newLoop(t), s)
	_, _ = io.WriteString(peer, "x")
	s.wantEnd(t, net.ErrClosed)
}

// What is written before the loop reads waits for room, not for Start.
func TestWriteBeforeStart(t *testing.T) {
	for _, what := range []string{"closed", "started", "started meanwhile"} {
		t.Run(what, func(t *testing.T) {
			here, there := pair(t)
			c, err := newLoop(t).Take(here)
			if err != nil {
				t.Fatal(err)
			}
			_ = there.SetReadDeadline(time.Now().Add(patience))
			s := &spy{conn: c, data: make(chan string, 1), end: make(chan error, 1), gone: make(chan struct{})}
			wrote := make(chan error, 1)
			go func() { wrote <- c.Write(make([]byte, much)) }()
			c.until(func() bool { return c.room != nil || len(wrote) > 0 })
			if what == "closed" {
				c.Close()
				if err := next(t, wrote); !errors.Is(err, net.ErrClosed) {
					t.Errorf("Write: %v", err)
				}
				return
			}
			start := func() {
				if err := c.Start(s); err != nil {
					t.Fatal(err)
				}
			}
			if what == "started meanwhile" {
				start()
			}
			if n, err := io.CopyN(io.Discard, there, much); err != nil {
				t.Errorf("%d bytes came, %v", n, err)
			}
			if err := next(t, wrote); err != nil {
				t.Errorf("Write: %v", err)
			}
			if what == "started" {
				start()
			}
			_, _ = io.WriteString(there, "x")
			if got := next(t, s.data); got != "x" {
				t.Errorf("got %q", got)
			}
			c.Close()
			s.wantEnd(t, net.ErrClosed)
		})
	}
}

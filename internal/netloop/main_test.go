//go:build linux

package netloop

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/gosocketio/socketio/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience bounds each wait of a test for something that must happen.
const patience = 10 * time.Second

// spy is a handler that passes on what it hears.
type spy struct {
	conn   *Conn
	data   chan string
	end    chan error
	gone   chan struct{}
	onData func(b []byte) bool // instead of data
	onEnd  func()
}

func (s *spy) Data(b []byte) bool {
	if s.onData != nil {
		return s.onData(b)
	}
	s.data <- string(b)
	return true
}

func (s *spy) End(err error) {
	if s.onEnd != nil {
		s.onEnd()
	}
	s.end <- err
	close(s.gone)
}

// newLoop is a loop that ends with the test.
func newLoop(t *testing.T) *Loop {
	l := new(Loop)
	t.Cleanup(l.Close)
	return l
}

// pair is two ends of a TCP connection.
func pair(t *testing.T) (here, there *net.TCPConn) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	there, err = net.DialTCP("tcp", nil, l.Addr().(*net.TCPAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = there.Close() })
	here, err = l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	return here, there
}

// watch gives one end of a connection to a loop, and returns the other end.
func watch(t *testing.T, l *Loop, s *spy) *net.TCPConn {
	t.Helper()
	here, there := pair(t)
	s.data, s.end, s.gone = make(chan string, 100), make(chan error, 1), make(chan struct{})
	c, err := l.Take(here)
	if err != nil {
		t.Fatal(err)
	}
	s.conn = c
	if err := c.Start(s); err != nil {
		t.Fatal(err)
	}
	// Tests that leave a connection open do not make others wait for it.
	t.Cleanup(func() {
		c.Close()
		for {
			select {
			case <-s.data:
			case <-s.gone:
				return
			}
		}
	})
	return there
}

func next[T any](t *testing.T, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return v
}

// wantEnd waits for the end.
func (s *spy) wantEnd(t *testing.T, want error) {
	t.Helper()
	if err := next(t, s.end); !errors.Is(err, want) {
		t.Errorf("ended with %v, want %v", err, want)
	}
}

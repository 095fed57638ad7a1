package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// servePipe serves a server in memory, inside a synctest bubble, and ends it with the test.
func servePipe(t *testing.T, c socketio.Config) (*socketio.Server, *rawclient.Endpoint) {
	t.Helper()
	c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	s := socketio.New(c)
	e := rawclient.ServePipe(t, s)
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return s, e
}

// rawConn is what both transports of rawclient can do.
type rawConn interface {
	Join(namespace, auth string) string
	Send(packets ...string)
}

// transports are the ways to open a connection.
var transports = map[string]func(*rawclient.Endpoint) rawConn{
	"polling":   func(e *rawclient.Endpoint) rawConn { return e.Polling() },
	"websocket": func(e *rawclient.Endpoint) rawConn { return e.WebSocket() },
}

// overTransports runs a test in a bubble for each transport.
func overTransports(t *testing.T, test func(t *testing.T, open func(*rawclient.Endpoint) rawConn)) {
	t.Helper()
	for name, open := range transports {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, open) })
		})
	}
}

const (
	// limit is the value of the deadlines under test, tick is how exactly they hold.
	limit = 10 * time.Second
	tick  = time.Millisecond
)

// wantSessions waits for a moment and fails the test unless the engine has so many sessions.
func wantSessions(t *testing.T, s *socketio.Server, after time.Duration, want int) {
	t.Helper()
	time.Sleep(after) // fake time
	synctest.Wait()
	if got := s.Engine().Sessions(); got != want {
		t.Errorf("%d sessions, want %d", got, want)
	}
}

// A connection that joins no namespace lives until ConnectTimeout and no longer; a refused join does not help, one in time does.
func TestLimitConnectTimeout(t *testing.T) {
	overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
		s, e := servePipe(t, socketio.Config{ConnectTimeout: limit, PingInterval: time.Hour})
		c := open(e)
		c.Send("40/unknown,")
		const refused = `44/unknown,{"message":"Invalid namespace"}`
		if ws, ok := c.(*rawclient.Conn); ok { // what is not read keeps a connection from closing at once
			ws.Want(refused)
		}
		late := open(e)
		wantSessions(t, s, limit-tick, 2)
		late.Join("/", "")
		wantSessions(t, s, 2*tick, pollersLinger(c)+1)
		wantSessions(t, s, 100*limit, 1)
	})
}

// pollersLinger is how many sessions are left at once of a connection that the server closed: a polling session waits for the
// GET that takes the close packet, for 30 s.
func pollersLinger(c rawConn) int {
	if _, polls := c.(*rawclient.Poller); polls {
		return 1
	}
	return 0
}

// Without a pong the session ends PingTimeout after the ping, and not before.
func TestLimitPingTimeout(t *testing.T) {
	overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
		s, e := servePipe(t, socketio.Config{PingInterval: limit, PingTimeout: 2 * limit, ConnectTimeout: time.Hour, WriteTimeout: time.Hour})
		open(e)
		wantSessions(t, s, 3*limit-tick, 1)
		wantSessions(t, s, 2*tick, 0)
	})
}

// A packet whose attachments do not come ends the connection after AttachmentTimeout, counted anew from each.
func TestLimitAttachmentTimeout(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2026-33151")
	synctest.Test(t, func(t *testing.T) {
		s, e := servePipe(t, socketio.Config{AttachmentTimeout: limit, PingInterval: time.Hour})
		c := e.WebSocket()
		c.Join("/", "")
		c.Send(`452-["b",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
		time.Sleep(limit - tick)
		c.SendBinary([]byte{1})
		wantSessions(t, s, limit-tick, 1)
		wantSessions(t, s, 2*tick, 0)
	})
	synctest.Test(t, func(t *testing.T) {
		s, e := servePipe(t, socketio.Config{AttachmentTimeout: limit, PingInterval: time.Hour})
		c := e.Polling()
		c.Join("/", "")
		c.Send(`451-["b",{"_placeholder":true,"num":0}]`)
		wantSessions(t, s, limit-tick, 1)
		time.Sleep(2 * tick)
		c.WantEnd()
		wantSessions(t, s, 0, 0)
	})
}

// An acknowledgement is waited for until AckTimeout.
func TestLimitAckTimeout(t *testing.T) {
	overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
		s, e := servePipe(t, socketio.Config{AckTimeout: limit, PingInterval: time.Hour})
		id := open(e).Join("/", "")
		synctest.Wait()
		x, _ := s.Of("/").Socket(id)
		start := time.Now()
		_, err := x.EmitWithAck(context.Background(), "question")
		if took := time.Since(start); !errors.Is(err, socketio.ErrTimeout) || took < limit || took > limit+tick {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// The messages that wait for a client who does not read: MaxBufferedPackets of them, not one more.
func TestLimitBufferedPackets(t *testing.T) {
	const packets = 5
	overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
		s, e := servePipe(t, socketio.Config{MaxBufferedPackets: packets, PingInterval: time.Hour, WriteTimeout: time.Hour})
		c := open(e)
		x, _ := s.Of("/").Socket(c.Join("/", ""))
		synctest.Wait()
		stall(t, x, c)
		for range packets {
			if err := x.Emit("e"); err != nil {
				t.Fatalf("at the limit: %v", err)
			}
		}
		err := x.Emit("e")
		if !errors.Is(err, socketio.ErrQueueFull) || !strings.Contains(err.Error(), "the limit is 5") || !strings.Contains(err.Error(), "MaxBufferedPackets") {
			t.Errorf("one above: %v", err)
		}
		if err := x.Emit("e"); !errors.Is(err, socketio.ErrClosed) && !errors.Is(err, socketio.ErrQueueFull) {
			t.Errorf("after that: %v", err)
		}
	})
}

// The bytes that wait for a client who does not read: MaxBufferedBytes, framing included, not one more. A message counts for a
// quarter of that at most, so that one of any size is taken where little waits.
func TestLimitBufferedBytes(t *testing.T) {
	const bytes = 10_000
	frame := func(n int) string { return strings.Repeat("x", n-len(`42["e",""]`)-4) } // the header of a frame of this size has 4 bytes
	for name, test := range map[string]struct {
		sizes []int
		ok    bool
	}{
		"at the limit":               {[]int{bytes / 4, bytes / 4, bytes / 4, bytes / 4}, true},
		"one above":                  {[]int{bytes / 4, bytes / 4, bytes / 4, bytes/4 + 1}, false},
		"large":                      {[]int{6 * bytes}, true},
		"two large and a small one":  {[]int{6 * bytes, 6 * bytes, bytes / 4}, true},
		"more large ones than wait":  {[]int{6 * bytes, 6 * bytes, 6 * bytes, 6 * bytes}, false},
		"small ones behind a large ": {[]int{6 * bytes, bytes / 4, bytes / 4, bytes / 4, bytes / 4}, false},
	} {
		t.Run(name, func(t *testing.T) {
			overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
				s, e := servePipe(t, socketio.Config{MaxBufferedBytes: bytes + 200, PingInterval: time.Hour, WriteTimeout: time.Hour})
				c := open(e)
				x, _ := s.Of("/").Socket(c.Join("/", ""))
				synctest.Wait()
				stall(t, x, c)
				waiting, _ := x.Conn().Buffered()
				pad := 200 - waiting // what is written already counts until it is taken
				if err := x.Emit("e", frame0(pad)); err != nil {
					t.Fatal(err)
				}
				if full, _ := x.Conn().Buffered(); full != 200 {
					t.Fatalf("%d bytes wait, want 200", full)
				}
				var err error
				for _, n := range test.sizes {
					if err == nil {
						err = x.Emit("e", frame(n))
					}
				}
				switch {
				case test.ok && err != nil:
					t.Error(err)
				case !test.ok && (!errors.Is(err, socketio.ErrQueueFull) || !strings.Contains(err.Error(), "10200") || !strings.Contains(err.Error(), "MaxBufferedBytes")):
					t.Errorf("got %v", err)
				}
				if n, _ := x.Conn().Buffered(); n > 18*bytes+200 {
					t.Errorf("%d bytes wait", n)
				}
			})
		})
	}
}

// frame0 is the argument that makes a small event of n bytes with its frame.
func frame0(n int) string {
	n -= len(`42["e",""]`) + 2
	if n > 125-len(`42["e",""]`) {
		n -= 2
	}
	return strings.Repeat("y", n)
}

// stall makes what is emitted to x from now on wait: over WebSocket a first event is being written to a pipe that nobody reads,
// over polling nobody asks.
func stall(t *testing.T, x *socketio.Socket, c rawConn) {
	t.Helper()
	if _, polls := c.(*rawclient.Poller); polls {
		return
	}
	if err := x.Emit("first"); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

// One message of a client: MaxPayload bytes, not one more. One more ends the connection; over
// polling the body is refused with 413.
func TestLimitPayload(t *testing.T) {
	const limit = 1000
	for name, size := range map[string]int{"at the limit": limit, "one above": limit + 1, "far above": 1000 * limit} {
		t.Run(name, func(t *testing.T) {
			overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
				s, e := servePipe(t, socketio.Config{MaxPayload: limit, PingInterval: time.Hour})
				got, gone := make(chan int, 1), make(chan socketio.Reason, 1)
				socketio.On(s, "e", func(_ *socketio.Event, text string) error { got <- len(text); return nil })
				s.OnDisconnect(func(_ *socketio.Socket, r socketio.Reason) { gone <- r })
				c := open(e)
				c.Join("/", "")
				packet := `42["e","` + strings.Repeat("x", size-len(`42["e",""]`)) + `"]`
				p, polls := c.(*rawclient.Poller)
				switch {
				case size <= limit:
					c.Send(packet)
					if n := <-got; n != size-len(`42["e",""]`) {
						t.Errorf("%d bytes arrived", n)
					}
				case polls:
					if status, body := p.Post(packet); status != http.StatusRequestEntityTooLarge || body != "" {
						t.Errorf("got %d %q", status, body)
					}
					if r := <-gone; r != socketio.ReasonTransportError {
						t.Errorf("reason %q", r)
					}
					time.Sleep(time.Second) // for so long, of fake time, net/http keeps a connection whose body it did not read
				default:
					_ = c.(*rawclient.Conn).TrySend(packet) // it may be closed before all of it is written
					if r := <-gone; r != socketio.ReasonTransportError {
						t.Errorf("reason %q", r)
					}
				}
				if len(got) != 0 || len(gone) != 0 {
					t.Error("there is more")
				}
			})
		})
	}
}

// The attachments of one packet: MaxAttachments, not one more; the packet that announces more ends the connection.
func TestLimitAttachments(t *testing.T) {
	const limit = 3
	for name, n := range map[string]int{"at the limit": limit, "one above": limit + 1, "far above": 1 << 30} {
		t.Run(name, func(t *testing.T) {
			overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
				s, e := servePipe(t, socketio.Config{MaxAttachments: limit, PingInterval: time.Hour})
				got, gone := make(chan int, 1), make(chan socketio.Reason, 1)
				socketio.On(s, "e", func(_ *socketio.Event, list [][]byte) error { got <- len(list); return nil })
				s.OnDisconnect(func(_ *socketio.Socket, r socketio.Reason) { gone <- r })
				c := open(e)
				c.Join("/", "")
				var list []string
				for i := range min(n, limit+1) {
					list = append(list, fmt.Sprintf(`{"_placeholder":true,"num":%d}`, i))
				}
				packet := fmt.Sprintf(`45%d-["e",[%s]]`, n, strings.Join(list, ","))
				p, polls := c.(*rawclient.Poller)
				if n > limit {
					if polls {
						p.Post(packet)
						p.WantEnd()
					} else {
						c.Send(packet)
						c.(*rawclient.Conn).WantClose()
					}
					if r := <-gone; r != socketio.ReasonForcedClose {
						t.Errorf("reason %q", r)
					}
					return
				}
				if polls {
					p.Send(packet, "bAQ==", "bAQ==", "bAQ==")
				} else {
					c.Send(packet)
					for range n {
						c.(*rawclient.Conn).SendBinary([]byte{1})
					}
				}
				if n := <-got; n != limit {
					t.Errorf("%d attachments arrived", n)
				}
			})
		})
	}
}

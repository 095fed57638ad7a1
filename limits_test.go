package socketio_test

import (
	"context"
	"encoding/base64"
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
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// The limits of the engine are tested in its package.

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

// A connection that joins no namespace lives until ConnectTimeout and no longer; a refused join
// does not help, one in time does.
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

// pollersLinger is how many sessions are left at once of a connection that the server closed: a
// polling session waits for the GET that takes the close packet, for 30 s.
func pollersLinger(c rawConn) int {
	if _, polls := c.(*rawclient.Poller); polls {
		return 1
	}
	return 0
}

// A packet whose attachments do not come ends the connection after AttachmentTimeout, counted anew
// from each.
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
		if !errors.Is(err, socketio.ErrQueueFull) || !strings.Contains(err.Error(), "the limit is 5") ||
			!strings.Contains(err.Error(), "MaxBufferedPackets") {
			t.Errorf("one above: %v", err)
		}
		if err := x.Emit("e"); !errors.Is(err, socketio.ErrClosed) && !errors.Is(err, socketio.ErrQueueFull) {
			t.Errorf("after that: %v", err)
		}
	})
}

// stall makes what is emitted to x from now on wait: over WebSocket a first event is being written
// to a pipe that nobody reads, over polling nobody asks.
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

// The attachments of one packet: MaxAttachments, not one more; the packet that announces more ends
// the connection.
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

// One message of a client that has joined no namespace: MaxUntrustedPayload bytes, not one more, of
// which 16 KiB are the default. Once it has joined one, MaxPayload holds.
func TestLimitUntrustedPayload(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2026-27571")
	const byDefault = 16 << 10
	for name, test := range map[string]struct {
		config     socketio.Config
		size, most int
	}{
		"at the limit":            {socketio.Config{MaxUntrustedPayload: 100}, 100, 100},
		"one above":               {socketio.Config{MaxUntrustedPayload: 100}, 101, 100},
		"far above":               {socketio.Config{MaxUntrustedPayload: 100}, 900_000, 100},
		"at the default":          {socketio.Config{}, byDefault, byDefault},
		"one above the default":   {socketio.Config{}, byDefault + 1, byDefault},
		"above MaxPayload":        {socketio.Config{MaxPayload: 1000, MaxUntrustedPayload: 2000}, 1001, 1000},
		"below the other default": {socketio.Config{MaxPayload: 1000}, 1000, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
				test.config.PingInterval = time.Hour
				causes := make(chan error, 1)
				test.config.EngineEvents.Close = func(_ *engineio.Session, _ engineio.Reason, cause error) { causes <- cause }
				s, e := servePipe(t, test.config)
				got := make(chan int, 1)
				socketio.On(s, "e", func(_ *socketio.Event, text string) error { got <- len(text); return nil })
				c := open(e)
				connect := `40{"token":"` + strings.Repeat("x", test.size-len(`40{"token":""}`)) + `"}`
				p, polls := c.(*rawclient.Poller)
				switch {
				case test.size <= test.most:
					c.Join("/", strings.TrimPrefix(connect, "40"))
				case polls:
					if status, _ := p.Post(connect); status != http.StatusRequestEntityTooLarge {
						t.Errorf("status %d", status)
					}
					time.Sleep(time.Second) // for so long, of fake time, net/http keeps a connection whose body it did not read
					ordinary := test.most == test.config.MaxPayload
					if cause := <-causes; !errors.Is(cause, engineio.ErrPayloadTooLarge) ||
						strings.Contains(cause.Error(), "MaxUntrustedPayload") == ordinary {
						t.Errorf("cause %v", cause)
					}
					return
				default:
					_ = c.(*rawclient.Conn).TrySend(connect) // it may be closed before all of it is written
					wantSessions(t, s, time.Second, 0)
					ordinary := test.most == test.config.MaxPayload
					if cause := <-causes; !errors.Is(cause, engineio.ErrPayloadTooLarge) ||
						strings.Contains(cause.Error(), "MaxUntrustedPayload") == ordinary {
						t.Errorf("cause %v", cause)
					}
					return
				}
				const event = `42["e",""]`
				most := 1_000_000
				if m := test.config.MaxPayload; m > 0 {
					most = m
				}
				c.Send(event[:len(event)-2] + strings.Repeat("x", most-len(event)) + event[len(event)-2:])
				if n := <-got; n != most-len(event) {
					t.Errorf("%d bytes arrived", n)
				}
			})
		})
	}
}

// A CONNECT with too large a token is answered, so that the client can show why: the official one then fires connect_error
// and does not try again with the same token.
func TestTooLargeConnectIsAnswered(t *testing.T) {
	const why = `{"message":"too much auth data: %d bytes, the limit is 16384"}`
	for ns, head := range map[string]string{"/": "44", "/chat": "44/chat,", "/" + strings.Repeat("x", 300): ""} {
		t.Run(ns[:min(5, len(ns))], func(t *testing.T) {
			overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
				_, e := servePipe(t, socketio.Config{PingInterval: time.Hour})
				c := open(e)
				connect := "40" + strings.TrimPrefix(ns+",", "/,") + `{"token":"` + strings.Repeat("x", 20_000) + `"}`
				want := head + fmt.Sprintf(why, len(connect))
				p, polls := c.(*rawclient.Poller)
				if !polls {
					go func() { _ = c.(*rawclient.Conn).TrySend(connect) }() // it may be closed before all of it is written
					if head != "" {
						c.(*rawclient.Conn).Want(want)
					}
					c.(*rawclient.Conn).WantClose()
					return
				}
				got := make(chan string, 1)
				go func() {
					_, body := p.Get()
					got <- body
				}()
				synctest.Wait()
				if status, _ := p.Post(connect); status != http.StatusRequestEntityTooLarge {
					t.Errorf("status %d", status)
				}
				if body := <-got; head != "" && body != want || head == "" && body != "1" {
					t.Errorf("the poll got %q, want %q", body, want)
				}
				time.Sleep(time.Second) // for so long, of fake time, net/http keeps a connection whose body it did not read
			})
		})
	}
}

// Before a namespace is joined a packet has no attachments: the one that announces them ends the
// connection. A CONNECT that is still in a middleware has not joined.
func TestAttachmentsOfAnUntrustedClient(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2026-27571")
	for name, first := range map[string]string{"at once": "", "in a middleware": "40/slow,", "refused": "40/none,"} {
		t.Run(name, func(t *testing.T) {
			overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
				causes := make(chan error, 1)
				s, e := servePipe(t, socketio.Config{
					PingInterval: time.Hour, OnError: func(_ *socketio.Socket, err error) { causes <- err },
				})
				proceed := make(chan struct{})
				defer close(proceed)
				s.Of("/slow").Use(func(*socketio.Socket) error { <-proceed; return nil })
				c := open(e)
				if first != "" {
					c.Send(first)
				}
				c.Send(`451-["e",{"_placeholder":true,"num":0}]`)
				if err := <-causes; !errors.Is(err, socketio.ErrProtocol) {
					t.Errorf("cause %v", err)
				}
			})
		})
	}
}

// A client that opens many namespaces at once, each with a token, joins them all, though not all CONNECTs
// fit in what an unknown client may make the server hold.
func TestManyNamespacesWithAuth(t *testing.T) {
	const namespaces = 20
	for name, size := range map[string]int{"2 KB": 2000, "8 KB": 8000} {
		t.Run(name, func(t *testing.T) {
			overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
				s, e := servePipe(t, socketio.Config{PingInterval: time.Hour})
				joined := make(chan string, namespaces)
				packets := make([]string, namespaces)
				for i := range packets {
					ns := s.Of(fmt.Sprintf("/n%d", i))
					ns.Use(func(*socketio.Socket) error { time.Sleep(100 * time.Millisecond); return nil })
					ns.OnConnection(func(s *socketio.Socket) { joined <- s.Namespace().Name() })
					packets[i] = fmt.Sprintf(`40/n%d,{"token":"%s"}`, i, strings.Repeat("x", size))
				}
				c := open(e)
				if p, polls := c.(*rawclient.Poller); polls {
					p.Send(packets...)
				} else {
					c.(*rawclient.Conn).SendTogether(packets...)
				}
				for range namespaces {
					<-joined
				}
			})
		})
	}
}

// The names and the auth of a connection's namespaces have MaxPayload bytes together.
func TestLimitAuthOfAConnection(t *testing.T) {
	const most = 1000
	packet := func(ns string, size int) string {
		return ns + `,{"a":"` + strings.Repeat("x", size-len(ns)-len(`{"a":""}`)) + `"}`
	}
	for name, c := range map[string]struct {
		last int
		err  bool
	}{"at the limit": {400, false}, "one above": {401, true}, "far above": {900, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, e := servePipe(t, socketio.Config{PingInterval: time.Hour, MaxPayload: most})
				for _, ns := range []string{"/a", "/b", "/c"} {
					s.Of(ns)
				}
				ws := e.WebSocket()
				ws.Send("40" + packet("/a", 600))
				ws.Joined("/a")
				ws.Send("40" + packet("/b", c.last))
				if c.err {
					ws.Want(`44/b,{"message":"too much auth data"}`)
				} else {
					ws.Joined("/b")
				}
				ws.Send("41/a,") // its auth counts no more
				ws.Send("40" + packet("/c", 600))
				ws.Joined("/c")
			})
		})
	}
}

// Once it is joined there may be some, each of MaxPayload.
func TestAttachmentsOfATrustedClient(t *testing.T) {
	overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
		s, e := servePipe(t, socketio.Config{MaxUntrustedPayload: 100, PingInterval: time.Hour})
		got := make(chan int, 1)
		socketio.On(s, "e", func(_ *socketio.Event, list [][]byte) error { got <- len(list[0]) + len(list[1]); return nil })
		c := open(e)
		c.Join("/", "")
		c.Send(`452-["e",[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]]`)
		for range 2 {
			if p, polls := c.(*rawclient.Poller); polls {
				p.Send("b" + base64.StdEncoding.EncodeToString(make([]byte, 600_000)))
			} else {
				c.(*rawclient.Conn).SendBinary(make([]byte, 600_000))
			}
		}
		if n := <-got; n != 1_200_000 {
			t.Errorf("%d bytes arrived", n)
		}
	})
}

package engineio_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
)

// Packet is called for what comes, heartbeats included, in both revisions of the protocol.
func TestPacketEvents(t *testing.T) {
	for _, c := range []struct {
		name, covers, query, ping string
	}{
		{"protocol 4", "engine/server/packet/1 engine/server/packet/2", direct, "2"},
		{"protocol 3", "engine/server/packet/2", "EIO=3&transport=websocket", "3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Attr("covers", c.covers)
			in := make(chan wire.Packet, 10)
			s := start(t, engineio.Config{AllowEIO3: true, PingInterval: 50 * time.Millisecond, PingTimeout: patience, Events: engineio.Events{
				Packet: func(_ *engineio.Session, p wire.Packet) { p.Data = append([]byte(nil), p.Data...); in <- p },
			}})
			conn := s.dial(c.query)
			conn.open()
			want := func(kind wire.Type, data string) {
				t.Helper()
				if p := next(t, in); p.Type != kind || string(p.Data) != data {
					t.Errorf("packet %+v, want %d %q", p, kind, data)
				}
			}
			if c.ping == "2" {
				conn.want("2")
				conn.send("3")
				want(wire.Pong, "")
			} else {
				conn.send("2")
				want(wire.Ping, "")
				conn.want("3")
			}
			conn.send("4hi")
			want(wire.Message, "hi")
		})
	}
}

// Flush comes before messages are handed to the transport, Drain once nothing waits any more.
func TestFlushAndDrainEvents(t *testing.T) {
	for name, query := range map[string]string{"polling": handshake, "WebSocket": direct} {
		t.Run(name, func(t *testing.T) {
			t.Attr("covers", "engine/server/messages/18")
			events := make(chan string, 20)
			report := func(name string) func(*engineio.Session) {
				return func(x *engineio.Session) {
					_, packets := x.Buffered()
					events <- fmt.Sprintf("%s of %d", name, packets)
				}
			}
			s := start(t, engineio.Config{Events: engineio.Events{Flush: report("flush"), Drain: report("drain")}})
			var fetch func()
			if query == handshake {
				q := s.polling()
				fetch = func() { s.wantReply(s.request("GET", q, ""), 200, "4aaaa") }
			} else {
				c := s.dial(query)
				c.open()
				fetch = func() { c.want("4aaaa") }
			}
			if err := next(t, s.sessions).Send([]byte("aaaa"), false); err != nil {
				t.Fatal(err)
			}
			fetch()
			for _, want := range []string{"flush of 1", "drain of 0"} {
				if got := next(t, events); got != want {
					t.Errorf("%s, want %s", got, want)
				}
			}
		})
	}
}

// Messages are sent once each and in order: one by one or in a burst, over each transport and while it changes.
func TestSend(t *testing.T) {
	send := func(t *testing.T, x *engineio.Session, i int) {
		t.Helper()
		if err := x.Send(fmt.Append(nil, i), false); err != nil {
			t.Fatal(err)
		}
	}
	for _, burst := range []bool{false, true} {
		t.Run(fmt.Sprintf("polling, burst %t", burst), func(t *testing.T) {
			s := start(t, engineio.Config{})
			q := s.polling()
			x := next(t, s.sessions)
			for i := range 4 {
				send(t, x, i)
				if !burst {
					s.wantReply(s.request("GET", q, ""), 200, fmt.Sprintf("4%d", i))
				}
			}
			if burst {
				s.wantReply(s.request("GET", q, ""), 200, "40\x1e41\x1e42\x1e43")
			}
		})
		t.Run(fmt.Sprintf("WebSocket, burst %t", burst), func(t *testing.T) {
			t.Attr("covers", "engine/server/send/10")
			s := start(t, engineio.Config{})
			c := s.dial(direct)
			c.open()
			x := next(t, s.sessions)
			for i := range 4 {
				send(t, x, i)
				if !burst {
					c.want(fmt.Sprintf("4%d", i))
				}
			}
			for i := 0; burst && i < 4; i++ {
				c.want(fmt.Sprintf("4%d", i))
			}
			c.send("4end") // the echo comes next: nothing was sent twice
			c.want("4end")
		})
	}
	t.Run("while probing", func(t *testing.T) {
		s := start(t, engineio.Config{})
		q := s.polling()
		x := next(t, s.sessions)
		c := s.dial(strings.Replace(q, "polling", "websocket", 1))
		c.send("2probe")
		c.want("3probe")
		send(t, x, 0)
		c.send("5")
		c.want("40")
	})
	t.Run("closed", func(t *testing.T) {
		s := start(t, engineio.Config{})
		s.polling()
		x := next(t, s.sessions)
		x.Discard(nil)
		next(t, s.closings)
		if err := x.Send([]byte("late"), false); !errors.Is(err, engineio.ErrClosed) {
			t.Errorf("a closed session says %v", err)
		}
	})
}

// Frames that were built before are sent as they are, unless the connection takes another form.
func TestBuiltFramesAreSent(t *testing.T) {
	frames := wire.AppendText(nil, wire.Message, []byte(strings.Repeat("built ", 500)))
	t.Run("as they are", func(t *testing.T) {
		t.Attr("covers", "engine/server/send/15")
		s := start(t, engineio.Config{})
		c := s.dial(direct)
		c.open()
		if err := engineio.LinkOf(next(t, s.sessions)).Write(engineio.Now, engineio.Message{Prepared: engineio.Prepare(frames)}); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(frames))
		if _, err := io.ReadFull(c.r, got); err != nil || string(got) != string(frames) {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("compressed", func(t *testing.T) {
		t.Attr("covers", "engine/server/send/16")
		s := start(t, deflate())
		c := s.dialDeflate(direct)
		c.open()
		if err := engineio.LinkOf(next(t, s.sessions)).Write(engineio.Now, engineio.Message{Prepared: engineio.Prepare(frames)}); err != nil {
			t.Fatal(err)
		}
		c.wantFrame(1, "4"+strings.Repeat("built ", 500), true)
	})
}

// The events of an upgrade, and of what it leaves alone: the session's first request, and another engine of the same process.
func TestUpgradeEvents(t *testing.T) {
	t.Attr("covers", "engine/server/packet/5 engine/server/response-headers/7 engine/server/response-headers/8")
	events := make(chan string, 10)
	count := func(name string) func(http.Header, *http.Request) {
		return func(http.Header, *http.Request) { events <- name }
	}
	s := start(t, engineio.Config{Events: engineio.Events{
		Upgrading:      func(_ *engineio.Session, to engineio.Transport) { events <- "upgrading to " + to.String() },
		Upgrade:        func(_ *engineio.Session, to engineio.Transport) { events <- "upgraded to " + to.String() },
		InitialHeaders: count("initial headers"),
		Headers:        count("headers"),
	}})
	other := start(t, engineio.Config{Path: "/foo/"})
	q := s.polling()
	x := next(t, s.sessions)
	if got := other.request("GET", q, ""); got.status != 404 {
		t.Errorf("the other engine answers %+v", got)
	}
	if err := x.Send([]byte("one"), false); err != nil {
		t.Fatal(err)
	}
	s.wantReply(s.request("GET", q, ""), 200, "4one")
	c := s.dial(strings.Replace(q, "polling", "websocket", 1))
	c.send("2probe")
	c.want("3probe")
	c.send("5")
	c.send("4hi")
	c.want("4hi")
	for _, want := range []string{"initial headers", "headers", "headers", "headers", "upgrading to websocket", "upgraded to websocket"} {
		if got := next(t, events); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if len(events) > 0 {
		t.Errorf("and %s", <-events)
	}
	if v := x.Handshake().Query().Get("transport"); v != "polling" {
		t.Errorf("the session's request asks for %s", v)
	}
}

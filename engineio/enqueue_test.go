package engineio_test

import (
	"bytes"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
)

func message(text string) *engineio.Prepared {
	return engineio.Prepare(wire.AppendText(nil, wire.Message, []byte(text)))
}

// What was enqueued leaves with Flush, in order, before what is written later, and PacketCreate hears of it then.
func TestEnqueueAndFlush(t *testing.T) {
	for _, transport := range []string{"polling", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			var created atomic.Int32
			s := start(t, engineio.Config{Events: engineio.Events{
				PacketCreate: func(*engineio.Session, wire.Packet) { created.Add(1) },
			}})
			var q string
			var c *socket
			if transport == "polling" {
				q = s.polling()
			} else {
				c = s.dial(direct)
				c.open()
			}
			x := next(t, s.sessions)
			want := func(texts ...string) {
				t.Helper()
				if c == nil {
					if got := s.request("GET", q, "").body; got != "4"+strings.Join(texts, "\x1e4") {
						t.Errorf("got %q, want %q", got, texts)
					}
					return
				}
				for _, text := range texts {
					c.want("4" + text)
				}
			}

			before := created.Load()
			if err := x.Enqueue(0, message("a"), message("b")); err != nil {
				t.Fatal(err)
			}
			if bytes, n := x.Buffered(); n != 2 || bytes != 8 || created.Load() != before {
				t.Errorf("%d messages of %d bytes wait, %d were announced", n, bytes, created.Load()-before)
			}
			x.Flush(0, message("a"), message("b"))
			if created.Load() != before+2 {
				t.Errorf("%d messages announced", created.Load()-before)
			}
			want("a", "b")

			// One alone; one behind which another writes; nothing at all.
			for _, o := range []engineio.WriteOptions{0, engineio.Later} {
				if err := x.Enqueue(0, message("c")); err != nil {
					t.Fatal(err)
				}
				x.Flush(o)
				want("c")
			}
			if err := x.Enqueue(0, message("d")); err != nil {
				t.Fatal(err)
			}
			if err := x.Send([]byte("e"), false); err != nil {
				t.Fatal(err)
			}
			want("d", "e")
			x.Flush(0)

			// A graceful close takes along what was enqueued.
			if err := x.Enqueue(0, message("f")); err != nil {
				t.Fatal(err)
			}
			x.Close()
			want("f")
			if err := x.Enqueue(0, message("g")); !errors.Is(err, engineio.ErrClosed) {
				t.Errorf("Enqueue on a closed session: %v", err)
			}
		})
	}
}

// A graceful close takes along what was enqueued, a parked GET or not.
func TestCloseWhileParkedTakesAlongWhatWasEnqueued(t *testing.T) {
	s := start(t, engineio.Config{})
	q := s.polling()
	x := next(t, s.sessions)
	answer := s.poll(q)
	s.parked(x)
	if err := x.Enqueue(0, message("a")); err != nil {
		t.Fatal(err)
	}
	x.Close()
	if got := next(t, answer).body; got != "4a" {
		t.Errorf("got %q, want the message", got)
	}
	if got := s.request("GET", q, "").body; got != "6\x1e1" {
		t.Errorf("got %q, want the close packet", got)
	}
}

func TestEnqueueIsVolatile(t *testing.T) {
	s := start(t, engineio.Config{})
	c := s.dial(direct)
	c.open()
	x := next(t, s.sessions)
	for _, text := range []string{"first", "dropped"} {
		if err := x.Enqueue(engineio.Volatile, message(text)); err != nil {
			t.Fatal(err)
		}
	}
	x.Flush(0)
	c.want("4first")
	if err := x.Send([]byte("last"), false); err != nil {
		t.Fatal(err)
	}
	c.want("4last")
}

// All or none: frames that exceed a limit together close the session, as with Write.
func TestEnqueueKeepsTheLimits(t *testing.T) {
	for name, c := range map[string]engineio.Config{
		"bytes":   {MaxBufferedBytes: 100},
		"packets": {MaxBufferedPackets: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, c)
			conn := s.dial(direct)
			conn.open()
			x := next(t, s.sessions)
			// As much at once as an idle WebSocket takes.
			big := string(bytes.Repeat([]byte("x"), 200))
			if err := x.Enqueue(0, message(big)); err != nil {
				t.Fatal(err)
			}
			x.Flush(0)
			conn.want("4" + big)
			for x.Flush(0); !x.Writable(); {
			}
			if err := x.Enqueue(0, message("a"), message(big), message(big), message(big), message(big)); !errors.Is(err, engineio.ErrQueueFull) {
				t.Errorf("got %v", err)
			}
			conn.wantEnd()
			s.wantClosing("EIO=4&transport=polling&sid="+x.ID(), engineio.ReasonTransportError, "")
		})
	}
}

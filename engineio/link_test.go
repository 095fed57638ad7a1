package engineio_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
)

func message(text string) engineio.Message {
	return engineio.Message{Prepared: engineio.Prepare(wire.AppendText(nil, wire.Message, []byte(text)))}
}

// What is written OnFlush leaves with Flush, in order and before what is written later.
func TestWriteOnFlush(t *testing.T) {
	for _, transport := range []string{"polling", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			s := start(t, engineio.Config{})
			var q string
			var c *socket
			if transport == "polling" {
				q = s.polling()
			} else {
				c = s.dial(direct)
				c.open()
			}
			x := next(t, s.sessions)
			link := engineio.LinkOf(x)
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

			if err := link.Write(engineio.OnFlush, message("a"), message("b")); err != nil {
				t.Fatal(err)
			}
			if bytes, n := x.Buffered(); n != 2 || bytes != 8 {
				t.Errorf("%d messages of %d bytes wait", n, bytes)
			}
			link.Flush(engineio.Now)
			want("a", "b")

			// One alone; one behind which another writes; nothing at all.
			for _, o := range []engineio.When{engineio.Now, engineio.Later} {
				if err := link.Write(engineio.OnFlush, message("c")); err != nil {
					t.Fatal(err)
				}
				link.Flush(o)
				want("c")
			}
			if err := link.Write(engineio.OnFlush, message("d")); err != nil {
				t.Fatal(err)
			}
			if err := x.Send([]byte("e"), false); err != nil {
				t.Fatal(err)
			}
			want("d", "e")
			link.Flush(engineio.Now)

			// A graceful close takes along what was queued.
			if err := link.Write(engineio.OnFlush, message("f")); err != nil {
				t.Fatal(err)
			}
			x.Close()
			want("f")
			if err := link.Write(engineio.OnFlush, message("g")); !errors.Is(err, engineio.ErrClosed) {
				t.Errorf("Write on a closed session: %v", err)
			}
		})
	}
}

// A graceful close takes along what was queued, a parked GET or not.
func TestCloseWhileParkedTakesAlongWhatWasQueued(t *testing.T) {
	s := start(t, engineio.Config{})
	q := s.polling()
	x := next(t, s.sessions)
	answer := s.poll(q)
	s.parked(x)
	if err := engineio.LinkOf(x).Write(engineio.OnFlush, message("a")); err != nil {
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

func TestWriteOnFlushIsVolatile(t *testing.T) {
	s := start(t, engineio.Config{})
	c := s.dial(direct)
	c.open()
	x := next(t, s.sessions)
	link := engineio.LinkOf(x)
	for _, text := range []string{"first", "dropped"} {
		m := message(text)
		m.Volatile = true
		if err := link.Write(engineio.OnFlush, m); err != nil {
			t.Fatal(err)
		}
	}
	link.Flush(engineio.Now)
	c.want("4first")
	if err := x.Send([]byte("last"), false); err != nil {
		t.Fatal(err)
	}
	c.want("4last")
}

// Messages that exceed a limit together close the session.
func TestWriteKeepsTheLimits(t *testing.T) {
	for name, c := range map[string]engineio.Config{
		"bytes":   {MaxBufferedBytes: 100},
		"packets": {MaxBufferedPackets: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, c)
			conn := s.dial(direct)
			conn.open()
			x := next(t, s.sessions)
			link := engineio.LinkOf(x)
			// As much at once as an idle WebSocket takes.
			big := string(bytes.Repeat([]byte("x"), 200))
			if err := link.Write(engineio.OnFlush, message(big)); err != nil {
				t.Fatal(err)
			}
			link.Flush(engineio.Now)
			conn.want("4" + big)
			for link.Flush(engineio.Now); !x.Writable(); {
			}
			if err := link.Write(engineio.OnFlush, message("a"), message(big), message(big), message(big), message(big)); !errors.Is(err, engineio.ErrQueueFull) {
				t.Errorf("got %v", err)
			}
			conn.wantEnd()
			s.wantClosing("EIO=4&transport=polling&sid="+x.ID(), engineio.ReasonTransportError, "")
		})
	}
}

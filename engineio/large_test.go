package engineio_test

import (
	"strings"
	"testing"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
)

// A message of any size is accepted where little waits, and arrives whole.
func TestLargeMessages(t *testing.T) {
	large := "4" + strings.Repeat("large ", 3<<20)
	for name, c := range map[string]engineio.Config{
		"event loop": {},
		"portable":   {ConnectionMode: engineio.PortableMode},
		"deflate":    {PerMessageDeflate: &engineio.PerMessageDeflate{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, c)
			conn := s.dial(direct)
			conn.open()
			x := next(t, s.sessions)
			for range 2 {
				if err := x.Send([]byte(large[1:]), false); err != nil {
					t.Fatal(err)
				}
			}
			if err := x.Send([]byte("behind"), false); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{large, large, "4behind"} {
				if got, _, err := conn.read(); err != nil || got != want {
					t.Fatalf("got %d bytes, %v; want %d", len(got), err, len(want))
				}
			}
		})
	}
	t.Run("polling", func(t *testing.T) {
		s := start(t, engineio.Config{})
		q := s.polling()
		x := next(t, s.sessions)
		for _, text := range []string{large[1:], large[1:], "behind"} {
			if err := x.Send([]byte(text), false); err != nil {
				t.Fatal(err)
			}
		}
		want := large + "\x1e" + large + "\x1e4behind"
		if got := s.request("GET", q, ""); got.body != want {
			t.Errorf("got %d with %d bytes, want %d", got.status, len(got.body), len(want))
		}
	})
	t.Run("protocol 3", func(t *testing.T) {
		s := v3(t, engineio.Config{})
		q := s.polling3("EIO=3")
		sendLarge(t, next(t, s.sessions), large[1:])
		want := wire.AppendPayloadBinary3(nil, wire.AppendText(nil, wire.Message, []byte(large[1:])))
		want = wire.AppendPayloadBinary3(want, wire.AppendBinary(nil, []byte(large[1:])))
		if got := s.request("GET", q, ""); got.body != string(want) {
			t.Errorf("got %d with %d bytes, want %d", got.status, len(got.body), len(want))
		}

		c := s.dial("EIO=3&transport=websocket")
		c.open()
		sendLarge(t, next(t, s.sessions), large[1:])
		for _, want := range []string{large, "\x04" + large[1:]} {
			if got, _, err := c.read(); err != nil || got != want {
				t.Fatalf("got %d bytes, %v; want %d", len(got), err, len(want))
			}
		}
	})
}

// sendLarge sends data as text and as a binary message.
func sendLarge(t *testing.T, x *engineio.Session, data string) {
	t.Helper()
	for _, binary := range []bool{false, true} {
		if err := x.Send([]byte(data), binary); err != nil {
			t.Fatal(err)
		}
	}
}

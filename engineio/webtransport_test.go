package engineio_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
)

func TestWebTransport(t *testing.T) {
	run := func(name string, c engineio.Config, f func(t *testing.T, s *wtServer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, startWT(t, c)) })
		})
	}
	run("direct", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, _ := s.stream(nil)
		c.send("\x010")
		head := make([]byte, 1+107)
		if _, err := io.ReadFull(c.conn, head); err != nil || head[0] != 107 || !strings.Contains(string(head), `"upgrades":[]`) {
			t.Errorf("opened with %q, %v", head, err)
		}
		if x := <-s.sessions; x.Transport() != engineio.WebTransport || x.Stats().Transport.String() != "webtransport" || x.Protocol() != 4 {
			t.Errorf("%+v", x.Stats())
		}
		if got := s.engine.Stats(); got.WebTransport != 1 || got.WebSocket != 0 {
			t.Errorf("%+v", got)
		}
	})
	run("initial packet", engineio.Config{InitialPacket: "welcome"}, func(t *testing.T, s *wtServer) {
		c, _ := s.stream(nil)
		c.send("\x010")
		c.read()
		c.want("4welcome")
	})
	run("messages", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, x := s.direct()
		big := strings.Repeat("ü", 40_000)
		for _, m := range []string{"hello", big} {
			if err := x.Send([]byte(m), false); err != nil {
				t.Fatal(err)
			}
			c.want("4" + m)
			if err := x.Send([]byte(m), true); err != nil {
				t.Fatal(err)
			}
			c.want("binary " + m)
		}
		_ = x.Send(nil, true)
		c.want("b") // the form that official clients take
		if err := engineio.LinkOf(x).Write(engineio.Now, engineio.Message{
			Frames: wire.AppendBinary(wire.AppendText(nil, wire.Message, []byte("451-[]")), []byte{1}),
		}); err != nil {
			t.Fatal(err)
		}
		c.want("4451-[]", "binary \x01")
		c.send("\x064hello\x83\x01\x02\x03\x80")
		for _, b := range append(binary.BigEndian.AppendUint64([]byte{127}, uint64(1+len(big))), "4"+big...) {
			c.send(string([]byte{b}))
		}
		for _, want := range []string{"falsehello", "true\x01\x02\x03", "true", "false" + big} {
			if got := <-s.messages; got != want {
				t.Errorf("message %.40q, want %.40q", got, want)
			}
		}
	})
	run("heartbeat", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, _ := s.direct()
		for range 5 {
			c.want("2")
			c.send("\x013")
		}
		c.want("2")
		c.want("2") // the last frame before the end, for nobody answered
		c.wantEnd()
		_ = s.wantClosing(engineio.ReasonPingTimeout)
	})
	run("the peer closes", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, _ := s.direct()
		c.conn.Close()
		_ = s.wantClosing(engineio.ReasonTransportClose)
		c, _ = s.direct()
		c.send("\x011")
		c.wantEnd()
		_ = s.wantClosing(engineio.ReasonTransportClose)
	})
	run("nothing is lost by closing", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, x := s.direct()
		for _, m := range []string{"a", "b"} {
			if err := x.Send([]byte(m), false); err != nil {
				t.Fatal(err)
			}
		}
		x.Close()
		c.want("4a", "4b", "2")
		begun := time.Now()
		c.send("\x013")
		c.wantEnd()
		if d := time.Since(begun); d > 0 {
			t.Errorf("the session stayed open for %v", d)
		}
		_ = s.wantClosing(engineio.ReasonForcedClose)
	})
	run("a peer that does not show what it has read", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, x := s.direct()
		c.want("2") // a heartbeat is under way
		x.Close()
		c.want("2")
		begun := time.Now()
		c.send("\x013") // that of the heartbeat
		c.wantEnd()
		if d := time.Since(begun); d < time.Second/2 || d > 2*time.Second {
			t.Errorf("the session was closed after %v", d)
		}
		_ = s.wantClosing(engineio.ReasonForcedClose)
	})
	run("a peer that does not read", engineio.Config{}, func(t *testing.T, s *wtServer) {
		_, x := s.direct()
		if err := x.Send([]byte("a"), false); err != nil {
			t.Fatal(err)
		}
		if cause := s.wantClosing(engineio.ReasonTransportError); !errors.Is(cause, engineio.ErrSlowPeer) {
			t.Error(cause)
		}
	})
	run("Shutdown", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, _ := s.direct()
		waiting, _ := s.stream(nil)
		begun := time.Now()
		go func() { // the pipe holds nothing
			c.want("2")
			c.wantEnd()
			waiting.wantEnd()
		}()
		if err := s.engine.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if d := time.Since(begun); d > 2*time.Second {
			t.Errorf("took %v", d)
		}
		if _, w := s.stream(nil); w.Code != http.StatusServiceUnavailable {
			t.Errorf("status %d after Shutdown", w.Code)
		}
		_ = s.wantClosing(engineio.ReasonForcedClose)
	})
}

// A large message arrives whole at any chunking, and 1,000,000 bytes have a header of 9 bytes.
func TestWebTransportMillionBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startWT(t, engineio.Config{})
		c, x := s.direct()
		million := bytes.Repeat([]byte("a"), 1_000_000)
		go func() {
			_, _ = c.conn.Write(append([]byte{0xff, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40}, million...))
		}()
		if got := <-s.messages; got != "true"+string(million) {
			t.Errorf("%d bytes", len(got))
		}
		_ = x.Send(million, true)
		got := make([]byte, 9+len(million))
		if _, err := io.ReadFull(c.conn, got); err != nil || !bytes.Equal(got[:9], []byte{0xff, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40}) || !bytes.Equal(got[9:], million) {
			t.Errorf("%x, %v", got[:9], err)
		}
	})
}

package engineio_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
)

const direct = "EIO=4&transport=websocket"

// frame builds a client frame whose header may lie.
func frame(b0 byte, masked bool, length uint64, payload []byte) []byte {
	b := []byte{b0, 127}
	b = binary.BigEndian.AppendUint64(b, length)
	if masked {
		b[1] |= 0x80
		b = append(b, 0, 0, 0, 0) // a mask that changes nothing
	}
	return append(b, payload...)
}

// Each broken rule of RFC 6455 ends the session with its close code.
func TestWebSocketFaults(t *testing.T) {
	t.Attr("covers", "easy/25 engine/server/verification/6 engine/server/close/30 engine/server/messages/4 abuse/CVE-2016-10542 abuse/CVE-2022-21676 abuse/CVE-2020-27813 abuse/CVE-2026-27889 abuse/extra/11 abuse/CVE-2026-48779")
	text := func(s string) []byte { return frame(0x81, true, uint64(len(s)), []byte(s)) }
	for _, c := range []struct {
		name   string
		bytes  []byte
		code   ws.StatusCode
		reason engineio.Reason
		cause  string
	}{
		{"RSV1", frame(0xc1, true, 1, []byte("4")), 1002, engineio.ReasonTransportError, "reserved bits"},
		{"opcode 3", frame(0x83, true, 1, []byte("4")), 1002, engineio.ReasonTransportError, "reserved opcode"},
		{"no mask", frame(0x81, false, 1, []byte("4")), 1002, engineio.ReasonTransportError, "without a mask"},
		{"fragmented ping", []byte{0x09, 0x80, 0, 0, 0, 0}, 1002, engineio.ReasonTransportError, "fragmented control"},
		{"long ping", frame(0x89, true, 126, make([]byte, 126)), 1002, engineio.ReasonTransportError, "control frame of more"},
		{"continuation of nothing", frame(0x80, true, 1, []byte("4")), 1002, engineio.ReasonTransportError, "continuation of no"},
		{"message in message", append(frame(0x01, true, 1, []byte("4")), text("4")...), 1002, engineio.ReasonTransportError, "message within"},
		{"not UTF-8", text("4\xff"), 1007, engineio.ReasonTransportError, "not UTF-8"},
		{"one byte too many", text("4" + strings.Repeat("x", 100)), 1009, engineio.ReasonTransportError, "101 bytes, the limit is 100"},
		{"2^63", frame(0x82, true, 1<<63, nil), 1009, engineio.ReasonTransportError, "too large"},
		{"2^64-1", frame(0x82, true, 1<<64-1, nil), 1009, engineio.ReasonTransportError, "too large"},
		{"too large in fragments", bytes.Repeat(append(frame(0x02, true, 60, make([]byte, 60)), frame(0x00, true, 60, nil)...), 1), 1009, engineio.ReasonTransportError, "too large"},
		{"too many fragments", append(frame(0x01, true, 0, nil), bytes.Repeat(frame(0x00, true, 0, nil), 16_384)...), 1008, engineio.ReasonTransportError, "16384 fragments"},
		{"close frame of one byte", []byte{0x88, 0x81, 0, 0, 0, 0, 'x'}, 1002, engineio.ReasonTransportError, "bad close frame"},
		{"close reason", []byte{0x88, 0x83, 0, 0, 0, 0, 3, 0xe8, 0xff}, 1007, engineio.ReasonTransportError, "not UTF-8"},
		{"unknown packet", text("abc"), 0, engineio.ReasonParseError, ""},
		{"empty packet", text(""), 0, engineio.ReasonParseError, ""},
		{"ping packet", text("2"), 0, engineio.ReasonTransportError, "invalid heartbeat direction"},
		{"close packet", text("1"), 0, engineio.ReasonTransportClose, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, engineio.Config{MaxPayload: 100})
			conn := s.dial(direct)
			conn.open()
			if _, err := conn.Write(c.bytes); err != nil {
				t.Fatal(err)
			}
			want := c.code
			if want == 0 {
				want = ws.StatusNoStatusRcvd
			}
			// More that nobody will read must not turn the close frame into a reset.
			if c.reason != engineio.ReasonTransportClose {
				if _, err := conn.Write(make([]byte, 500_000)); err != nil {
					t.Fatal(err)
				}
			}
			if code := conn.wantEnd(); code != want {
				t.Errorf("close code %d, want %d", code, want)
			}
			got := next(t, s.closings)
			text := ""
			if got.cause != nil {
				text = got.cause.Error()
			}
			if got.reason != c.reason || !strings.Contains(text, c.cause) {
				t.Errorf("closed with %q, %v; want %q, %q", got.reason, got.cause, c.reason, c.cause)
			}
			if strings.Contains(c.cause, "too large") && !errors.Is(got.cause, engineio.ErrPayloadTooLarge) {
				t.Errorf("%v is not ErrPayloadTooLarge", got.cause)
			}
		})
	}
}

// A close frame with a code that may be sent closes the session, and is answered with the same code; any other code breaks a
// rule. A proxy that restarts sends 1012.
func TestWebSocketCloseCodes(t *testing.T) {
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			s := start(t, engineio.Config{ConnectionMode: mode})
			for code, usable := range map[ws.StatusCode]bool{
				0: false, 999: false, 1000: true, 1001: true, 1002: true, 1003: true, 1004: false, 1005: false, 1006: false,
				1007: true, 1008: true, 1009: true, 1010: true, 1011: true, 1012: true, 1013: true, 1014: true, 1015: false,
				1016: false, 1100: false, 2000: false, 2999: false, 3000: true, 3999: true, 4000: true, 4999: true,
				5000: false, 65535: false,
			} {
				want, reason := code, engineio.ReasonTransportClose
				if !usable {
					want, reason = ws.StatusProtocolError, engineio.ReasonTransportError
				}
				for _, text := range []string{"", "service restart"} {
					conn := s.dial(direct)
					conn.open()
					close := append([]byte{0x88, 0x80 | byte(2+len(text)), 0, 0, 0, 0, byte(code >> 8), byte(code)}, text...)
					conn.raw(close)
					conn.wantFrame(ws.OpClose, string([]byte{byte(want >> 8), byte(want)}), false)
					if got := next(t, s.closings); got.reason != reason {
						t.Errorf("%d %q: closed with %q, want %q", code, text, got.reason, reason)
					}
				}
			}
		})
	}
}

// A message is the same however its bytes arrive.
func TestWebSocketChunking(t *testing.T) {
	s := start(t, engineio.Config{})
	c := s.dial(direct)
	c.open()
	for _, size := range []int{0, 1, 125, 126, 200, 65_535, 65_536, 100_000} {
		want := "4" + strings.Repeat("é", size/2)
		b := ws.MustCompileFrame(ws.MaskFrameInPlaceWith(ws.NewTextFrame([]byte(want)), [4]byte{1, 2, 3, 4}))
		for _, step := range []int{1, 3, 4096, len(b)} {
			if len(b)/step > 300 {
				continue
			}
			for i := 0; i < len(b); i += step {
				if _, err := c.Write(b[i:min(i+step, len(b))]); err != nil {
					t.Fatal(err)
				}
			}
			c.want(want)
		}
	}
}

func TestWebSocketFragmentsAndControlFramesBetween(t *testing.T) {
	s := start(t, engineio.Config{})
	c := s.dial(direct)
	c.open()
	ping := []byte{0x89, 0x84, 0, 0, 0, 0, 'p', 'i', 'n', 'g'}
	for _, b := range [][]byte{
		frame(0x01, true, 2, []byte("4h")), ping[:8], ping[8:],
		frame(0x00, true, 0, nil), frame(0x80, true, 4, []byte("ello")),
	} {
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	f, err := ws.ReadFrame(c.r)
	if err != nil || f.Header.OpCode != ws.OpPong || string(f.Payload) != "ping" {
		t.Fatalf("got %+v, %v; want a pong", f, err)
	}
	c.want("4hello")
}

func TestPeerCloseIsTransportClose(t *testing.T) {
	t.Attr("covers", "easy/25")
	for name, end := range map[string]func(c *socket) error{
		"close frame": func(c *socket) error {
			return wsutil.WriteClientMessage(c.Conn, ws.OpClose, ws.NewCloseFrameBody(1000, "bye"))
		},
		"TCP end": func(c *socket) error { return c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, engineio.Config{})
			c := s.dial(direct)
			c.open()
			if err := end(c); err != nil {
				t.Fatal(err)
			}
			if got := next(t, s.closings); got.reason != engineio.ReasonTransportClose {
				t.Errorf("closed with %+v", got)
			}
		})
	}
}

// A close frame is answered with its own code, and the connection ended: browsers wait for both.
func TestCloseFrameIsAnswered(t *testing.T) {
	for _, code := range []ws.StatusCode{0, 1000, 1001, 3000, 4999} {
		s := start(t, engineio.Config{})
		c := s.dial(direct)
		c.open()
		var body []byte
		want := ws.StatusNoStatusRcvd
		if code != 0 {
			body, want = ws.NewCloseFrameBody(code, "bye"), code
		}
		if err := wsutil.WriteClientMessage(c.Conn, ws.OpClose, body); err != nil {
			t.Fatal(err)
		}
		if got := wantCloseFrame(t, c); got != want {
			t.Errorf("%d is answered with %d", code, got)
		}
		wantEOF(t, c)
	}
}

// What is being written when a peer closes arrives whole, and the answer behind it.
func TestCloseFrameDuringAWrite(t *testing.T) {
	s := start(t, engineio.Config{MaxBufferedBytes: 64 << 20})
	c := s.dial(direct)
	c.open()
	if err := next(t, s.sessions).Send(make([]byte, 16<<20), true); err != nil {
		t.Fatal(err)
	}
	if err := wsutil.WriteClientMessage(c.Conn, ws.OpClose, ws.NewCloseFrameBody(3000, "bye")); err != nil {
		t.Fatal(err)
	}
	if got := next(t, s.closings); got.reason != engineio.ReasonTransportClose || got.cause != nil {
		t.Errorf("closed with %+v", got)
	}
	if f, err := ws.ReadFrame(c.r); err != nil || len(f.Payload) != 16<<20 {
		t.Fatalf("%d bytes, %v", len(f.Payload), err)
	}
	if code := wantCloseFrame(t, c); code != 3000 {
		t.Errorf("closed with %d", code)
	}
	wantEOF(t, c)
}

// wantCloseFrame reads a close frame and returns its code, without answering it.
func wantCloseFrame(t *testing.T, c *socket) ws.StatusCode {
	t.Helper()
	f, err := ws.ReadFrame(c.r)
	if err != nil || f.Header.OpCode != ws.OpClose {
		t.Fatalf("got %+v, %v; want a close frame", f, err)
	}
	if len(f.Payload) == 0 {
		return ws.StatusNoStatusRcvd
	}
	code, _ := ws.ParseCloseFrameData(f.Payload)
	return code
}

// A peer that broke a rule sees the end of the connection behind the close frame, without closing first.
func TestFaultEndsConnection(t *testing.T) {
	for name, bytes := range map[string][]byte{"of the WebSocket": frame(0xc1, true, 1, []byte("4")), "of a packet": frame(0x81, true, 1, []byte("x"))} {
		t.Run(name, func(t *testing.T) {
			s := start(t, engineio.Config{})
			c := s.dial(direct)
			c.open()
			if _, err := c.Write(bytes); err != nil {
				t.Fatal(err)
			}
			wantCloseFrame(t, c)
			wantEOF(t, c)
		})
	}
}

// A peer that ended the connection is not told anything.
func TestEndWithoutCloseFrame(t *testing.T) {
	s := start(t, engineio.Config{})
	c := s.dial(direct)
	c.open()
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	wantEOF(t, c)
}

// Who breaks a rule is told, though another goroutine was just about to write.
func TestFaultBesideAWrite(t *testing.T) {
	s := start(t, engineio.Config{Events: engineio.Events{Message: func(x *engineio.Session, data []byte, _ bool) {
		_ = engineio.LinkOf(x).Write(engineio.Later, engineio.Message{Frames: wire.AppendText(nil, wire.Message, data)})
	}}})
	for range 50 {
		c := s.dial(direct)
		c.open()
		_, _ = c.Write(append(frame(0x81, true, 2, []byte("4x")), frame(0xc1, true, 1, []byte("4"))...))
		if code := c.wantEnd(); code != ws.StatusProtocolError {
			t.Fatalf("closed with %d", code)
		}
	}
}

// A candidate that does not probe is told that it is closed, with the code of the rule that it broke.
func TestCandidateIsToldThatItIsClosed(t *testing.T) {
	for name, c := range map[string]struct {
		bytes []byte
		code  ws.StatusCode
	}{
		"a message":     {frame(0x81, true, 1, []byte("4")), ws.StatusNoStatusRcvd},
		"reserved bits": {frame(0xc1, true, 1, []byte("4")), 1002},
		"a close frame": {[]byte{0x88, 0x82, 0, 0, 0, 0, 0x0b, 0xb8}, 3000},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, engineio.Config{})
			q := s.polling()
			candidate := s.dial(strings.Replace(q, "polling", "websocket", 1))
			if _, err := candidate.Write(c.bytes); err != nil {
				t.Fatal(err)
			}
			if code := wantCloseFrame(t, candidate); code != c.code {
				t.Errorf("close code %d, want %d", code, c.code)
			}
			wantEOF(t, candidate)
			s.request("POST", q, "4still here")
			if got := s.request("GET", q, ""); got.body != "4still here" {
				t.Errorf("the session is answered %+v", got)
			}
		})
	}
}

// wantEOF waits for the end of the peer's half of the connection.
func wantEOF(t *testing.T, c *socket) {
	t.Helper()
	if b, err := io.ReadAll(c.r); err != nil || len(b) > 0 {
		t.Errorf("got %q, %v; want the end", b, err)
	}
}

func TestSubprotocolsMustBeDifferentTokens(t *testing.T) {
	s := start(t, engineio.Config{})
	for _, offer := range []string{"", "one, one", "o(ne", "one,,two", "one,"} {
		got := s.with("GET", direct, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: "+offer)
		if got.status != 400 || got.body != "Invalid Sec-WebSocket-Protocol header" {
			t.Errorf("%q is answered %+v", offer, got)
		}
	}
}

func TestFirstSubprotocolIsAccepted(t *testing.T) {
	s := start(t, engineio.Config{})
	d := ws.Dialer{Protocols: []string{"a", "b"}}
	conn, _, hs, err := d.Dial(t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"?"+direct)
	if err != nil || hs.Protocol != "a" {
		t.Fatalf("%+v, %v", hs, err)
	}
	_ = conn.Close()
}

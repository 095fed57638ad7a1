package engineio_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
)

// Frames with every combination of reserved bits, in every state of a connection.
func TestAbuse_CVE_2022_21676_ReservedBits(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2022-21676")
	s := start(t, engineio.Config{})
	for rsv := byte(1); rsv < 8; rsv++ {
		for _, op := range []byte{0, 1, 2, 3, 8, 9, 10, 15} {
			c := s.dial(direct)
			c.open()
			c.raw([]byte{0x80 | rsv<<4 | op, 0x81, 0, 0, 0, 0, '4'})
			if code := c.wantEnd(); code != ws.StatusProtocolError {
				t.Errorf("bits %d, opcode %d: close code %d", rsv, op, code)
			}
			next(t, s.sessions)
			next(t, s.closings)
		}
	}
	s.alive()
}

// A frame's announced length takes no memory; what has arrived does.
func TestAbuse_CVE_2016_10542_AnnouncedLengths(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2016-10542")
	s := start(t, engineio.Config{MaxPayload: 64 << 20})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const conns = 20
	for range conns {
		c := s.dial(direct)
		c.open()
		c.raw(frame(0x02, true, 30<<20, make([]byte, 100)))
		_ = c.Close()
		next(t, s.closings) // it has been read
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > conns<<20 {
		t.Errorf("%d bytes were allocated for %d connections", took, conns)
	}
}

// What comes back in a pong or a close frame is what was sent, to the byte.
func TestAbuse_CVE_2016_10518_Echoes(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2016-10518")
	s := start(t, engineio.Config{})
	c := s.dial(direct)
	c.open()
	c.send("4" + strings.Repeat("secret", 1000)) // what pooled buffers hold from now on
	c.want("4" + strings.Repeat("secret", 1000))
	for n := range 126 {
		payload := strings.Repeat("p", n)
		c.raw(ws.MustCompileFrame(ws.MaskFrame(ws.NewPingFrame([]byte(payload)))))
		c.wantFrame(ws.OpPong, payload, false)
	}
	c.raw(ws.MustCompileFrame(ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(3000, "reason")))))
	f, err := ws.ReadFrame(c.r)
	if err != nil || f.Header.OpCode != ws.OpClose || string(f.Payload) != "\x0b\xb8" {
		t.Errorf("%+v, %v", f, err)
	}
}

// A message in as many frames as there may be, many of them empty, is one message in one buffer.
func TestAbuse_CVE_2026_48779_TinyFragments(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2026-48779")
	s := start(t, engineio.Config{})
	c := s.dial(direct)
	c.open()
	fragment := func(b0 byte, payload string) []byte {
		return append([]byte{b0, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
	}
	const n = 16_384
	message := fragment(0x01, "4")
	for i := range n - 2 {
		message = append(message, fragment(0x00, strings.Repeat("a", i%2))...)
	}
	c.raw(append(message, fragment(0x80, "!")...))
	c.want("4" + strings.Repeat("a", (n-2)/2) + "!")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c.raw(fragment(0x01, "4"))
	c.raw(bytes.Repeat(fragment(0x00, ""), n))
	if code := c.wantEnd(); code != ws.StatusPolicyViolation {
		t.Errorf("close code %d", code)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
}

// Pongs that nobody asked for start nothing.
func TestAbuse_CVE_2026_48802_UnsolicitedPongs(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2026-48802")
	s := start(t, engineio.Config{})
	c := s.dial(direct)
	c.open()
	next(t, s.sessions)
	goroutines := runtime.NumGoroutine()
	c.raw(bytes.Repeat([]byte{0x81, 0x81, 0, 0, 0, 0, '3'}, 10_000))
	c.raw(bytes.Repeat([]byte{0x8a, 0x80, 0, 0, 0, 0}, 10_000))
	c.send("4end")
	c.want("4end")
	eventually(t, "no more goroutines than before", func() bool { return runtime.NumGoroutine() <= goroutines+1 })
}

// Buffers of compressors and decompressors have one owner at a time: many connections at once get their own bytes back.
func TestAbuse_PR_8244_PooledBuffers(t *testing.T) {
	t.Attr("covers", "abuse/PR-8244")
	s := start(t, deflate())
	var all sync.WaitGroup
	for i := range 8 {
		c := s.dialDeflate(direct)
		c.open()
		all.Go(func() {
			for j := range 15 {
				text := "4" + strings.Repeat(fmt.Sprintf("connection %d, message %d. ", i, j), 50+j*60)
				f := compressedFrame(t, ws.OpText, text)
				if _, err := c.Write(f); err != nil {
					t.Error(err)
					return
				}
				c.wantFrame(ws.OpText, text, true)
			}
		})
	}
	all.Wait()
}

// A WebSocket that names a session which has one already is closed; the session's own is not touched.
func TestAbuse_UpgradeOfAnotherTransport(t *testing.T) {
	t.Attr("covers", "abuse/extra/5")
	s := start(t, engineio.Config{})
	mine := s.dial(direct)
	id := mine.open()
	other := s.dial(direct + "&sid=" + id)
	if code := other.wantEnd(); code != ws.StatusNoStatusRcvd {
		t.Errorf("close code %d", code)
	}
	mine.send("4mine")
	mine.want("4mine")
	if s.engine.Sessions() != 1 {
		t.Errorf("%d sessions", s.engine.Sessions())
	}
}

package engineio_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"github.com/gosocketio/socketio/engineio"
)

// Frames that claim to be compressed where they may not, and messages that cannot be inflated, end the session.
func TestDeflateFaults(t *testing.T) {
	whole, err := wsflate.CompressFrame(ws.NewTextFrame([]byte("4" + strings.Repeat("the quick brown fox ", 10))))
	if err != nil {
		t.Fatal(err)
	}
	half := whole.Payload[:len(whole.Payload)/2]
	for _, c := range []struct {
		name  string
		bytes []byte
		code  ws.StatusCode
		cause string
	}{
		{"RSV2", frame(0xa1, true, 1, []byte("4")), 1002, "reserved bits"},
		{"RSV1 and RSV3", frame(0xd1, true, 1, []byte("4")), 1002, "reserved bits"},
		{"RSV1 on a ping", []byte{0xc9, 0x81, 0, 0, 0, 0, 'p'}, 1002, "reserved bits"},
		{"RSV1 on a continuation", append(frame(0x41, true, 1, []byte("4")), frame(0xc0, true, 1, []byte("4"))...), 1002, "reserved bits"},
		{"noise", frame(0xc1, true, 4, []byte("\xff\xff\xff\xff")), 1007, "cannot be inflated"},
		{"cut off", frame(0xc1, true, uint64(len(half)), half), 1007, "cannot be inflated"},
		{"not UTF-8 once inflated", compressedFrame(t, ws.OpText, "4\xff"), 1007, "not UTF-8"},
		{"one byte too many once inflated", compressedFrame(t, ws.OpBinary, strings.Repeat("a", 1001)), 1009, "more than 1000 bytes when inflated, which is the limit (Config.MaxPayload)"},
		{"far too many once inflated", compressedFrame(t, ws.OpBinary, strings.Repeat("a", 900_000)), 1009, "when inflated"},
		{"too large before", frame(0xc2, true, 1000+1000/8+65, nil), 1009, "too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := deflate()
			config.MaxPayload = 1000
			s := start(t, config)
			conn := s.dialDeflate(direct)
			conn.open()
			conn.raw(c.bytes)
			if code := conn.wantEnd(); code != c.code {
				t.Errorf("close code %d, want %d", code, c.code)
			}
			got := next(t, s.closings)
			if got.reason != engineio.ReasonTransportError || got.cause == nil || !strings.Contains(got.cause.Error(), c.cause) {
				t.Errorf("%s: %v", got.reason, got.cause)
			}
			if (c.code == 1009) != errors.Is(got.cause, engineio.ErrPayloadTooLarge) {
				t.Errorf("the cause is %v", got.cause)
			}
		})
	}
	t.Run("as large as may be", func(t *testing.T) {
		config := deflate()
		config.MaxPayload = 1000
		s := start(t, config)
		conn := s.dialDeflate(direct)
		conn.open()
		conn.raw(compressedFrame(t, ws.OpBinary, strings.Repeat("a", 1000)))
		conn.want(strings.Repeat("a", 1000))
	})
}

// A message that wants to become a hundred times as large is stopped at the limit, before memory is taken for it.
func TestDeflateBomb(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2026-27571")
	s := start(t, deflate())
	conn := s.dialDeflate(direct)
	conn.open()
	var block bytes.Buffer
	w, err := flate.NewWriter(&block, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(make([]byte, 1<<20))
	_ = w.Flush()
	payload := bytes.TrimSuffix(bytes.Repeat(block.Bytes(), 100), []byte("\x00\x00\xff\xff"))
	bomb := frame(0xc2, true, uint64(len(payload)), payload)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	conn.raw(bomb)
	if code := conn.wantEnd(); code != ws.StatusMessageTooBig {
		t.Errorf("close code %d", code)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
}

package engineio

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio/wire"
)

// readBare feeds b in pieces of the given size and returns what came out, with the error that ended it.
func readBare(b []byte, step, limit int) (out []string, err error) {
	f := frameReader{limit: limit, bare: true}
	for len(b) > 0 && err == nil {
		n := min(step, len(b))
		err = f.feed(b[:n], func(op ws.OpCode, payload []byte) error {
			out = append(out, string(rune('0'+op))+string(payload))
			return nil
		})
		b = b[n:]
		if f.frameState != nil && (len(f.message) > limit || cap(f.message) > 2*limit+2*firstPiece) {
			err = errors.New("memory beyond the limit")
		}
	}
	return out, err
}

// Whatever arrives, the reader does not panic, takes no memory beyond its limit, finds the same packets and the same error at
// any chunking, and calls the error one of the packet.
func FuzzBareFrames(f *testing.F) {
	frames := wire.AppendText(nil, wire.Message, []byte("hello"))
	frames = wire.AppendBinary(frames, bytes.Repeat([]byte{7}, 300))
	frames = wire.AppendBinary(frames, nil)
	f.Add(wire.FramesBare(frames), uint8(0))
	f.Add([]byte{0x80, 0x80, 0x83, 1, 2, 3, 0}, uint8(1))
	f.Add([]byte{0x7f, 0, 0, 0, 0, 0, 0, 0, 2, '4', 0xff}, uint8(4))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		const limit = 1000
		whole, wholeErr := readBare(b, max(len(b), 1), limit)
		pieces, piecesErr := readBare(b, int(step)+1, limit)
		if len(whole) != len(pieces) {
			t.Fatalf("whole: %q, in pieces: %q", whole, pieces)
		}
		for i := range whole {
			if whole[i] != pieces[i] {
				t.Fatalf("whole: %q, in pieces: %q", whole, pieces)
			}
		}
		if (wholeErr == nil) != (piecesErr == nil) || wholeErr != nil && wholeErr.Error() != piecesErr.Error() {
			t.Fatalf("whole: %v, in pieces: %v", wholeErr, piecesErr)
		}
		if wholeErr != nil && !errors.Is(wholeErr, wire.ErrPacket) {
			t.Fatal(wholeErr)
		}
	})
}

// The cases of the official parser's tests, decoded at once and byte by byte.
func TestBareFrames(t *testing.T) {
	const limit = 1 << 20
	bytesOf := func(n int) []byte { return bytes.Repeat([]byte{7}, n) }
	three := wire.AppendText(nil, wire.Message, []byte("first"))
	three = wire.AppendBinary(three, []byte{1, 2, 3})
	three = wire.AppendText(three, wire.Ping, nil)
	for _, c := range []struct {
		name, covers string
		in           []byte
		want         []string
		cause        string
	}{
		{"text", "extra/engine-parser/index/11", []byte("\x054" + "1€"), []string{"141€"}, ""},
		{"three packets", "extra/engine-parser/index/12 extra/engine-parser/index/13", wire.FramesBare(three), []string{"14first", "2\x01\x02\x03", "12"}, ""},
		{"binary", "extra/engine-parser/index/14 extra/engine-parser/node/10", []byte{0x83, 1, 2, 3}, []string{"2\x01\x02\x03"}, ""},
		{"medium", "extra/engine-parser/index/15", append([]byte{0xfe, 0x30, 0x39}, bytesOf(12345)...), []string{"2" + string(bytesOf(12345))}, ""},
		{"big", "extra/engine-parser/index/16", append([]byte{0xff, 0, 0, 0, 0, 0, 1, 0x11, 0x70}, bytesOf(70_000)...), []string{"2" + string(bytesOf(70_000))}, ""},
		{"above the limit", "extra/engine-parser/index/17", []byte{0xff, 0, 0, 0, 0, 0, 0x10, 0, 1}, nil, "1048577 bytes, the limit is 1048576"},
		{"no packet", "extra/engine-parser/index/18", []byte{0}, nil, errBareEmpty.Error()},
		{"above 2^53-1", "extra/engine-parser/index/19", []byte{0xff, 0, 0x20, 0, 0, 0, 0, 0, 0}, nil, "9007199254740992 bytes"},
		{"above 2^63", "", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, nil, "18446744073709551615 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Attr("covers", c.covers)
			for _, step := range []int{1, len(c.in)} {
				got, err := readBare(c.in, step, limit)
				if !slices.Equal(got, c.want) {
					t.Errorf("%d bytes at a time: got %.100q", step, got)
				}
				if c.cause == "" && err != nil || c.cause != "" && (err == nil || !strings.Contains(err.Error(), c.cause)) {
					t.Errorf("%d bytes at a time: %v", step, err)
				}
			}
		})
	}
}

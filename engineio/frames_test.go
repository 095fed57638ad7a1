package engineio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// read feeds b in pieces of the given size and returns what came out, with the error that ended it.
func read(b []byte, step, limit int, deflate bool) (out []string, err error) {
	f := frameReader{limit: limit, deflate: deflate}
	b = bytes.Clone(b) // feed unmasks in place
	for len(b) > 0 && err == nil {
		n := min(step, len(b))
		err = f.feed(b[:n], func(op ws.OpCode, payload []byte) error {
			out = append(out, string(rune('0'+op))+string(payload))
			return nil
		})
		b = b[n:]
		most := limit
		if deflate {
			most = compressedLimit(limit)
		}
		if f.frameState != nil && (len(f.message) > most || cap(f.message) > 2*most+2*firstPiece) {
			err = errors.New("memory beyond the limit")
		}
	}
	return out, err
}

// A length of 64 bits is compared with the limit before it becomes an int, which has 32 bits on some systems.
func TestFrameLengths(t *testing.T) {
	for _, begin := range [][]byte{
		{0x81, 0xff}, // text
		{0x01, 0x81, 0, 0, 0, 0, '4', 0x80, 0xff}, // the second frame of a message
		{0xc1, 0xff}, // compressed
	} {
		for _, length := range []uint64{1001 + 1<<8, 1 << 31, 1 << 32, 1<<32 + 5, 1 << 63, 1<<63 + 5, math.MaxUint64} {
			frame := append(binary.BigEndian.AppendUint64(bytes.Clone(begin), length), 0, 0, 0, 0, '4', 'x', 'x', 'x', 'x')
			out, err := read(frame, len(frame), 1000, true)
			var f *fault
			if len(out) > 0 || !errors.As(err, &f) || f.code != ws.StatusMessageTooBig {
				t.Errorf("%x of %d bytes: %q, %v", begin, length, out, err)
			}
		}
	}
}

// Whatever arrives, the reader does not panic, takes no memory beyond its limit, and finds the same messages and the same
// fault at any chunking.
func FuzzFrameReader(f *testing.F) {
	mask := [4]byte{1, 2, 3, 4}
	for _, frame := range []ws.Frame{
		ws.NewTextFrame([]byte("4hello")),
		ws.NewBinaryFrame(bytes.Repeat([]byte{7}, 300)),
		ws.NewFrame(ws.OpText, false, []byte("4frag")),
		ws.NewFrame(ws.OpContinuation, true, []byte("ment")),
		ws.NewPingFrame([]byte("ping")),
		ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "bye")),
		ws.NewTextFrame([]byte{0xff}),
	} {
		f.Add(ws.MustCompileFrame(ws.MaskFrameWith(frame, mask)), uint8(3), false)
	}
	compressed, err := wsflate.CompressFrame(ws.NewTextFrame(bytes.Repeat([]byte("4a"), 400)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ws.MustCompileFrame(ws.MaskFrameWith(compressed, mask)), uint8(3), true)
	f.Add([]byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, uint8(1), false)
	f.Add([]byte{0x01, 0x80, 0, 0, 0, 0, 0x80, 0x80, 0, 0, 0, 0}, uint8(5), true)
	f.Fuzz(func(t *testing.T, b []byte, step uint8, deflate bool) {
		const limit = 1000
		whole, wholeErr := read(b, max(len(b), 1), limit, deflate)
		pieces, piecesErr := read(b, int(step)+1, limit, deflate)
		if len(whole) != len(pieces) {
			t.Fatalf("whole: %q, in pieces: %q", whole, pieces)
		}
		for i := range whole {
			if whole[i] != pieces[i] {
				t.Fatalf("whole: %q, in pieces: %q", whole, pieces)
			}
		}
		var a, c *fault
		if errors.As(wholeErr, &a) != errors.As(piecesErr, &c) || a != nil && a.code != c.code {
			t.Fatalf("whole: %v, in pieces: %v", wholeErr, piecesErr)
		}
		if wholeErr != nil && a == nil || piecesErr != nil && c == nil {
			t.Fatal(wholeErr, piecesErr)
		}
	})
}

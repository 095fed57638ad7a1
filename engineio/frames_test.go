package engineio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"github.com/gosocketio/socketio/engineio/wire"
)

// read feeds b in pieces of the given size and returns what came out, with the error that ended it.
func read(b []byte, step int, f frameReader) (out []string, err error) {
	b = bytes.Clone(b) // feed unmasks in place
	for len(b) > 0 && err == nil {
		n := min(step, len(b))
		err = f.feed(b[:n], func(op ws.OpCode, payload []byte) error {
			out = append(out, string(rune('0'+op))+string(payload))
			return nil
		})
		b = b[n:]
		most := f.limit
		if f.deflate {
			most = compressedLimit(most)
		}
		if f.frameState != nil && (len(f.message) > most || cap(f.message) > 2*most+2*firstPiece) {
			err = errors.New("memory beyond the limit")
		}
		// A frame's announced length takes no memory.
		if f.frameState != nil && cap(f.message) > 2*firstPiece+aheadFactor*len(f.message)*9/8 {
			err = fmt.Errorf("%d bytes of memory for %d that arrived", cap(f.message), len(f.message))
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
			out, err := read(frame, len(frame), frameReader{limit: 1000, deflate: true})
			var f *fault
			if len(out) > 0 || !errors.As(err, &f) || f.code != ws.StatusMessageTooBig {
				t.Errorf("%x of %d bytes: %q, %v", begin, length, out, err)
			}
		}
	}
}

// A large message gets its memory in few steps, none of them far beyond what has arrived, and a message
// that was put together is nobody else's.
func TestLargeFrameInPieces(t *testing.T) {
	const size = 1 << 20
	payload := bytes.Repeat([]byte("large "), size/6)
	frame := ws.MustCompileFrame(ws.MaskFrame(ws.NewBinaryFrame(payload)))
	for _, step := range []int{1000, 16 << 10, 64 << 10, len(frame)} {
		if out, err := read(frame, step, frameReader{limit: size}); err != nil || len(out) != 1 || out[0][1:] != string(payload) {
			t.Errorf("in pieces of %d: %d messages, %v", step, len(out), err)
		}
		f, b := frameReader{limit: size}, bytes.Clone(frame)
		var kept []byte
		for len(b) > 0 {
			n := min(step, len(b))
			if err := f.feed(b[:n], func(_ ws.OpCode, p []byte) error {
				if owned := step < len(frame); f.owned != owned {
					t.Errorf("in pieces of %d: owned is %v", step, f.owned)
				}
				kept = p
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			clear(b[:n])
			b = b[n:]
		}
		if step < len(frame) && !bytes.Equal(kept, payload) {
			t.Errorf("in pieces of %d: what was kept has changed", step)
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
		whole, wholeErr := read(b, max(len(b), 1), frameReader{limit: limit, deflate: deflate})
		pieces, piecesErr := read(b, int(step)+1, frameReader{limit: limit, deflate: deflate})
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
		whole, wholeErr := read(b, max(len(b), 1), frameReader{limit: limit, bare: true})
		pieces, piecesErr := read(b, int(step)+1, frameReader{limit: limit, bare: true})
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
				got, err := read(c.in, step, frameReader{limit: limit, bare: true})
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

package engineio

import (
	"bytes"
	"errors"
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
		if len(f.message) > limit || cap(f.message) > 2*limit+2*firstPiece {
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

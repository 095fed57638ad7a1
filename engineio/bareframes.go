package engineio

import (
	"encoding/binary"
	"fmt"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/refusal"
)

var (
	errBareEmpty = fmt.Errorf("%w: frame without a packet", wire.ErrPacket)
	errBareUTF8  = fmt.Errorf("%w: text that is not UTF-8", wire.ErrPacket)
)

// bareHeader parses the header of a frame on a WebTransport stream (protocol v4, "WebTransport"): a WebSocket frame without
// its first byte and its mask, for every packet is one frame. The highest bit of the length says that it is binary.
func (f *frameReader) bareHeader(b []byte) (n int, ok bool, err error) {
	had := int(f.partialLen)
	n = copy(f.partial[had:], b)
	h := f.partial[:had+n]
	size := 1
	switch h[0] & 0x7f {
	case 126:
		size = 3
	case 127:
		size = 9
	}
	if len(h) < size {
		f.partialLen = uint8(len(h))
		return n, false, nil
	}
	f.partialLen = 0
	length := uint64(h[0] & 0x7f)
	switch length {
	case 126:
		length = uint64(binary.BigEndian.Uint16(h[1:]))
	case 127:
		length = binary.BigEndian.Uint64(h[1:])
	}
	f.op, f.fin = ws.OpText, true
	if h[0]&0x80 != 0 {
		f.op = ws.OpBinary
	}
	switch {
	case length > uint64(f.limit):
		return 0, false, fmt.Errorf("%w: %w", wire.ErrPacket, refusal.Inner(tooLarge(length, f.limit)))
	case length == 0 && f.op == ws.OpText: // an empty binary message is one; official clients send it
		return 0, false, errBareEmpty
	}
	f.msgOp = f.op
	f.inFrame = true
	f.left = int(length)
	return size - had, true, nil
}

package engineio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/internal/bufpool"
)

// maxFragments is how many frames one message may have, so that empty ones cannot keep a connection busy for ever.
const maxFragments = 16_384

// firstPiece is what is allocated for a frame that arrives in pieces; it grows with what has really arrived.
const firstPiece = 4 << 10

// fault is a broken rule of RFC 6455; the close frame names its code.
type fault struct {
	code ws.StatusCode
	err  error
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

func faultf(code ws.StatusCode, format string, args ...any) error {
	return &fault{code, fmt.Errorf("engineio: "+format, args...)}
}

// errPeerClosed: the peer said that it closes.
var errPeerClosed = errors.New("engineio: closed by the peer")

// frameReader makes messages out of the bytes of a WebSocket or a WebTransport stream as they arrive, at any chunking. What is
// complete in the arrived bytes is handed on in place; only the rest is copied. The goroutine that reads owns it.
type frameReader struct {
	limit   int  // of a message, in bytes
	bare    bool // frames are those of a WebTransport stream, see bareHeader
	deflate bool // messages may be compressed

	*frameState // nil while no frame or message has begun, which is nearly always
}

// frameState is how far the bytes have come.
type frameState struct {
	partial    [ws.MaxHeaderSize]byte // of a header
	partialLen uint8

	inFrame  bool
	op       ws.OpCode
	fin      bool
	left     int // bytes of the current frame's payload that have not arrived
	mask     [4]byte
	maskPos  int
	control  []byte    // payload of a control frame that arrived in pieces
	message  []byte    // payload of the message so far
	msgOp    ws.OpCode // 0: no fragmented message is open
	fragment int
	deflated bool // the message is compressed

	rest []byte // has arrived and waits: handle returned errPause
}

// errPause is what handle returns when no more is to be handed on for now.
var errPause = errors.New("engineio: reading is paused")

var frameStates = sync.Pool{New: func() any { return new(frameState) }}

// inside tells whether the bytes so far end within a frame.
func (f *frameReader) inside() bool { return f.frameState != nil && (f.inFrame || f.partialLen > 0) }

// waiting tells whether bytes wait that have arrived. The next feed begins with them.
func (f *frameReader) waiting() bool { return f.frameState != nil && len(f.rest) > 0 }

// feed takes bytes that arrived and changes them (unmasking in place). handle is called for each complete message and
// control frame; its bytes are valid during the call.
func (f *frameReader) feed(b []byte, handle func(op ws.OpCode, payload []byte) error) error {
	if f.frameState == nil {
		if len(b) == 0 {
			return nil
		}
		f.frameState = frameStates.Get().(*frameState)
	}
	waited := len(f.rest) > 0
	if waited {
		b = append(f.rest, b...)
		f.rest = nil
	}
	rest, err := f.frames(b, handle)
	if errors.Is(err, errPause) {
		if err = nil; len(rest) > 0 && !waited {
			rest = slices.Clone(rest)
		}
		f.rest = rest
	}
	if err != nil || !f.inside() && f.msgOp == 0 && len(f.rest) == 0 {
		*f.frameState = frameState{}
		frameStates.Put(f.frameState)
		f.frameState = nil
	}
	return err
}

// frames takes the frames in b and returns what is behind the one whose handle returned an error.
func (f *frameReader) frames(b []byte, handle func(op ws.OpCode, payload []byte) error) (rest []byte, err error) {
	for len(b) > 0 || f.inFrame && f.left == 0 {
		if !f.inFrame {
			n, ok, err := f.header(b)
			if err != nil {
				return nil, err
			}
			b = b[n:]
			if !ok {
				return nil, nil
			}
		}
		n := min(f.left, len(b))
		piece := b[:n]
		b = b[n:]
		if !f.bare {
			ws.Cipher(piece, f.mask, f.maskPos)
		}
		f.maskPos += n
		f.left -= n
		if err := f.payload(piece, handle); err != nil {
			return b, err
		}
	}
	return nil, nil
}

// header parses a frame's header from what was left before and b; n bytes of b belong to it.
func (f *frameReader) header(b []byte) (n int, ok bool, err error) {
	if f.bare {
		return f.bareHeader(b)
	}
	had := int(f.partialLen)
	n = copy(f.partial[had:], b)
	h := f.partial[:had+n]
	size := 2
	if len(h) >= 2 {
		switch h[1] & 0x7f {
		case 126:
			size = 4
		case 127:
			size = 10
		}
		size += 4 // the mask; a frame without one is refused below
	}
	if len(h) >= 2 {
		if err := f.checkFlags(h[0], h[1]); err != nil {
			return 0, false, err
		}
	}
	if len(h) < size {
		f.partialLen = uint8(len(h))
		return n, false, nil
	}
	f.partialLen = 0
	length := uint64(h[1] & 0x7f)
	switch length {
	case 126:
		length = uint64(binary.BigEndian.Uint16(h[2:]))
	case 127:
		length = binary.BigEndian.Uint64(h[2:])
	}
	copy(f.mask[:], h[size-4:size])
	f.maskPos = 0
	f.inFrame = true
	return size - had, true, f.begin(length)
}

// checkFlags judges the first two bytes of a frame.
func (f *frameReader) checkFlags(b0, b1 byte) error {
	op, fin := ws.OpCode(b0&0x0f), b0&0x80 != 0
	first := op == ws.OpText || op == ws.OpBinary // frame of a message
	deflated := f.deflate && first && b0&0x70 == 0x40
	switch {
	case b0&0x70 != 0 && !deflated:
		return faultf(ws.StatusProtocolError, "frame with reserved bits")
	case op.IsReserved():
		return faultf(ws.StatusProtocolError, "frame with the reserved opcode %d", op)
	case b1&0x80 == 0:
		return faultf(ws.StatusProtocolError, "frame without a mask")
	case op.IsControl() && !fin:
		return faultf(ws.StatusProtocolError, "fragmented control frame")
	case op.IsControl() && b1&0x7f > ws.MaxControlFramePayloadSize:
		return faultf(ws.StatusProtocolError, "control frame of more than %d bytes", ws.MaxControlFramePayloadSize)
	case op == ws.OpContinuation && f.msgOp == 0:
		return faultf(ws.StatusProtocolError, "continuation of no message")
	case first && f.msgOp != 0:
		return faultf(ws.StatusProtocolError, "message within a message")
	}
	f.op, f.fin = op, fin
	if first {
		f.deflated = deflated
	}
	return nil
}

// begin judges a frame's length, before any memory is taken for it.
func (f *frameReader) begin(length uint64) error {
	if f.op.IsControl() {
		f.left = int(length)
		return nil
	}
	// No addition that could overflow: message never exceeds the limit.
	limit := f.limit
	if f.deflated {
		limit = compressedLimit(limit)
	}
	if length > uint64(limit-len(f.message)) {
		return &fault{ws.StatusMessageTooBig, tooLarge(length, f.limit)}
	}
	f.left = int(length)
	if !f.fin || f.op == ws.OpContinuation {
		if f.fragment++; f.fragment > maxFragments {
			return faultf(ws.StatusPolicyViolation, "message of more than %d fragments", maxFragments)
		}
	}
	if f.op != ws.OpContinuation {
		f.msgOp = f.op
	}
	return nil
}

// payload takes the next piece of the current frame.
func (f *frameReader) payload(piece []byte, handle func(ws.OpCode, []byte) error) error {
	done := f.left == 0
	f.inFrame = !done
	if f.op.IsControl() {
		if f.control != nil || !done {
			f.control = append(f.control, piece...)
			piece = f.control
		}
		if !done {
			return nil
		}
		f.control = nil
		return handle(f.op, piece)
	}
	whole := piece
	if f.message != nil || !done || !f.fin {
		if f.message == nil {
			f.message = make([]byte, 0, min(len(piece)+f.left, firstPiece)+len(piece))
		}
		// Doubling, but never beyond what the frame announced.
		if need := len(f.message) + len(piece); need > cap(f.message) {
			f.message = slices.Grow(f.message, min(need+f.left, 2*need)-len(f.message))
		}
		f.message = append(f.message, piece...)
		whole = f.message
	}
	if !done || !f.fin {
		return nil
	}
	op := f.msgOp
	f.message, f.msgOp, f.fragment = nil, 0, 0
	if f.deflated {
		inflated, err := inflate(whole, f.limit)
		if err != nil {
			return err
		}
		defer bufpool.Put(inflated)
		whole = *inflated
	}
	if op == ws.OpText && !utf8.Valid(whole) {
		if f.bare {
			return errBareUTF8
		}
		return faultf(ws.StatusInvalidFramePayloadData, "text message that is not UTF-8")
	}
	return handle(op, whole)
}

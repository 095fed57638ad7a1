package engineio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/bufpool"
	"github.com/gosocketio/socketio/internal/refusal"
)

const (
	// maxFragments limits the frames of one message: empty ones must not keep a connection busy.
	maxFragments = 16_384
	// firstPiece is the first allocation for a frame that arrives in pieces, unless more has arrived.
	firstPiece = 4 << 10
	// aheadFactor is how many times the bytes that have arrived may be allocated for a frame, whatever
	// length it announces.
	aheadFactor = 4
)

// fault is a violation of RFC 6455. The close frame carries its code.
type fault struct {
	code ws.StatusCode
	err  error
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

func faultf(code ws.StatusCode, format string, args ...any) error {
	return &fault{code, fmt.Errorf("engineio: "+format, args...)}
}

var (
	errPeerClosed = errors.New("engineio: closed by the peer")
	errBareEmpty  = fmt.Errorf("%w: frame without a packet", wire.ErrPacket)
	errBareUTF8   = fmt.Errorf("%w: text that is not UTF-8", wire.ErrPacket)
)

// frameReader parses messages from the bytes of a WebSocket or a WebTransport stream.
//
// Messages that are complete in the arrived bytes are not copied. The reading goroutine owns it.
type frameReader struct {
	limit   int  // of a message, in bytes
	bare    bool // frames have the format of a WebTransport stream, see bareHeader
	deflate bool // messages may be compressed

	*frameState // nil between messages, which is nearly always
}

// frameState is a partial frame or message.
type frameState struct {
	partial    [ws.MaxHeaderSize]byte // header
	partialLen uint8

	inFrame  bool
	op       ws.OpCode
	fin      bool
	left     int // bytes of the current frame's payload that have not arrived
	mask     [4]byte
	maskPos  int
	control  []byte    // payload of a control frame that arrives in pieces
	message  []byte    // payload of the message so far
	owned    bool      // nothing else refers to the payload that handle is called with
	msgOp    ws.OpCode // 0: no fragmented message is open
	fragment int
	deflated bool // the message is compressed

	rest []byte // arrived, but not parsed because handle returned errPause
}

// errPause is what handle returns to pause the parsing.
var errPause = errors.New("engineio: reading is paused")

var frameStates = sync.Pool{New: func() any { return new(frameState) }}

// inside tells whether the last bytes ended within a frame.
func (f *frameReader) inside() bool { return f.frameState != nil && (f.inFrame || f.partialLen > 0) }

// waiting tells whether bytes have arrived that are not parsed. The next feed begins with them.
func (f *frameReader) waiting() bool { return f.frameState != nil && len(f.rest) > 0 }

// feed parses b, which it unmasks in place, and calls handle for each message and control frame.
//
// The payload is only valid during the call.
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

// frames parses the frames in b. After an error of handle it returns the rest of b.
func (f *frameReader) frames(b []byte, handle func(op ws.OpCode, payload []byte) error) (rest []byte, err error) {
	for len(b) > 0 || f.inFrame && f.left == 0 {
		if !f.inFrame {
			n, ok, err := f.header(b)
			if err != nil {
				return nil, f.withHead(err, b[n:])
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

// header parses a frame's header, of which n bytes are in b. ok is false if it is incomplete.
func (f *frameReader) header(b []byte) (n int, ok bool, err error) {
	if f.bare {
		return f.bareHeader(b)
	}
	had := int(f.partialLen)
	n = copy(f.partial[had:], b)
	h := f.partial[:had+n]
	if len(h) >= 2 {
		if err := f.checkFlags(h[0], h[1]); err != nil {
			return 0, false, err
		}
	}
	length, size := frameLength(h, 1)
	size += 4 // the mask
	if len(h) < size {
		f.partialLen = uint8(len(h))
		return n, false, nil
	}
	f.partialLen = 0
	copy(f.mask[:], h[size-4:size])
	f.maskPos = 0
	f.inFrame = true
	return size - had, true, f.begin(length)
}

// bareHeader parses the header of a frame on a WebTransport stream (protocol v4, "WebTransport").
//
// It is that of a WebSocket frame without the first byte and the mask, because each packet is one
// frame. The highest bit of the length marks a binary one.
func (f *frameReader) bareHeader(b []byte) (n int, ok bool, err error) {
	had := int(f.partialLen)
	n = copy(f.partial[had:], b)
	h := f.partial[:had+n]
	length, size := frameLength(h, 0)
	if len(h) < size {
		f.partialLen = uint8(len(h))
		return n, false, nil
	}
	f.partialLen = 0
	f.op, f.fin = ws.OpText, true
	if h[0]&0x80 != 0 {
		f.op = ws.OpBinary
	}
	switch {
	case length > uint64(f.limit):
		return 0, false, fmt.Errorf("%w: %w", wire.ErrPacket, refusal.Inner(tooLarge(length, f.limit)))
	case length == 0 && f.op == ws.OpText: // official clients send empty binary ones
		return 0, false, errBareEmpty
	}
	f.msgOp = f.op
	f.inFrame = true
	f.left = int(length)
	return size - had, true, nil
}

// frameLength parses the length at h[at:], which ends at size. It is incomplete if size is beyond
// h.
func frameLength(h []byte, at int) (length uint64, size int) {
	if len(h) <= at {
		return 0, at + 1
	}
	length, size = uint64(h[at]&0x7f), at+1
	switch {
	case length == 126 && len(h) >= at+3:
		return uint64(binary.BigEndian.Uint16(h[size:])), at + 3
	case length == 126:
		return 0, at + 3
	case length == 127 && len(h) >= at+9:
		return binary.BigEndian.Uint64(h[size:]), at + 9
	case length == 127:
		return 0, at + 9
	}
	return length, size
}

// checkFlags checks the first two bytes of a frame.
func (f *frameReader) checkFlags(b0, b1 byte) error {
	op, fin := ws.OpCode(b0&0x0f), b0&0x80 != 0
	first := op == ws.OpText || op == ws.OpBinary
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

// begin checks a frame's length, before anything is allocated for it.
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

// withHead adds the beginning of a text message that is too large, of which b has arrived, to the error.
func (f *frameReader) withHead(err error, b []byte) error {
	if !errors.Is(err, ErrPayloadTooLarge) || f.bare || f.op != ws.OpText || f.deflated {
		return err
	}
	b = b[:min(len(b), maxHead)]
	ws.Cipher(b, f.mask, 0)
	return &headed{err, slices.Clone(b)}
}

// payload adds the next piece of the current frame, and handles what is complete.
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
	f.owned = f.message != nil || !done || !f.fin
	if f.owned {
		if need := len(f.message) + len(piece); need > cap(f.message) {
			f.message = slices.Grow(f.message, min(need+f.left, max(aheadFactor*need, firstPiece))-len(f.message))
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
		whole, f.owned = *inflated, false
	}
	if op == ws.OpText && !utf8.Valid(whole) {
		if f.bare {
			return errBareUTF8
		}
		return faultf(ws.StatusInvalidFramePayloadData, "text message that is not UTF-8")
	}
	return handle(op, whole)
}

// form is the format of a connection's frames.
//
// Its zero value is the format of the outbox: frames of an uncompressed WebSocket of protocol 4.
type form struct {
	bare    bool // a WebTransport stream
	v3      bool // binary messages have a type
	base64  bool // there are no binary messages
	deflate bool // large messages are compressed
}

// plain tells whether the form is that of the outbox.
func (f form) plain() bool { return f == form{} }

// of converts frames to the form. It returns frames itself if there is nothing to change.
func (f form) of(frames []byte, d *deflater) []byte {
	if f.bare {
		return wire.FramesBare(frames)
	}
	if (f.v3 || f.base64) && wire.HasBinary(frames) {
		switch {
		case f.base64 && f.v3:
			frames = wire.AppendFramesBase64(nil, frames, "b4")
		case f.base64:
			frames = wire.AppendFramesBase64(nil, frames, "b")
		default:
			frames = wire.AppendFrames3(nil, frames)
		}
	}
	if f.deflate {
		frames = d.frames(frames)
	}
	return frames
}

// form returns an entry's frames in the form of this connection.
func (c *wsConn) form(e entry) []byte {
	f := c.takes
	f.deflate = f.deflate && !e.plain
	switch {
	case f.plain() || e.formed:
		return e.frames
	case e.prepared != nil:
		return e.prepared.as(f, c.session.server.deflate)
	}
	return f.of(e.frames, c.session.server.deflate)
}

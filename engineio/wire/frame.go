package wire

import "encoding/binary"

// The first byte of our frames: FIN and the opcode (RFC 6455, section 5.2).
const (
	textFrame   = 0x80 | 0x1
	binaryFrame = 0x80 | 0x2
	rsv1        = 0x40 // of the extension
)

// Bounds of the three forms of a frame's length (RFC 6455, section 5.2).
const (
	maxLen7  = 125
	maxLen16 = 1<<16 - 1
	is16     = 126
	is64     = 127
)

// HeadRoom is how many bytes a message builder leaves free in front of the
// packet text, so that [FinishText] can put the frame header there.
const HeadRoom = 4

// FinishText turns buf, which is [HeadRoom] bytes followed by the text of one
// packet (type digit included), into a complete text frame. It writes the
// shortest header and returns the part of buf that is the frame. A text of more
// than 65,535 bytes is moved to make room for the longest header, and buf may
// be reallocated for that.
//
// It panics when buf is shorter than HeadRoom: that is a mistake of the caller,
// no input can cause it.
func FinishText(buf []byte) []byte {
	n := len(buf) - HeadRoom
	switch {
	case n <= maxLen7:
		buf = buf[HeadRoom-2:]
		buf[0], buf[1] = textFrame, byte(n)
	case n <= maxLen16:
		buf[0], buf[1] = textFrame, is16
		binary.BigEndian.PutUint16(buf[2:], uint16(n))
	default:
		const missing = 10 - HeadRoom
		buf = append(buf, make([]byte, missing)...)
		copy(buf[10:], buf[HeadRoom:HeadRoom+n])
		buf[0], buf[1] = textFrame, is64
		binary.BigEndian.PutUint64(buf[2:], uint64(n))
	}
	return buf
}

// AppendText appends a complete text frame that holds a packet of type t.
func AppendText(dst []byte, t Type, data []byte) []byte {
	dst = appendHeader(dst, textFrame, len(data)+1)
	dst = append(dst, '0'+byte(t))
	return append(dst, data...)
}

// AppendBinary appends a complete binary frame that holds a message. In
// protocol 4 a binary frame has no type byte.
func AppendBinary(dst, data []byte) []byte {
	return append(AppendBinaryHeader(dst, len(data)), data...)
}

// AppendBinaryHeader appends what [AppendBinary] puts before data of n bytes.
func AppendBinaryHeader(dst []byte, n int) []byte { return appendHeader(dst, binaryFrame, n) }

func appendHeader(dst []byte, first byte, n int) []byte {
	switch {
	case n <= maxLen7:
		return append(dst, first, byte(n))
	case n <= maxLen16:
		return append(dst, first, is16, byte(n>>8), byte(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, first, is64), uint64(n))
	}
}

// NextFrame splits the first of frames, which this package built, into its
// payload and the frames that follow. Bytes that are no frame of ours give
// neither payload nor rest.
func NextFrame(frames []byte) (isBinary bool, payload, rest []byte) {
	if len(frames) < 2 {
		return false, nil, nil
	}
	isBinary = frames[0] == binaryFrame
	head, n := 2, uint64(frames[1])
	switch {
	case n == is16 && len(frames) >= 4:
		head, n = 4, uint64(binary.BigEndian.Uint16(frames[2:]))
	case n == is64 && len(frames) >= 10:
		head, n = 10, binary.BigEndian.Uint64(frames[2:])
	case n > maxLen7:
		return false, nil, nil
	}
	if n > uint64(len(frames)-head) {
		return false, nil, nil
	}
	end := head + int(n)
	return isBinary, frames[head:end:end], frames[end:]
}

// AppendCompressed appends a complete frame that holds a message compressed by
// permessage-deflate (RFC 7692, section 6.1): RSV1 is set.
func AppendCompressed(dst []byte, binary bool, data []byte) []byte {
	first := byte(textFrame)
	if binary {
		first = binaryFrame
	}
	dst = appendHeader(dst, first|rsv1, len(data))
	return append(dst, data...)
}

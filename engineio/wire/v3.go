package wire

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Clients before Socket.IO 3.0 speak protocol 3. Its packets differ from those of protocol 4 in
// three ways: a polling payload gives the length of each packet in front
// of it instead of a separator behind, in one of two forms; a binary message has a type too; and in
// base64 too ("b4" and not "b").

var (
	errLength   = fmt.Errorf("%w: bad length", ErrPacket)
	errTrailing = fmt.Errorf("%w: bytes behind the last packet", ErrPacket)
)

// maxLengthDigits bounds the digits of a length: enough for any payload, and too few to overflow 64
// bits.
const maxLengthDigits = 15

// HasBinary reports whether one of frames is a binary message.
func HasBinary(frames []byte) bool {
	for len(frames) > 0 {
		binary, _, rest := NextFrame(frames)
		if binary {
			return true
		}
		frames = rest
	}
	return false
}

// AppendPayloadText3 transcodes frames to the text form of a polling payload.
// Each packet follows its length in UTF-16 code units and a colon (Engine.IO protocol 3,
// "Payload"). Binary messages become "b4" and base64.
func AppendPayloadText3(dst, frames []byte) []byte {
	for len(frames) > 0 {
		binary, payload, rest := NextFrame(frames)
		if binary {
			dst = strconv.AppendInt(dst, int64(2+base64.StdEncoding.EncodedLen(len(payload))), 10)
			dst = append(dst, ":b4"...)
			dst = base64.StdEncoding.AppendEncode(dst, payload)
		} else {
			dst = strconv.AppendInt(dst, int64(utf16Len(payload)), 10)
			dst = append(append(dst, ':'), payload...)
		}
		frames = rest
	}
	return dst
}

// AppendPayloadBinary3 transcodes frames to the binary form of a polling payload.
// Each packet follows 0 for text or 1 for bytes, its length in bytes with one byte for each decimal
// digit, and 0xff (Engine.IO protocol 3, "Payload").
func AppendPayloadBinary3(dst, frames []byte) []byte {
	for len(frames) > 0 {
		binary, payload, rest := NextFrame(frames)
		if binary {
			dst = appendDigits3(append(dst, 1), len(payload)+1)
			dst = append(dst, byte(Message))
		} else {
			dst = appendDigits3(append(dst, 0), len(payload))
		}
		dst = append(dst, payload...)
		frames = rest
	}
	return dst
}

func appendDigits3(dst []byte, n int) []byte {
	start := len(dst)
	dst = strconv.AppendInt(dst, int64(n), 10)
	for i := start; i < len(dst); i++ {
		dst[i] -= '0'
	}
	return append(dst, 0xff)
}

// PayloadBound3 returns an upper bound of the bytes that either form of frames has.
func PayloadBound3(frames []byte) int {
	n := 0
	for len(frames) > 0 {
		_, payload, rest := NextFrame(frames)
		n += 24 + base64.StdEncoding.EncodedLen(len(payload))
		frames = rest
	}
	return n
}

// NextPacketText3 decodes the first packet of the text form.
// skip is set for an empty packet ("0:"), which is to be ignored. An empty payload is an error.
// Errors wrap [ErrPacket].
func NextPacketText3(payload []byte) (p Packet, skip bool, rest []byte, err error) {
	units, payload, ok := cutLength3(payload, '0', ':')
	switch {
	case !ok:
		return Packet{}, false, nil, errLength
	case units == 0:
		return Packet{}, true, payload, nil
	}
	end := utf16Offset(payload, units)
	if end < 0 {
		return Packet{}, false, nil, errLength
	}
	p, err = DecodeText3(payload[:end:end])
	return p, false, payload[end:], err
}

// NextPacketBinary3 decodes the first packet of the binary form. An empty payload is an error.
// Errors wrap [ErrPacket].
func NextPacketBinary3(payload []byte) (p Packet, rest []byte, err error) {
	if len(payload) == 0 || payload[0] > 1 {
		return Packet{}, nil, errTrailing
	}
	binary := payload[0] == 1
	n, payload, ok := cutLength3(payload[1:], 0, 0xff)
	switch {
	case !ok:
		return Packet{}, nil, errLength
	case binary:
		p, err = DecodeBinary3(payload[:n:n])
	default:
		p, err = DecodeText3(payload[:n:n])
	}
	return p, payload[n:], err
}

// cutLength3 reads a length from the front of a payload: digits, counted from zero, and the byte
// end.
// ok is false when there is none, or when it exceeds the length of rest.
func cutLength3(payload []byte, zero, end byte) (n int, rest []byte, ok bool) {
	length := uint64(0) // an int of 32 bits could overflow
	for i, c := range payload {
		if c == end && i > 0 {
			rest = payload[i+1:]
			return int(length), rest, length <= uint64(len(rest))
		}
		if c -= zero; c > 9 || i == maxLengthDigits {
			break
		}
		length = 10*length + uint64(c)
	}
	return 0, nil, false
}

// DecodeText3 is [DecodeText] for protocol 3, where the base64 form has a type.
func DecodeText3(frame []byte) (Packet, error) {
	if len(frame) == 0 || frame[0] != 'b' {
		return DecodeText(frame)
	}
	if len(frame) < 2 || frame[1] < '0' || frame[1] > '6' {
		return Packet{}, errType
	}
	return Packet{Type: Type(frame[1] - '0'), Binary: true, Data: decodeBase64(frame[2:])}, nil
}

// DecodeBinary3 decodes a binary message of protocol 3: its first byte is its type.
func DecodeBinary3(frame []byte) (Packet, error) {
	switch {
	case len(frame) == 0:
		return Packet{}, errEmpty
	case frame[0] > byte(Noop):
		return Packet{}, errType
	}
	return Packet{Type: Type(frame[0]), Binary: true, Data: frame[1:]}, nil
}

// AppendFrames3 transcodes frames for a WebSocket of protocol 3: binary messages get their type.
func AppendFrames3(dst, frames []byte) []byte {
	for len(frames) > 0 {
		binary, payload, rest := NextFrame(frames)
		if binary {
			dst = appendHeader(dst, binaryFrame, len(payload)+1)
			dst = append(append(dst, byte(Message)), payload...)
		} else {
			dst = append(dst, frames[:len(frames)-len(rest)]...)
		}
		frames = rest
	}
	return dst
}

// AppendFramesBase64 transcodes frames for a WebSocket whose client takes no binary: its binary
// messages are text, which starts with prefix: "b" in protocol 4, "b4" in protocol 3.
func AppendFramesBase64(dst, frames []byte, prefix string) []byte {
	for len(frames) > 0 {
		binary, payload, rest := NextFrame(frames)
		if binary {
			dst = appendHeader(dst, textFrame, len(prefix)+base64.StdEncoding.EncodedLen(len(payload)))
			dst = append(dst, prefix...)
			dst = base64.StdEncoding.AppendEncode(dst, payload)
		} else {
			dst = append(dst, frames[:len(frames)-len(rest)]...)
		}
		frames = rest
	}
	return dst
}

// utf16Len returns the length of text in UTF-16 code units.
// A byte that is not UTF-8 counts as one, like the U+FFFD that replaces it.
func utf16Len(text []byte) int {
	n := 0
	for i := 0; i < len(text); {
		size, units := runeUnits(text[i:])
		i += size
		n += units
	}
	return n
}

// utf16Offset returns the offset after so many UTF-16 code units of text.
// It is -1 when there are fewer, or when the last one is half of a pair.
func utf16Offset(text []byte, units int) int {
	i := 0
	for units > 0 && i < len(text) {
		size, n := runeUnits(text[i:])
		i += size
		units -= n
	}
	if units != 0 {
		return -1
	}
	return i
}

func runeUnits(text []byte) (size, units int) {
	if text[0] < utf8.RuneSelf {
		return 1, 1
	}
	r, size := utf8.DecodeRune(text)
	if r > 0xffff {
		return size, 2
	}
	return size, 1
}

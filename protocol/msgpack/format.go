package msgpack

import (
	"encoding/binary"
	"math"
)

// kind is the kind of a MessagePack value.
type kind uint8

const (
	invalid kind = iota
	null
	boolean
	unsigned
	signed
	float
	text
	data
	array
	object
	extension
)

// head is the start of a value.
type head struct {
	kind kind
	// n is the bits of a number, 0 or 1 for a boolean, and otherwise the length of the value: in
	// bytes for text, binary data and extensions (without the type before them), in values for
	// arrays, in pairs for objects.
	n uint64
}

// formats are the forms whose first byte is 0xc0 or more: the kind, and the size of n in bytes.
var formats = [0xe0 - 0xc0]struct {
	kind kind
	size int
}{
	{null, 0}, {}, {boolean, 0}, {boolean, 0},
	{data, 1}, {data, 2}, {data, 4},
	{extension, 1}, {extension, 2}, {extension, 4},
	{float, 4}, {float, 8},
	{unsigned, 1}, {unsigned, 2}, {unsigned, 4}, {unsigned, 8},
	{signed, 1}, {signed, 2}, {signed, 4}, {signed, 8},
	{extension, 0}, {extension, 0}, {extension, 0}, {extension, 0}, {extension, 0},
	{text, 1}, {text, 2}, {text, 4},
	{array, 2}, {array, 4},
	{object, 2}, {object, 4},
}

// readHead reads the start of a value.
//
// The kind is invalid when fewer bytes follow than the value needs at least. So a length from the
// network always fits an int, and never allocates more than was received.
func readHead(b []byte) (h head, rest []byte) {
	if len(b) == 0 {
		return head{}, nil
	}
	c, rest := b[0], b[1:]
	switch {
	case c < 0x80:
		return head{unsigned, uint64(c)}, rest
	case c < 0x90:
		h = head{object, uint64(c & 0xf)}
	case c < 0xa0:
		h = head{array, uint64(c & 0xf)}
	case c < 0xc0:
		h = head{text, uint64(c & 0x1f)}
	case c >= 0xe0:
		return head{signed, uint64(int64(int8(c)))}, rest
	default:
		f := formats[c-0xc0]
		if len(rest) < f.size {
			return head{}, nil
		}
		h.kind = f.kind
		switch f.size {
		case 0: // the value is in the first byte
			h.n = uint64(c & 1)
			if h.kind == extension {
				h.n = 1 << (c - 0xd4)
			}
		case 1:
			h.n = uint64(rest[0])
		case 2:
			h.n = uint64(binary.BigEndian.Uint16(rest))
		case 4:
			h.n = uint64(binary.BigEndian.Uint32(rest))
		case 8:
			h.n = binary.BigEndian.Uint64(rest)
		}
		switch {
		case h.kind == signed:
			unused := 64 - 8*f.size
			h.n = uint64(int64(h.n<<unused) >> unused)
		case h.kind == float && f.size == 4:
			h.n = math.Float64bits(float64(math.Float32frombits(uint32(h.n))))
		}
		rest = rest[f.size:]
	}
	need := uint64(0)
	switch h.kind {
	case text, data, array:
		need = h.n
	case extension:
		need = h.n + 1
	case object:
		need = 2 * h.n
	}
	if need > uint64(len(rest)) {
		return head{}, nil
	}
	return h, rest
}

// appendSized appends n with the first byte of its form.
// That is size8 for an n of one byte, and the next values for two, four and eight bytes.
func appendSized(dst []byte, size8 byte, n uint64) []byte {
	switch {
	case n <= math.MaxUint8:
		return append(dst, size8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, size8+1), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, size8+2), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, size8+3), n)
}

func appendUint(dst []byte, n uint64) []byte {
	if n < 0x80 {
		return append(dst, byte(n))
	}
	return appendSized(dst, 0xcc, n)
}

func appendInt(dst []byte, n int64) []byte {
	switch {
	case n >= 0:
		return appendUint(dst, uint64(n))
	case n >= -32:
		return append(dst, byte(n))
	case n >= math.MinInt8:
		return append(dst, 0xd0, byte(n))
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, 0xd1), uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, 0xd2), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xd3), uint64(n))
}

func appendFloat(dst []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(f))
}

func appendText(dst []byte, s string) []byte {
	if len(s) < 32 {
		dst = append(dst, 0xa0|byte(len(s)))
	} else {
		dst = appendSized(dst, 0xd9, uint64(len(s)))
	}
	return append(dst, s...)
}

func appendBytes(dst, b []byte) []byte {
	return append(appendSized(dst, 0xc4, uint64(len(b))), b...)
}

// appendCount appends the start of an array or object of n elements.
func appendCount(dst []byte, k kind, n int) []byte {
	short, long := byte(0x90), byte(0xdc)
	if k == object {
		short, long = 0x80, 0xde
	}
	switch {
	case n < 16:
		return append(dst, short|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, long), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, long+1), uint32(n))
}

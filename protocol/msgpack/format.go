package msgpack

import (
	"encoding/binary"
	"math"
)

// Kind is the kind of a MessagePack value.
type Kind uint8

// The kinds of values. Invalid means that there is no whole value.
const (
	Invalid Kind = iota
	Null
	Boolean
	Unsigned
	Signed
	Float
	Text
	Binary
	Array
	Map
	Extension      // of any length
	FixedExtension // of 1, 2, 4, 8 or 16 bytes; JavaScript packages tell it from Extension
)

// Head is the start of a value.
type Head struct {
	Kind Kind
	// N is the bits of a number, 0 or 1 for a boolean, and otherwise the length of the value: in
	// bytes for text, binary data and extensions (without the type before them), in values for
	// arrays, in pairs for maps.
	N uint64
}

// formats are the forms whose first byte is 0xc0 or more: the kind, and the size of n in bytes.
var formats = [0xe0 - 0xc0]struct {
	kind Kind
	size int
}{
	{Null, 0}, {}, {Boolean, 0}, {Boolean, 0},
	{Binary, 1}, {Binary, 2}, {Binary, 4},
	{Extension, 1}, {Extension, 2}, {Extension, 4},
	{Float, 4}, {Float, 8},
	{Unsigned, 1}, {Unsigned, 2}, {Unsigned, 4}, {Unsigned, 8},
	{Signed, 1}, {Signed, 2}, {Signed, 4}, {Signed, 8},
	{FixedExtension, 0}, {FixedExtension, 0}, {FixedExtension, 0}, {FixedExtension, 0}, {FixedExtension, 0},
	{Text, 1}, {Text, 2}, {Text, 4},
	{Array, 2}, {Array, 4},
	{Map, 2}, {Map, 4},
}

// ReadHead reads the start of a value and returns what follows it.
//
// The kind is Invalid when fewer bytes follow than the value needs at least. So a length from the
// network always fits an int, and never allocates more than was received.
func ReadHead(b []byte) (h Head, rest []byte) {
	if len(b) == 0 {
		return Head{}, nil
	}
	c, rest := b[0], b[1:]
	switch {
	case c < 0x80:
		return Head{Unsigned, uint64(c)}, rest
	case c < 0x90:
		h = Head{Map, uint64(c & 0xf)}
	case c < 0xa0:
		h = Head{Array, uint64(c & 0xf)}
	case c < 0xc0:
		h = Head{Text, uint64(c & 0x1f)}
	case c >= 0xe0:
		return Head{Signed, uint64(int64(int8(c)))}, rest
	default:
		f := formats[c-0xc0]
		if len(rest) < f.size {
			return Head{}, nil
		}
		h.Kind = f.kind
		switch f.size {
		case 0: // the value is in the first byte
			h.N = uint64(c & 1)
			if h.Kind == FixedExtension {
				h.N = 1 << (c - 0xd4)
			}
		case 1:
			h.N = uint64(rest[0])
		case 2:
			h.N = uint64(binary.BigEndian.Uint16(rest))
		case 4:
			h.N = uint64(binary.BigEndian.Uint32(rest))
		case 8:
			h.N = binary.BigEndian.Uint64(rest)
		}
		switch {
		case h.Kind == Signed:
			unused := 64 - 8*f.size
			h.N = uint64(int64(h.N<<unused) >> unused)
		case h.Kind == Float && f.size == 4:
			h.N = math.Float64bits(float64(math.Float32frombits(uint32(h.N))))
		}
		rest = rest[f.size:]
	}
	need := uint64(0)
	switch h.Kind {
	case Text, Binary, Array:
		need = h.N
	case Extension, FixedExtension:
		need = h.N + 1
	case Map:
		need = 2 * h.N
	}
	if need > uint64(len(rest)) {
		return Head{}, nil
	}
	return h, rest
}

// Skip returns what follows a value; ok is false when there is no whole value.
// It takes linear time and constant memory, whatever the depth.
func Skip(b []byte) (rest []byte, ok bool) {
	for values := uint64(1); values > 0; values-- {
		if len(b) > 0 && (b[0] < 0x80 || b[0] >= 0xe0) { // a small integer
			b = b[1:]
			continue
		}
		if len(b) > 0 && b[0]&0xe0 == 0xa0 && int(b[0]&0x1f) < len(b) { // a short text
			b = b[1+b[0]&0x1f:]
			continue
		}
		var h Head
		switch h, b = ReadHead(b); h.Kind {
		case Invalid:
			return nil, false
		case Text, Binary:
			b = b[h.N:]
		case Extension, FixedExtension:
			b = b[h.N+1:]
		case Array:
			values += h.N
		case Map:
			values += 2 * h.N
		}
		if values > uint64(len(b))+1 { // each value takes a byte at least
			return nil, false
		}
	}
	return b, true
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

func appendText[T string | []byte](dst []byte, s T) []byte {
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
func appendCount(dst []byte, k Kind, n int) []byte {
	short, long := byte(0x90), byte(0xdc)
	if k == Map {
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

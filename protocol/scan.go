package protocol

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// maxDepth is how deeply arrays and objects may be nested, as in encoding/json.
// The official decoder has no such limit.
const maxDepth = 10_000

// The scan functions check that there is a JSON value (RFC 8259) at b[i:] and return the index
// after it, or -1. They are linear in time, do not recurse, and accept exactly what json.Valid accepts.

// SkipValue returns the index after the JSON value at b[i:], which may follow white space. It returns
// -1 when there is no valid one (RFC 8259), or when it nests more than 10,000 deep.
func SkipValue(b []byte, i int) (end int) { return scanValue(b, i, maxDepth) }

// scanValue scans a value with at most depth levels of arrays and objects, after any white space.
func scanValue(b []byte, i, depth int) int {
	// One bit for each open level, set for an object. These words are enough for most values.
	var words [2]uint64
	stack := words[:0]
	for level := 0; ; {
		i = skipSpace(b, i)
		if i == len(b) {
			return -1
		}
		switch c := b[i]; c {
		case '{', '[':
			if level == depth {
				return -1
			}
			if level%64 == 0 {
				stack = append(stack[:level/64], 0)
			}
			bit := uint64(1) << (level % 64)
			if word := &stack[level/64]; c == '{' {
				*word |= bit
			} else {
				*word &^= bit
			}
			level++
			if i = skipSpace(b, i+1); i < len(b) && b[i] == c+2 { // the closing counterpart
				i++
				level--
				break
			}
			if c == '{' {
				if i = scanKey(b, i); i < 0 {
					return -1
				}
			}
			continue
		default:
			if i = scanScalar(b, i); i < 0 {
				return -1
			}
		}
		// A value is complete. Another one follows, or levels end.
		for more := false; !more; {
			if level == 0 {
				return i
			}
			if i = skipSpace(b, i); i == len(b) {
				return -1
			}
			object := stack[(level-1)/64]>>((level-1)%64)&1 != 0
			switch c := b[i]; {
			case c == ',':
				more = true
				i++
				if object {
					if i = scanKey(b, skipSpace(b, i)); i < 0 {
						return -1
					}
				}
			case c == '}' && object, c == ']' && !object:
				i++
				level--
			default:
				return -1
			}
		}
	}
}

// scanKey scans an object's key and the colon behind it.
func scanKey(b []byte, i int) int {
	if i == len(b) || b[i] != '"' {
		return -1
	}
	if i = scanString(b, i); i < 0 {
		return -1
	}
	if i = skipSpace(b, i); i == len(b) || b[i] != ':' {
		return -1
	}
	return i + 1
}

func scanScalar(b []byte, i int) int {
	switch c := b[i]; {
	case c == '"':
		return scanString(b, i)
	case c == '-' || '0' <= c && c <= '9':
		return scanNumber(b, i)
	case c == 't':
		return scanLiteral(b, i, "true")
	case c == 'f':
		return scanLiteral(b, i, "false")
	case c == 'n':
		return scanLiteral(b, i, "null")
	}
	return -1
}

func scanLiteral(b []byte, i int, s string) int {
	if end := i + len(s); end <= len(b) && string(b[i:end]) == s {
		return end
	}
	return -1
}

// scanString scans a string; b[i] is its opening quote.
func scanString(b []byte, i int) int {
	i++
	many := i + manyBytes
	for i < len(b) {
		if len(b)-i >= 8 {
			m := special(binary.LittleEndian.Uint64(b[i:]))
			if m == 0 {
				if i += 8; i == many {
					if end := bytes.IndexByte(b[i:], '"'); end >= 0 && bytes.IndexByte(b[i:i+end], '\\') < 0 {
						if plain, _ := noControls(b[i : i+end]); plain {
							return i + end + 1
						}
					}
				}
				continue
			}
			i += bits.TrailingZeros64(m) / 8
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = scanEscape(b, i); i < 0 {
				return -1
			}
		case c < ' ':
			return -1
		default:
			i++
		}
	}
	return -1
}

// special marks the first of eight bytes that is a quote, a backslash or a control character.
// It may wrongly mark bytes after it.
func special(x uint64) uint64 {
	quote, slash := x^ones*'"', x^ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | control(x)) & highs
}

// isPlain says of each byte whether it stands for itself in a string, as ASCII.
var isPlain = func() (is [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		is[c] = c != '"' && c != '\\'
	}
	return is
}()

// plainStart returns how many bytes s begins with that are plain, of the first ones: most strings are
// shorter than that.
func plainStart[T string | []byte](s T) (n int) {
	for most := min(len(s), manyBytes); n < most && isPlain[s[n]]; n++ {
	}
	return n
}

func scanEscape(b []byte, i int) int {
	if i+1 == len(b) {
		return -1
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if len(b)-i < 6 {
			return -1
		}
		for _, c := range b[i+2 : i+6] {
			if ('0' > c || c > '9') && ('a' > c|0x20 || c|0x20 > 'f') {
				return -1
			}
		}
		return i + 6
	}
	return -1
}

func scanNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	switch {
	case i == len(b):
		return -1
	case b[i] == '0':
		i++
	default:
		if i = scanDigits(b, i); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i] == '.' {
		if i = scanDigits(b, i+1); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return scanDigits(b, i)
	}
	return i
}

// scanDigits scans one or more digits.
func scanDigits(b []byte, i int) int {
	start := i
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// scanAll reports whether b is one JSON value, and its first byte.
func scanAll(b []byte) (kind byte, ok bool) {
	i := skipSpace(b, 0)
	end := scanValue(b, i, maxDepth)
	if end < 0 || skipSpace(b, end) != len(b) {
		return 0, false
	}
	return b[i], true
}

// SplitArray appends the elements of a JSON array to spans; ok is false when b is no valid one.
// b must not be longer than a [Span] can express.
func SplitArray(spans []Span, b []byte) (_ []Span, ok bool) {
	i := skipSpace(b, 0)
	if i == len(b) || b[i] != '[' {
		return spans, false
	}
	if i = skipSpace(b, i+1); i < len(b) && b[i] == ']' {
		return spans, skipSpace(b, i+1) == len(b)
	}
	for {
		start := skipSpace(b, i)
		if i = scanValue(b, start, maxDepth-1); i < 0 {
			return spans, false
		}
		spans = append(spans, Span{uint32(start), uint32(i)})
		if i = skipSpace(b, i); i == len(b) {
			return spans, false
		}
		i++
		switch b[i-1] {
		case ',':
		case ']':
			return spans, skipSpace(b, i) == len(b)
		default:
			return spans, false
		}
	}
}

// isNumber reports whether b is a JSON number.
func isNumber(b []byte) bool { return len(b) > 0 && scanNumber(b, 0) == len(b) }

// manyBytes is the length from which three passes over a string beat one.
//
// A long string mostly has no quote, backslash or control character. bytes.IndexByte looks for the
// first two with instructions that take 32 bytes at a time.
const manyBytes = 48

// plainBytes reports whether s holds no quote, no backslash and no control character.
// ascii is set when it also needs no check for UTF-8.
func plainBytes(s []byte) (plain, ascii bool) {
	if bytes.IndexByte(s, '"') >= 0 || bytes.IndexByte(s, '\\') >= 0 {
		return false, false
	}
	return noControls(s)
}

// noControls is plainBytes for bytes that hold no quote and no backslash.
func noControls(s []byte) (plain, ascii bool) {
	var found, all uint64
	for ; len(s) >= 32; s = s[32:] {
		a, b := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[8:])
		c, d := binary.LittleEndian.Uint64(s[16:]), binary.LittleEndian.Uint64(s[24:])
		found |= control(a) | control(b) | control(c) | control(d)
		all |= a | b | c | d
	}
	for _, c := range s {
		if c < ' ' {
			return false, false
		}
		all |= uint64(c)
	}
	return found&highs == 0, all&highs == 0
}

const ones, highs = 0x0101010101010101, 0x8080808080808080

// control sets the highest bit of the first of eight bytes that is a control character.
// It may wrongly set those of bytes after it, and no other highest bit.
func control(x uint64) uint64 { return (x - ones*' ') &^ x }

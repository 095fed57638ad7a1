package protocol

import (
	"math/bits"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendString appends a string as JSON.stringify does: nothing is escaped that
// need not be. Bytes that are not UTF-8 become U+FFFD, one by one.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	ascii := false
	if len(s) >= manyBytes {
		var plain bool
		if plain, ascii = plainText(s); plain && (ascii || utf8.ValidString(s)) {
			dst = append(dst, s...)
			return append(dst, '"')
		}
	}
	start := 0 // of what is not appended yet
	valid := ascii || utf8.ValidString(s)
	for i := 0; i < len(s); {
		if valid && len(s)-i >= 8 {
			m := special(load64(s, i))
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) / 8
		}
		c := s[i]
		switch {
		case c == '"' || c == '\\' || c < ' ':
			dst = append(dst, s[start:i]...)
			dst = appendEscaped(dst, c)
			i++
			start = i
		case c < utf8.RuneSelf || valid:
			i++
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\uFFFD"...)
				start = i + 1
			}
			i += size
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '\b':
		c = 'b'
	case '\f':
		c = 'f'
	case '\n':
		c = 'n'
	case '\r':
		c = 'r'
	case '\t':
		c = 't'
	case '"', '\\':
	default:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
	}
	return append(dst, '\\', c)
}

// load64 is binary.LittleEndian.Uint64 for strings.
func load64(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

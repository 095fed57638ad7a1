package protocol

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// A string that is long mostly holds nothing that means something within quotes. Then it is looked through three times, for one
// thing each, rather than once for all three: the first two have instructions that take 32 bytes at a time.

// manyBytes is the length from which that is faster.
const manyBytes = 48

// plainBytes tells whether s holds no quote, no backslash and no control character; and, if so, whether it is ASCII, so that
// nobody has to look whether it is UTF-8.
func plainBytes(s []byte) (plain, ascii bool) {
	if bytes.IndexByte(s, '"') >= 0 {
		return false, false
	}
	return plainInside(s)
}

// plainInside is plainBytes for bytes that hold no quote.
func plainInside(s []byte) (plain, ascii bool) {
	if bytes.IndexByte(s, '\\') >= 0 {
		return false, false
	}
	var found, all uint64
	for ; len(s) >= 32; s = s[32:] {
		a, b, c, d := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[8:]), binary.LittleEndian.Uint64(s[16:]), binary.LittleEndian.Uint64(s[24:])
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

// plainText is plainBytes for a string.
func plainText(s string) (plain, ascii bool) {
	if strings.IndexByte(s, '"') >= 0 || strings.IndexByte(s, '\\') >= 0 {
		return false, false
	}
	var found, all uint64
	for ; len(s) >= 32; s = s[32:] {
		a, b, c, d := load64(s, 0), load64(s, 8), load64(s, 16), load64(s, 24)
		found |= control(a) | control(b) | control(c) | control(d)
		all |= a | b | c | d
	}
	for i := range len(s) {
		if s[i] < ' ' {
			return false, false
		}
		all |= uint64(s[i])
	}
	return found&highs == 0, all&highs == 0
}

const ones, highs = 0x0101010101010101, 0x8080808080808080

// control has the highest bit of the first of eight bytes set that is a control character; of bytes after that one, wrongly
// perhaps; and no other highest bit.
func control(x uint64) uint64 { return (x - ones*' ') &^ x }

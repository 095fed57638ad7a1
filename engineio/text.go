package engineio

import "unicode/utf8"

// validText returns text with U+FFFD for what is not UTF-8 in it, one for each maximal part of a character, as JavaScript reads
// bytes. Handlers and other clients never see anything else: a WebSocket may not carry it (RFC 6455 section 8.1).
func validText(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	valid := make([]byte, 0, len(text)+len(text)/2)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			size = brokenLen(text)
		}
		valid = utf8.AppendRune(valid, r)
		text = text[size:]
	}
	return valid
}

// brokenLen is how many of the bytes that b begins with, and that are no character, one U+FFFD stands for: as many as a character
// could begin with (the Unicode Standard, "U+FFFD Substitution of Maximal Subparts").
func brokenLen(b []byte) int {
	more, low, high := 0, byte(0x80), byte(0xbf) // how many bytes may follow the first, and what the next one may be
	switch c := b[0]; {
	case c == 0xe0:
		more, low = 2, 0xa0
	case c == 0xed:
		more, high = 2, 0x9f
	case c == 0xf0:
		more, low = 3, 0x90
	case c == 0xf4:
		more, high = 3, 0x8f
	case c >= 0xc2 && c <= 0xdf:
		more = 1
	case c > 0xe0 && c <= 0xef:
		more = 2
	case c > 0xf0 && c < 0xf4:
		more = 3
	}
	n := 1
	for n <= more && n < len(b) && low <= b[n] && b[n] <= high {
		n++
		low, high = 0x80, 0xbf
	}
	return n
}

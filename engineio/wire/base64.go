package wire

import "encoding/base64"

// sextets maps the characters of both base64 alphabets to their values, and all others to 0xff.
var sextets = func() (t [256]byte) {
	const std = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range t {
		t[i] = 0xff
	}
	for i := range len(std) {
		t[std[i]] = byte(i)
	}
	t['-'], t['_'] = t['+'], t['/']
	return t
}()

// decodeBase64 decodes what any client may send. The result is never nil and does not alias src.
func decodeBase64(src []byte) []byte {
	dst := make([]byte, base64.StdEncoding.DecodedLen(len(src)))
	if n, err := base64.StdEncoding.Decode(dst, src); err == nil {
		return dst[:n]
	}
	return lenientBase64(dst[:0], src)
}

// lenientBase64 decodes like Node's Buffer.from(s, "base64").
// It skips characters outside both alphabets, ends at the first '=', and drops a lone last
// character.
func lenientBase64(dst, src []byte) []byte {
	var acc uint32
	var n int
	for _, c := range src {
		if c == '=' {
			break
		}
		v := sextets[c]
		if v == 0xff {
			continue
		}
		acc = acc<<6 | uint32(v)
		if n++; n == 4 {
			dst = append(dst, byte(acc>>16), byte(acc>>8), byte(acc))
			acc, n = 0, 0
		}
	}
	switch n {
	case 2:
		dst = append(dst, byte(acc>>4))
	case 3:
		dst = append(dst, byte(acc>>10), byte(acc>>2))
	}
	return dst
}

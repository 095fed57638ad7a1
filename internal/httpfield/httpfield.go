// Package httpfield tells which characters the parts of an HTTP header may have.
package httpfield

// IsToken tells whether s is a token of RFC 9110 section 5.6.2, as names of fields are.
func IsToken[T string | []byte](s T) bool {
	for i := range len(s) {
		if !token[s[i]] {
			return false
		}
	}
	return len(s) > 0
}

// IsTokenChar tells whether a byte may be in a token.
func IsTokenChar(c byte) bool { return token[c] }

// IsValue tells whether v has only the characters that the value of a field may have: no control characters but tabs.
func IsValue[T string | []byte](v T) bool {
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// token has the characters of a token.
var token = func() (t [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] = true
	}
	return t
}()

package nats

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxToken is the length of the longest encoded name; a longer one becomes a hash. A NATS server
// accepts 4,096 bytes for a subject and the rest of the line.
const maxToken = 128

// token encodes any name as one token of a subject. Names that differ have tokens that differ.
//
// Letters, digits and -_/:@# stay, other bytes become = and two hexadecimal digits. The empty name is
// =, and a long one =s with its SHA-256.
func token(name string) string {
	plain := name != ""
	for i := 0; i < len(name) && plain; i++ {
		plain = isPlain(name[i])
	}
	switch {
	case plain && len(name) <= maxToken:
		return name
	case name == "":
		return "="
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(name) && b.Len() <= maxToken; i++ {
		if c := name[i]; isPlain(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('=')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	if b.Len() > maxToken {
		sum := sha256.Sum256([]byte(name))
		return "=s" + hex.EncodeToString(sum[:])
	}
	return b.String()
}

func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_/:@#", c) >= 0
}

// isPrefix tells whether a text can begin subjects.
func isPrefix(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || token(part) != part || strings.ContainsAny(part, "/:@#") {
			return false
		}
	}
	return len(s) <= maxToken
}

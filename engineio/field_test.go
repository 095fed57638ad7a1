package engineio

import (
	"strings"
	"testing"
)

// Every byte, alone and within others, against the two rules as RFC 9110 words them: all visible ASCII characters but the
// delimiters, and all but control characters.
func TestEveryByteOfAField(t *testing.T) {
	for i := range 256 {
		c := byte(i)
		in := "a" + string([]byte{c}) + "b"
		token := c > ' ' && c < 0x7f && !strings.ContainsRune(`()<>@,;:\"/[]?={}`, rune(c))
		if isTokenChar(c) != token || isToken(in) != token {
			t.Errorf("%q is a token: want %v", in, token)
		}
		value := c >= ' ' && c != 0x7f || c == '\t'
		if isFieldValue(in) != value {
			t.Errorf("%q is a value: want %v", in, value)
		}
	}
	if isToken("") || !isFieldValue("") {
		t.Error("the empty string is a value, and no token")
	}
}

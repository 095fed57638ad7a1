package httpfield_test

import (
	"strings"
	"testing"

	"github.com/gosocketio/socketio/internal/httpfield"
)

// Every byte, alone and within others, against the two rules as RFC 9110 words them: all visible ASCII characters but the
// delimiters, and all but control characters.
func TestEveryByte(t *testing.T) {
	for i := range 256 {
		c := byte(i)
		in := "a" + string([]byte{c}) + "b"
		token := c > ' ' && c < 0x7f && !strings.ContainsRune(`()<>@,;:\"/[]?={}`, rune(c))
		if httpfield.IsTokenChar(c) != token || httpfield.IsToken(in) != token || httpfield.IsToken([]byte(in)) != token {
			t.Errorf("%q is a token: want %v", in, token)
		}
		value := c >= ' ' && c != 0x7f || c == '\t'
		if httpfield.IsValue(in) != value || httpfield.IsValue([]byte(in)) != value {
			t.Errorf("%q is a value: want %v", in, value)
		}
	}
	if httpfield.IsToken("") || !httpfield.IsValue("") {
		t.Error("the empty string is a value, and no token")
	}
}

package protocol

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// Every byte at every place of a long string is judged as the slow way judges it.
func TestLongStrings(t *testing.T) {
	for _, n := range []int{manyBytes - 1, manyBytes, manyBytes + 1, 2*manyBytes + 7, 200} {
		for at := range n {
			for c := range 256 {
				s := bytes.Repeat([]byte{'a'}, n)
				s[at] = byte(c)
				plain := c >= ' ' && c != '"' && c != '\\'
				got, ascii := plainBytes(s)
				text, asciiText := plainText(string(s))
				if got != plain || text != plain || plain && (ascii != (c < 0x80) || asciiText != ascii) {
					t.Fatalf("%#x at %d of %d: %v, %v; %v, %v", c, at, n, got, ascii, text, asciiText)
				}
				quoted := append(append([]byte{'"'}, s...), `",1`...)
				want := -1
				switch {
				case plain:
					want = n + 2
				case c == '"':
					want = at + 2
				case c == '\\' && at == n-1:
					want = -1 // escapes the quote, and nothing ends the string
				}
				if got := scanString(quoted, 0); got != want {
					t.Fatalf("%#x at %d of %d: scanString is %d, want %d", c, at, n, got, want)
				}
			}
		}
	}
}

func TestAppendLongStrings(t *testing.T) {
	for _, s := range []string{"", `"`, `\`, "\x01", "é", "\xff", "\u2028"} {
		in := strings.Repeat("x", 100) + s + strings.Repeat("y", 100)
		var out string
		if err := json.Unmarshal(appendString(nil, in), &out); err != nil || out != strings.ToValidUTF8(in, "\uFFFD") {
			t.Errorf("%q: %q, %v", s, out, err)
		}
	}
}

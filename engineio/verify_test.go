package engineio

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// A query costs one look at it, whatever is in it: only the parameters that the engine knows are unescaped, and none is kept.
func TestAbuse_CVE_2025_61726_ManyParameters(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2025-61726")
	raw := strings.Repeat("a=b&c=d%20e&", 50_000) + "EIO=4&transport=polling&sid=x"
	if n := testing.AllocsPerRun(10, func() {
		if q := parseQuery(raw); q.eio != "4" || q.transport != "polling" || q.sid != "x" {
			t.Errorf("%+v", q)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// The results are those of Buffer.toString in Node.js.
func TestValidText(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"a€🔑":                      "a€🔑",
		"\xff\xfeA":                "\ufffd\ufffdA",
		"\xe2\x82":                 "\ufffd",
		"\xe2\x82A":                "\ufffdA",
		"\xe2\x82\xe2\x82\xac":     "\ufffd€",
		"\xe2A\x82":                "\ufffdA\ufffd",
		"\xf0\x9f\x94":             "\ufffd",
		"\xf0\x9f\x94\x91\xf0\x9f": "🔑\ufffd",
		"\xf0\x80\x80":             "\ufffd\ufffd\ufffd",
		"\xed\xa0\x80":             "\ufffd\ufffd\ufffd",
		"\xe0\x80":                 "\ufffd\ufffd",
		"\xc0\x80":                 "\ufffd\ufffd",
		"\xf4\x90\x80\x80":         "\ufffd\ufffd\ufffd\ufffd",
		"\xf8\x88":                 "\ufffd\ufffd",
		"\ufffd":                   "\ufffd",
	} {
		if got := string(validText([]byte(in))); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func FuzzValidText(f *testing.F) {
	f.Add([]byte("a\xe2\x82\xf0\x9f\x94"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got := validText(in)
		if !utf8.Valid(got) {
			t.Errorf("%q is not UTF-8", got)
		}
		if utf8.Valid(in) && string(got) != string(in) {
			t.Errorf("%q became %q", in, got)
		}
	})
}

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

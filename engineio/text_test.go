package engineio

import (
	"testing"
	"unicode/utf8"
)

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

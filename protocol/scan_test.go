package protocol

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

var documents = []string{
	"", " ", "null", "true", "false", "nul", "truex", "0", "-0", "01", "-", "1.", "1.5", ".5", "1e5", "1E+5", "1e-5", "1e", "1e+", "-1.5e-10",
	`""`, `"a"`, `"`, `"a`, `"\n\"\\\/\b\f\r\t"`, `"\u00e9"`, `"\u00E9"`, `"\u00g9"`, `"\u00e"`, `"\x"`, `"\`, "\"\x00\"", "\"\x1f\"", "\"\x7f\"", "\"\xff\"", `"é€😀"`,
	`"abcdefg"`, `"abcdefgh"`, `"abcdefghi"`, "\"abcdefgh\n\"", `"abcdefgh\"ijklmnopq"`, `"12345678901234567890"`, "\"\x80\x9f\xa0\xdc\xa2\"",
	"[]", "[ ]", "[1]", "[1,2]", "[1,]", "[,1]", "[1 2]", "[", "]", "[1", "[1,", "[[]]", "[[],[]]", "[[]", "[]]", "[}", "[1}",
	"{}", "{ }", `{"a":1}`, `{"a":1,"b":2}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a`, `{"a\x":1}`, `{"a":1,"b`, `{1:1}`, `{"a" 1}`, `{`, `}`, `{"a":1`, `{"a":1]`, `{,}`, `{"a":{"b":[{}]}}`,
	` [ 1 , { "a" : [ ] } ] `, "\t\r\n1", "\v1", "\ufeff1", "1 2", "[1]x", "//", "NaN", "Infinity", "'a'", "+1", "--1", "1-", "0x1", "1_0", "[1.2.3]", `{"a":1 "b":2}`, `["a":1]`, `{"a",1}`,
	`{"a":1,"a":2}`, `[[1,{"a":[2,{"b":3}]}],4]`,
}

func TestScanAcceptsWhatJSONIs(t *testing.T) {
	for _, s := range documents {
		checkScan(t, []byte(s))
	}
}

// checkScan compares the scanner with encoding/json.
func checkScan(t *testing.T, data []byte) {
	t.Helper()
	valid := json.Valid(data)
	if kind, ok := scanAll(data); ok != valid || ok && kind != strings.TrimLeft(string(data), " \t\r\n")[0] {
		t.Errorf("scanAll(%.100q) = %q, %v; json.Valid says %v", data, kind, ok, valid)
	}
	spans, ok := SplitArray(nil, data)
	var elems []json.RawMessage
	if isArray := valid && json.Unmarshal(data, &elems) == nil && elems != nil; ok != isArray {
		t.Errorf("SplitArray(%.100q) = %v, want %v", data, ok, isArray)
		return
	} else if !ok {
		return
	}
	if len(spans) != len(elems) {
		t.Errorf("SplitArray(%.100q) found %d elements, want %d", data, len(spans), len(elems))
		return
	}
	for i, s := range spans {
		if got := data[s.Start:s.End]; string(got) != string(elems[i]) {
			t.Errorf("element %d of %.100q = %q, want %q", i, data, got, elems[i])
		}
	}
}

func TestNesting(t *testing.T) {
	for _, depth := range []int{1, 2, 63, 64, 65, 127, 128, 129, 1000, maxDepth - 1, maxDepth, maxDepth + 1, maxDepth + 2} {
		checkScan(t, []byte(strings.Repeat("[", depth)+strings.Repeat("]", depth)))
		checkScan(t, []byte(strings.Repeat("[1,", depth-1)+"[]"+strings.Repeat("]", depth-1)))
		checkScan(t, []byte("["+strings.Repeat(`{"a":`, depth-1)+"1"+strings.Repeat("}", depth-1)+"]"))
		checkScan(t, []byte(strings.Repeat(`[{"a":`, depth/2)+"1"+strings.Repeat("}]", depth/2)))
		checkScan(t, []byte(strings.Repeat(`[{"a":`, depth/2)+"1"+strings.Repeat("]}", depth/2)))
		checkScan(t, []byte(strings.Repeat("[", depth)))
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range documents {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkScan(t, data) })
}

func BenchmarkSplitArray(b *testing.B) {
	for _, bc := range []struct{ name, in string }{
		{"small", `["message",{"text":"hello","room":"lobby","n":42}]`},
		{"text 4KB", `["message","` + strings.Repeat("Lorem ipsum dolor sit amet. ", 146) + `"]`},
		{"numbers 4KB", `["message",[` + strings.Repeat("123.25,", 585) + `0]]`},
	} {
		b.Run(bc.name, func(b *testing.B) {
			data := []byte(bc.in)
			var spans []Span
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				var ok bool
				if spans, ok = SplitArray(spans[:0], data); !ok {
					b.Fatal("not an array")
				}
			}
		})
	}
}

// plainBytes and scanString see every byte at every position of a long string.
func TestLongStrings(t *testing.T) {
	for _, n := range []int{manyBytes - 1, manyBytes, manyBytes + 1, 2*manyBytes + 7, 200} {
		for at := range n {
			for c := range 256 {
				s := bytes.Repeat([]byte{'a'}, n)
				s[at] = byte(c)
				plain := c >= ' ' && c != '"' && c != '\\'
				got, ascii := plainBytes(s)
				if got != plain || plain && ascii != (c < 0x80) {
					t.Fatalf("%#x at %d of %d: %v, %v", c, at, n, got, ascii)
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
		if err := json.Unmarshal(AppendString(nil, in), &out); err != nil || out != strings.ToValidUTF8(in, "\uFFFD") {
			t.Errorf("%q: %q, %v", s, out, err)
		}
	}
}

package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"testing"
)

// The wanted values are what Node 20 gives for Buffer.from(in, "base64").
func TestBase64IsReadAsNodeReadsIt(t *testing.T) {
	for _, tc := range []struct{ rule, in, want string }{
		{"padded", "AQIDBA==", "01020304"},
		{"padding missing", "AQIDBA", "01020304"},
		{"padding incomplete", "AQ=", "01"},
		{"too much padding", "AQ===", "01"},
		{"padding ends the data", "AQ==AQ==", "01"},
		{"padding in the middle of a group", "AQI=DBA=", "0102"},
		{"data after padding", "AQIDBAU=x", "0102030405"},
		{"padding first", "=AQI", ""},
		{"only padding", "====", ""},
		{"one character is no byte", "A", ""},
		{"one character too many", "AAAAA", "000000"},
		{"two characters", "AA", "00"},
		{"three characters", "AAA", "0000"},
		{"white space skipped", "A A\nA=", "0000"},
		{"bad characters skipped", "AQID*BA=", "01020304"},
		{"only bad characters", "!!!!", ""},
		{"URL alphabet", "-_-_", "fbffbf"},
		{"standard alphabet", "+/+/", "fbffbf"},
		{"both alphabets", "-/+_", "fbffbf"},
		{"non-ASCII skipped", "€€AQID", "010203"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			p, err := DecodeText([]byte("b" + tc.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(p.Data); got != tc.want {
				t.Errorf("base64 %q = %s, want %s", tc.in, got, tc.want)
			}
		})
	}
}

// Where the strict decoder is content, the lenient one must agree with it.
func FuzzBase64(f *testing.F) {
	f.Add([]byte("AQIDBA=="))
	f.Add([]byte("AQ=\nID*-_"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got := lenientBase64(nil, in)
		if want, err := base64.StdEncoding.DecodeString(string(in)); err == nil && !bytes.Equal(got, want) {
			t.Errorf("lenient %x, strict %x", got, want)
		}
		if n := base64.StdEncoding.DecodedLen(len(in)) + 2; len(got) > n {
			t.Errorf("%d characters gave %d bytes", len(in), len(got))
		}
	})
}

func BenchmarkDecodeBase64(b *testing.B) {
	in := base64.StdEncoding.AppendEncode([]byte("b"), make([]byte, 1000))
	b.SetBytes(1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeText(in); err != nil {
			b.Fatal(err)
		}
	}
}

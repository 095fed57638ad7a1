package msgpack_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

// The heads are what the official parser writes. Each value is read again as the same JSON.
func TestForms(t *testing.T) {
	list := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("1,", n), ",") + "]" }
	object := func(n int) string {
		b := []byte("{")
		for i := range n {
			b = fmt.Appendf(b, `"%d":1,`, i)
		}
		return strings.TrimSuffix(string(b), ",") + "}"
	}
	quoted := func(n int) string { return strconv.Quote(strings.Repeat("x", n)) }
	for _, test := range []struct{ json, head string }{
		{"0", "00"}, {"127", "7f"}, {"128", "cc80"}, {"255", "ccff"}, {"256", "cd0100"}, {"65535", "cdffff"}, {"65536", "ce00010000"},
		{"4294967295", "ceffffffff"}, {"4294967296", "cf0000000100000000"}, {"9007199254740991", "cf001fffffffffffff"},
		{"-1", "ff"}, {"-32", "e0"}, {"-33", "d0df"}, {"-128", "d080"}, {"-129", "d1ff7f"}, {"-32768", "d18000"}, {"-32769", "d2ffff7fff"},
		{"-2147483648", "d280000000"}, {"-2147483649", "d3ffffffff7fffffff"}, {"-9007199254740991", "d3ffe0000000000001"},
		{"0.5", "cb3fe0000000000000"}, {"null", "c0"}, {"false", "c2"}, {"true", "c3"},
		{quoted(31), "bf78"}, {quoted(32), "d92078"}, {quoted(255), "d9ff78"}, {quoted(256), "da010078"}, {quoted(65535), "daffff78"}, {quoted(65536), "db0001000078"},
		{list(15), "9f01"}, {list(16), "dc001001"}, {list(65535), "dcffff01"}, {list(65536), "dd0001000001"},
		{object(15), "8fa130"}, {object(16), "de0010a130"}, {object(65535), "deffffa130"}, {object(65536), "df00010000a130"},
	} {
		name := test.json[:min(len(test.json), 20)]
		got, err := msgpack.AppendValue(nil, []byte(test.json), nil)
		if err != nil || !strings.HasPrefix(hex.EncodeToString(got), test.head) {
			t.Errorf("%s: %x, %v; want %s", name, got[:min(len(got), 9)], err, test.head)
		}
		if again, _, err := msgpack.ReadValue(got, 0); err != nil || string(again) != test.json {
			t.Errorf("%s: read %.20s, %v", name, again, err)
		}
		if again, _, err := msgpack.ReadValue(got[:len(got)-1], 0); !errors.Is(err, protocol.ErrParse) {
			t.Errorf("%s without its last byte: read %.20s, %v", name, again, err)
		}
	}
	for n, head := range map[int]string{0: "c400", 255: "c4ff", 256: "c50100", 65535: "c5ffff", 65536: "c600010000"} {
		got, err := msgpack.AppendValue(nil, []byte(`{"_placeholder":true,"num":0}`), [][]byte{make([]byte, n)})
		if err != nil || !strings.HasPrefix(hex.EncodeToString(got), head) {
			t.Errorf("%d bytes: %x, %v; want %s", n, got[:min(len(got), 9)], err, head)
		}
		if _, again, err := msgpack.ReadValue(got, 1); err != nil || len(again) != 1 || len(again[0]) != n {
			t.Errorf("%d bytes: read %d, %v", n, len(again), err)
		}
	}
}

// No first byte makes a reader believe a length of 4 GiB, wherever the value is. In 32 bits such a
// length is negative.
func TestLengths(t *testing.T) {
	for c := range 0x100 {
		for _, length := range []string{"\xff\xff\xff\xff", "\x7f\xff\xff\xff", "\x80\x00\x00\x00"} {
			value := string([]byte{byte(c)}) + length
			_, _, _ = msgpack.ReadValue([]byte(value+"\x01"), 10)
			for _, before := range []string{"", "\x81", "\x81\xa4type", "\x81\xa3nsp", "\x81\xa2id", "\x81\xa4data", "\x81\xa1x", "\x83\xa4type\x00\xa3nsp\xa1/\xa4data"} {
				got, err := decode([]byte(before+value), 10)
				if long := strings.Contains("\xc6\xc9\xdb\xdd\xdf", value[:1]); long && err == nil {
					t.Errorf("%q was read as %s", before+value, got)
				}
			}
		}
	}
}

// A deeply nested value is transcoded in linear time and memory. It comes from a client when the
// server relays the client's JSON.
func TestNestedValuesTakeLinearMemory(t *testing.T) {
	const depth = 9_000
	in := []byte(strings.Repeat("[", depth) + `"` + strings.Repeat("x", 100_000) + `"` + strings.Repeat("]", depth))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := msgpack.AppendValue(nil, in, nil)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; err != nil || got > 20*uint64(len(in)) {
		t.Errorf("a value of %d bytes takes %d bytes, %v", len(in), got, err)
	}
}

// The error says what is wrong with the input.
func TestAppendValueTakesOneValue(t *testing.T) {
	for in, want := range map[string]string{
		`1 "x"`: "after top-level value",
		``:      "unexpected end",
		`[`:     "unexpected end",
	} {
		dst, err := msgpack.AppendValue([]byte("dst"), []byte(in), nil)
		if err == nil || string(dst) != "dst" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v, want %q", in, dst, err, want)
		}
	}
}

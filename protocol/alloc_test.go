package protocol

import (
	"encoding/json"
	"testing"
	"unsafe"
)

func TestAllocations(t *testing.T) {
	var (
		d    Decoder
		dst  = make([]byte, 0, 1024)
		atts = make([][]byte, 0, 8)
		args = []any{"hello", 42, 1.5, true, nil, int64(7), json.RawMessage(`{"a":1}`)}
		tree = []any{map[string]any{"text": "hello", "n": 42, "list": []any{1, "a"}}, []string{"a", "b"}}
		bin  = []any{[]byte("binary")}

		event  = []byte(`2["message",{"text":"hello"},42]`)
		inRoom = []byte(`2/chat,12["message","hello"]`)
		name   = []byte(`"message"`)
		text   = []byte(`"hello"`)
		number = []byte("42")
		s      string
		n      int
		x      float64
		b      bool
		v      any
		raw    = []byte("true")
	)
	for _, tc := range []struct {
		what string
		most float64
		run  func() error
	}{
		{"AddText of a small event", 0, func() error { _, err := d.AddText(event); return err }},
		{"AddText of an event of a namespace", 0, func() error { _, err := d.AddText(inRoom); return err }},
		{"NameBytes", 0, func() error { NameBytes(name); return nil }},
		{"AppendPacket of a small event", 0, func() (err error) {
			dst, _, err = AppendPacket(dst[:0], Event, "/chat", 12, true, "message", args)
			return err
		}},
		{"AppendPacket of maps and slices", 0, func() (err error) {
			dst, _, err = AppendPacket(dst[:0], Event, "/", 0, false, "message", tree)
			return err
		}},
		{"AppendPacket of an ack", 0, func() (err error) {
			dst, _, err = AppendPacket(dst[:0], Ack, "/", 0, true, "", args[:1])
			return err
		}},
		{"AppendArgs with binary data", 0, func() (err error) {
			dst, atts, err = AppendArgs(dst[:0], atts[:0], "message", true, bin)
			return err
		}},
		{"AppendPacket with binary data: the slice of attachments", 1, func() (err error) {
			dst, _, err = AppendPacket(dst[:0], Event, "/", 0, false, "message", bin)
			return err
		}},
		{"AppendHeader", 0, func() error { dst = AppendHeader(dst[:0], BinaryAck, 3, "/chat", 5, true); return nil }},
		{"Decode of a string: the string", 1, func() error { return Decode(text, nil, &s) }},
		{"Decode of an int", 0, func() error { return Decode(number, nil, &n) }},
		{"Decode of a float64", 0, func() error { return Decode(number, nil, &x) }},
		{"Decode of a string as any: the string, and what holds it", 2, func() error { v = nil; return Decode(text, nil, &v) }},
		{"Decode of a number as any: what holds it", 1, func() error { v = nil; return Decode(number, nil, &v) }},
		{"Decode of a bool as any", 0, func() error { v = nil; return Decode(raw, nil, &v) }},
		{"Decode of a bool", 0, func() error { return Decode(raw, nil, &b) }},
	} {
		if got := testing.AllocsPerRun(100, func() {
			if err := tc.run(); err != nil {
				t.Fatal(err)
			}
		}); got > tc.most {
			t.Errorf("%s allocates %v times, want at most %v", tc.what, got, tc.most)
		}
	}
}

// A decoder lives as long as its connection.
func TestDecoderIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Decoder{}); size > 160 {
		t.Errorf("a Decoder has %d bytes, want at most 160", size)
	}
}

// What is pooled keeps nothing of the values that were decoded, whether that succeeded or not.
func TestTreeDecoderForgets(t *testing.T) {
	for _, raw := range []string{`{"a":[1,{"b":["c"]}],"d":"e"}`, `{"a":["b",`, `[["a"],[`} {
		d := new(treeDecoder)
		d.raw = []byte(raw)
		d.value(0)
		d.drop(0, 0)
		for _, v := range d.values[:cap(d.values)] {
			if v != nil {
				t.Errorf("after %s a value is kept: %v", raw, v)
			}
		}
		for _, k := range d.keys[:cap(d.keys)] {
			if k != "" {
				t.Errorf("after %s a key is kept: %s", raw, k)
			}
		}
	}
}

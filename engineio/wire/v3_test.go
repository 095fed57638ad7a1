package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio/engineio/wire"
)

// frames3 is a text message and a binary one.
func frames3(text string, data ...byte) []byte {
	return wire.AppendBinary(wire.AppendText(nil, wire.Message, []byte(text)), data)
}

// The vectors are what the official parser of protocol 3 makes of the same packets.
func TestPayload3(t *testing.T) {
	t.Attr("covers", "engine/parser/1")
	for name, test := range map[string]struct {
		got  []byte
		want string
	}{
		"text":                {wire.AppendPayloadText3(nil, wire.AppendText(nil, wire.Message, []byte("hello"))), "6:4hello"},
		"no data":             {wire.AppendPayloadText3(nil, wire.AppendText(nil, wire.Ping, nil)), "1:2"},
		"UTF-16 code units":   {wire.AppendPayloadText3(nil, wire.AppendText(nil, wire.Message, []byte("€😀é"))), "5:4€😀é"},
		"binary as base64":    {wire.AppendPayloadText3(nil, frames3("a", 1, 2, 3, 4)), "2:4a10:b4AQIDBA=="},
		"binary":              {wire.AppendPayloadBinary3(nil, frames3("€", 1, 2, 3, 4)), "\x00\x04\xff4€\x01\x05\xff\x04\x01\x02\x03\x04"},
		"binary, long":        {wire.AppendPayloadBinary3(nil, wire.AppendText(nil, wire.Message, bytes.Repeat([]byte("x"), 122))), "\x00\x01\x02\x03\xff4" + strings.Repeat("x", 122)},
		"WebSocket":           {wire.AppendFrames3(nil, frames3("a", 9)), "\x81\x024a\x82\x02\x04\x09"},
		"WebSocket, base64":   {wire.AppendFramesBase64(nil, frames3("a", 9), "b4"), "\x81\x024a\x81\x06b4CQ=="},
		"WebSocket 4, base64": {wire.AppendFramesBase64(nil, frames3("a", 9), "b"), "\x81\x024a\x81\x05bCQ=="},
	} {
		if string(test.got) != test.want {
			t.Errorf("%s: got %q, want %q", name, test.got, test.want)
		}
	}
}

// decode3 returns the packets of a payload, up to the first error, one per line.
func decode3(payload []byte, binary bool) (packets []string, err error) {
	for first := true; first || len(payload) > 0; first = false {
		var p wire.Packet
		var skip bool
		if binary {
			p, payload, err = wire.NextPacketBinary3(payload)
		} else {
			p, skip, payload, err = wire.NextPacketText3(payload)
		}
		if err != nil {
			return packets, err
		}
		if !skip {
			packets = append(packets, fmt.Sprintf("%s %v %s", p.Type, p.Binary, p.Data))
		}
	}
	return packets, nil
}

func TestDecodePayload3(t *testing.T) {
	t.Attr("covers", "engine/parser/1")
	for _, test := range []struct {
		payload string
		binary  bool
		want    []string
		fails   bool
	}{
		{payload: "6:4hello", want: []string{"message false hello"}},
		{payload: "6:4hello1:2", want: []string{"message false hello", "ping false "}},
		{payload: "006:4hello", want: []string{"message false hello"}},
		{payload: "4:4€😀", want: []string{"message false €😀"}},
		{payload: "0:1:3", want: []string{"pong false "}},
		{payload: "10:b4AQIDBA==", want: []string{"message true \x01\x02\x03\x04"}},
		{payload: "6:b44444", want: []string{"message true \xe3\x8e\x38"}}, // base64 that begins with a 4
		{payload: "2:b4", want: []string{"message true "}},
		{payload: "\x00\x04\xff4€\x01\x05\xff\x04\x01\x02\x03\x04", binary: true, want: []string{"message false €", "message true \x01\x02\x03\x04"}},
		{payload: "\x00\x00\x02\xff4a", binary: true, want: []string{"message false a"}},

		{payload: "", fails: true},
		{payload: ":", fails: true},
		{payload: "abc", fails: true},
		{payload: "1", fails: true},
		{payload: "1:", fails: true},
		{payload: "1:9", fails: true},
		{payload: "-1:2", fails: true},
		{payload: "1e0:2", fails: true},
		{payload: "7:4hello", fails: true},
		{payload: "3:4😀", want: []string{"message false 😀"}},
		{payload: "2:4😀", fails: true}, // half of a pair
		{payload: "6:4hellox", want: []string{"message false hello"}, fails: true},
		{payload: "1:b", fails: true},
		{payload: "2:b9", fails: true},
		{payload: strings.Repeat("9", 311) + ":4", fails: true},
		{payload: strings.Repeat("9", 15) + ":4", fails: true},
		{payload: "4294967297:2", fails: true}, // 1 in 32 bits
		{payload: "4294967296:", fails: true},
		{payload: "0000000000000000001:2", fails: true},
		{payload: "", binary: true, fails: true},
		{payload: "\x00", binary: true, fails: true},
		{payload: "\x00\xff", binary: true, fails: true},
		{payload: "\x00\x01", binary: true, fails: true},
		{payload: "\x00\x02\xff4", binary: true, fails: true},
		{payload: "\x00\x0a\xff4", binary: true, fails: true},
		{payload: "\x02\x01\xff4", binary: true, fails: true},
		{payload: "\x01\x01\xff\x07", binary: true, fails: true},
		{payload: "\x01\x00\xff", binary: true, fails: true},
		{payload: "\x00" + strings.Repeat("\x09", 311) + "\xff4", binary: true, fails: true},
		{payload: "\x00\x04\x02\x09\x04\x09\x06\x07\x02\x09\x05\xff4", binary: true, fails: true}, // -1 in 32 bits
		{payload: "\x00\x04\x02\x09\x04\x09\x06\x07\x02\x09\x07\xff2", binary: true, fails: true}, // 1
		{payload: "\x00\x01\xff4x", binary: true, want: []string{"message false "}, fails: true},
	} {
		got, err := decode3([]byte(test.payload), test.binary)
		if (err != nil) != test.fails || err != nil && !errors.Is(err, wire.ErrPacket) {
			t.Errorf("%q: error %v", test.payload, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q: %s", test.payload, diff)
		}
	}
}

func TestDecodeBinary3(t *testing.T) {
	if _, err := wire.DecodeBinary3(nil); !errors.Is(err, wire.ErrPacket) {
		t.Errorf("empty: %v", err)
	}
	p, err := wire.DecodeBinary3([]byte{4, 1, 2})
	if err != nil || p.Type != wire.Message || !p.Binary || !slices.Equal(p.Data, []byte{1, 2}) {
		t.Errorf("got %+v, %v", p, err)
	}
}

// What is encoded decodes to the same, in both forms and within the bound; no input makes the
// decoders fail otherwise than with an error or take more than they are given.
func FuzzPayload3(f *testing.F) {
	f.Add("hello", []byte{1, 2}, []byte("6:4hello"))
	f.Add("€😀", []byte{}, []byte("\x00\x04\xff4€\x01\x05\xff\x04\x01\x02\x03\x04"))
	f.Add("\xff\xed\xa0\x80", []byte{0xff}, []byte("3:4\xff\xff"))
	f.Fuzz(func(t *testing.T, text string, data, hostile []byte) {
		frames := frames3(text, data...)
		want := []string{"message false " + text, "message true " + string(data)}
		for _, binary := range []bool{false, true} {
			payload := wire.AppendPayloadText3(nil, frames)
			if binary {
				payload = wire.AppendPayloadBinary3(nil, frames)
			}
			if len(payload) > wire.PayloadBound3(frames) {
				t.Errorf("%d bytes, bound %d", len(payload), wire.PayloadBound3(frames))
			}
			got, err := decode3(payload, binary)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%q: got %q, %v", payload, got, err)
			}
			if packets, err := decode3(hostile, binary); err != nil && !errors.Is(err, wire.ErrPacket) || len(packets) > len(hostile) {
				t.Errorf("%q: %q, %v", hostile, packets, err)
			}
		}
	})
}

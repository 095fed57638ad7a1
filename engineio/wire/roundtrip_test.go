package wire

import (
	"bytes"
	"testing"
)

func TestTextRoundTrip(t *testing.T) {
	t.Attr("covers", "extra/engine-parser/index/1")
	for _, text := range []string{"hello", "", "€ 🔑", "b", "\x00"} {
		_, payload, rest := NextFrame(AppendText(nil, Message, []byte(text)))
		p, err := DecodeText(payload)
		if err != nil || p.Type != Message || p.Binary || string(p.Data) != text || len(rest) > 0 {
			t.Errorf("%q came back as %+v, %v", text, p, err)
		}
	}
}

// Go has one type of binary data; what the official parser's tests ask of buffers, array buffers
// and typed arrays is asked of it: over WebSocket the bytes as they are, in a payload their base64,
// of a view on a larger array its own bytes only.
func TestBinaryRoundTrip(t *testing.T) {
	t.Attr("covers", "extra/engine-parser/node/1 extra/engine-parser/node/3 extra/engine-parser/node/4 extra/engine-parser/node/5 extra/engine-parser/node/6 easy/18")
	t.Attr("covers", "extra/engine-parser/browser/1 extra/engine-parser/browser/2 extra/engine-parser/browser/3 extra/engine-parser/browser/6")
	whole := []byte{0, 1, 2, 3, 4, 5}
	view := whole[1:5]
	binary, payload, rest := NextFrame(AppendBinary(nil, view))
	if !binary || !bytes.Equal(payload, []byte{1, 2, 3, 4}) || len(rest) > 0 {
		t.Errorf("over WebSocket: %v %v, then %v", binary, payload, rest)
	}
	frames := AppendBinary(AppendText(nil, Message, []byte("test")), view)
	body := AppendPayload(nil, frames, true)
	if string(body) != "4test\x1ebAQIDBA==" {
		t.Errorf("in a payload: %q", body)
	}
	got, err := read(body)
	if err != nil || !same(got, []Packet{{Type: Message, Data: []byte("test")}, {Type: Message, Binary: true, Data: []byte{1, 2, 3, 4}}}) {
		t.Errorf("came back as %v, %v", got, err)
	}
}

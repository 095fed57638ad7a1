package wire_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/gosocketio/socketio/engineio/wire"
)

func TestFramesBare(t *testing.T) {
	long := bytes.Repeat([]byte{7}, 12345)
	huge := bytes.Repeat([]byte{7}, 70_000)
	for _, c := range []struct {
		name   string
		covers string
		frames []byte
		head   string // of the result, in hexadecimal; what follows is the payload of the last frame
		rest   []byte
	}{
		{"text", "", wire.AppendText(nil, wire.Message, []byte("hello")), "0634", []byte("hello")},
		{"text that is not ASCII", "extra/engine-parser/index/5", wire.AppendText(nil, wire.Message, []byte("1€")), "0534", []byte("1€")},
		{"numbers of 16 bits, as their bytes", "extra/engine-parser/index/8", wire.AppendBinary(nil, []byte{1, 0, 2, 0, 0, 1}), "86", []byte{1, 0, 2, 0, 0, 1}},
		{"ping", "", wire.AppendText(nil, wire.Ping, nil), "0132", nil},
		{"binary", "extra/engine-parser/index/6 extra/engine-parser/index/7 extra/engine-parser/node/9", wire.AppendBinary(nil, []byte{1, 2, 3}), "83", []byte{1, 2, 3}},
		{"medium binary", "extra/engine-parser/index/9", wire.AppendBinary(nil, long), "fe3039", long},
		{"medium text", "", wire.AppendText(nil, wire.Message, long[1:]), "7e303934", long[1:]},
		{"large binary", "extra/engine-parser/index/10", wire.AppendBinary(nil, huge), "ff0000000000011170", huge},
		{"empty binary", "", wire.AppendBinary(nil, nil), "0162", nil},
		{"a packet and its attachments", "", wire.AppendBinary(wire.AppendBinary(wire.AppendText(nil, wire.Message, []byte("x")), []byte{9}), nil), "0234788109" + "0162", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Attr("covers", c.covers)
			head, err := hex.DecodeString(c.head)
			if err != nil {
				t.Fatal(err)
			}
			want := append(head, c.rest...)
			before := bytes.Clone(c.frames)
			if got := wire.FramesBare(c.frames); !bytes.Equal(got, want) {
				t.Errorf("FramesBare: %.40x, want %.40x", got, want)
			}
			if got := wire.AppendFramesBare([]byte("before"), c.frames); !bytes.Equal(got, append([]byte("before"), want...)) {
				t.Errorf("AppendFramesBare: %.40x", got)
			}
			if !bytes.Equal(c.frames, before) {
				t.Error("the frames were changed")
			}
		})
	}
}

func TestFramesBareCopiesNoText(t *testing.T) {
	frames := wire.AppendText(nil, wire.Message, []byte("hello"))
	if n := testing.AllocsPerRun(100, func() { wire.FramesBare(frames) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

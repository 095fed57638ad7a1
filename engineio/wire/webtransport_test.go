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
		frames []byte
		head   string // of the result, in hexadecimal; what follows is the payload of the last frame
		rest   []byte
	}{
		{"text", wire.AppendText(nil, wire.Message, []byte("hello")), "0634", []byte("hello")},
		{"ping", wire.AppendText(nil, wire.Ping, nil), "0132", nil},
		{"binary", wire.AppendBinary(nil, []byte{1, 2, 3}), "83", []byte{1, 2, 3}},
		{"medium binary", wire.AppendBinary(nil, long), "fe3039", long},
		{"medium text", wire.AppendText(nil, wire.Message, long[1:]), "7e303934", long[1:]},
		{"large binary", wire.AppendBinary(nil, huge), "ff0000000000011170", huge},
		{"empty binary", wire.AppendBinary(nil, nil), "0162", nil},
		{"a packet and its attachments", wire.AppendBinary(wire.AppendBinary(wire.AppendText(nil, wire.Message, []byte("x")), []byte{9}), nil), "0234788109" + "0162", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
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

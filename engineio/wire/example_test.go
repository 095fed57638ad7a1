package wire_test

import (
	"fmt"

	"github.com/gosocketio/socketio/engineio/wire"
)

func ExampleDecodeText() {
	p, err := wire.DecodeText([]byte("4hello"))
	fmt.Println(p.Type, string(p.Data), err)
	p, err = wire.DecodeText([]byte("bAQIDBA=="))
	fmt.Println(p.Type, p.Binary, p.Data, err)
	_, err = wire.DecodeText([]byte("7"))
	fmt.Println(err)
	// Output:
	// message hello <nil>
	// message true [1 2 3 4] <nil>
	// wire: invalid packet: unknown type
}

func ExampleNextPacket() {
	body := []byte("4one\x1e4two")
	for more := true; more; {
		var p wire.Packet
		var err error
		if p, body, more, err = wire.NextPacket(body); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(p.Type, string(p.Data))
	}
	// Output:
	// message one
	// message two
}

func ExampleFinishText() {
	buf := make([]byte, wire.HeadRoom, 64)
	buf = append(buf, `42["hello"]`...)
	fmt.Printf("%q\n", wire.FinishText(buf))
	// Output: "\x81\v42[\"hello\"]"
}

func ExampleAppendText() {
	fmt.Printf("%q\n", wire.AppendText(nil, wire.Pong, []byte("probe")))
	// Output: "\x81\x063probe"
}

func ExampleAppendBinary() {
	fmt.Printf("%x\n", wire.AppendBinary(nil, []byte{1, 2, 3}))
	// Output: 8203010203
}

func ExampleNextFrame() {
	frames := wire.AppendBinary(wire.AppendText(nil, wire.Message, []byte("a")), []byte{1})
	for len(frames) > 0 {
		var binary bool
		var payload []byte
		binary, payload, frames = wire.NextFrame(frames)
		fmt.Printf("%v %q\n", binary, payload)
	}
	// Output:
	// false "4a"
	// true "\x01"
}

func ExampleAppendPayload() {
	frames := wire.AppendText(nil, wire.Message, []byte("hello"))
	frames = wire.AppendBinary(frames, []byte{1, 2, 3, 4})
	fmt.Printf("%q\n", wire.AppendPayload(nil, frames, true))
	// Output: "4hello\x1ebAQIDBA=="
}

func ExamplePayloadLen() {
	frames := wire.AppendBinary(nil, []byte{1, 2, 3, 4})
	fmt.Println(wire.PayloadLen(frames))
	// Output: 9
}

func ExampleType_String() {
	fmt.Println(wire.Noop)
	// Output: noop
}

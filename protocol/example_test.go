package protocol_test

import (
	"errors"
	"fmt"

	"github.com/gosocketio/socketio/protocol"
)

func ExampleDecoder() {
	var d protocol.Decoder
	p, err := d.AddText([]byte(`2/chat,12["message","hello",{"n":1}]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Type, p.Namespace, p.ID, protocol.EventName(p.Arg(0)))
	for i := 1; i < len(p.Args); i++ {
		fmt.Printf("%s\n", p.Arg(i))
	}
	// Output:
	// EVENT /chat 12 message
	// "hello"
	// {"n":1}
}

func ExampleDecoder_AddText() {
	var d protocol.Decoder
	_, err := d.AddText([]byte(`2["disconnect"]`))
	fmt.Println(err, errors.Is(err, protocol.ErrParse))
	// Output: invalid payload true
}

func ExampleDecoder_AddBinary() {
	var d protocol.Decoder
	p, err := d.AddText([]byte(`51-["picture",{"_placeholder":true,"num":0}]`))
	fmt.Println(p, err)
	p, err = d.AddBinary([]byte{1, 2, 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Type, p.Attachments)
	// Output:
	// <nil> <nil>
	// EVENT [[1 2 3]]
}

func ExampleDecoder_Pending() {
	var d protocol.Decoder
	_, err := d.AddText([]byte(`51-["picture",{"_placeholder":true,"num":0}]`))
	fmt.Println(d.Pending(), err)
	// Output: true <nil>
}

func ExampleDecoder_Release() {
	var d protocol.Decoder
	p, err := d.AddText([]byte(`2["message"]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", p.Data)
	d.Release() // p is not needed any more, and the message's buffer can be used again
	// Output: ["message"]
}

func ExampleDecoder_Reset() {
	var d protocol.Decoder
	if _, err := d.AddText([]byte(`51-["picture",{"_placeholder":true,"num":0}]`)); err != nil {
		fmt.Println(err)
		return
	}
	d.Reset()
	p, err := d.AddText([]byte(`2["message"]`))
	fmt.Println(p.Type, err)
	// Output: EVENT <nil>
}

func ExamplePacket_Arg() {
	var d protocol.Decoder
	p, err := d.AddText([]byte(`31["ok", {"n": 1}]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %s\n", p.Arg(0), p.Arg(1))
	// Output: "ok" {"n": 1}
}

func ExampleDecode() {
	type picture struct {
		Name string `json:"name"`
		Data []byte `json:"data"`
	}
	raw := []byte(`{"name":"me","data":{"_placeholder":true,"num":0}}`)
	var p picture
	err := protocol.Decode(raw, [][]byte{{1, 2, 3}}, &p)
	fmt.Println(p, err)
	// Output: {me [1 2 3]} <nil>
}

func ExampleEventName() {
	fmt.Println(protocol.EventName([]byte(`"caf\u00e9"`)), protocol.EventName([]byte("1.0")))
	// Output: café 1
}

func ExampleNameBytes() {
	name, ok := protocol.NameBytes([]byte(`"message"`))
	fmt.Println(string(name), ok)
	_, ok = protocol.NameBytes([]byte(`"caf\u00e9"`))
	fmt.Println(ok)
	// Output:
	// message true
	// false
}

func ExampleIsReserved() {
	fmt.Println(protocol.IsReserved("disconnect"), protocol.IsReserved("message"))
	// Output: true false
}

func ExampleAppendPacket() {
	text, atts, err := protocol.AppendPacket(nil, protocol.Event, "/chat", 12, true, "picture", []any{"me", []byte{1, 2, 3}})
	fmt.Println(string(text), atts, err)
	// Output: 51-/chat,12["picture","me",{"_placeholder":true,"num":0}] [[1 2 3]] <nil>
}

func ExampleAppendControl() {
	text, err := protocol.AppendControl(nil, protocol.ConnectError, "/chat", map[string]string{"message": "unauthorized"})
	fmt.Println(string(text), err)
	// Output: 4/chat,{"message":"unauthorized"} <nil>
}

func ExampleAppendHeader() {
	fmt.Printf("%s\n", protocol.AppendHeader(nil, protocol.Ack, 0, "/chat", 12, true))
	// Output: 3/chat,12
}

func ExampleAppendArgs() {
	raw, atts, err := protocol.AppendArgs(nil, nil, "message", true, []any{"<hello>", 1.5, nil})
	fmt.Println(string(raw), len(atts), err)
	// Output: ["message","<hello>",1.5,null] 0 <nil>
}

func ExampleAppendJSON() {
	raw, atts, err := protocol.AppendJSON(nil, nil, map[string]any{"name": "me", "data": []byte{1, 2, 3}})
	fmt.Println(string(raw), atts, err)
	// Output: {"data":{"_placeholder":true,"num":0},"name":"me"} [[1 2 3]] <nil>
}

func ExampleType_String() {
	fmt.Println(protocol.ConnectError)
	// Output: CONNECT_ERROR
}

func ExampleParseError() {
	var d protocol.Decoder
	_, err := d.AddText([]byte("9"))
	parse, ok := errors.AsType[*protocol.ParseError](err)
	fmt.Println(ok, parse.Message)
	// Output: true unknown packet type 9
}

func ExampleAppendString() {
	fmt.Printf("%s\n", protocol.AppendString(nil, "a \"quoted\"\nline"))
	fmt.Printf("%s\n", protocol.AppendQuoted(nil, []byte("<é>")))
	// Output:
	// "a \"quoted\"\nline"
	// "<é>"
}

func ExampleSkipValue() {
	text := []byte(`{"a":[1]} rest`)
	end := protocol.SkipValue(text, 0)
	fmt.Printf("%s, invalid: %d\n", text[:end], protocol.SkipValue([]byte(`[1`), 0))
	// Output: {"a":[1]}, invalid: -1
}

func ExampleSplitArray() {
	text := []byte(`["news",{"n":1}]`)
	spans, ok := protocol.SplitArray(nil, text)
	for _, s := range spans {
		fmt.Printf("%s\n", text[s.Start:s.End])
	}
	fmt.Println(ok)
	// Output:
	// "news"
	// {"n":1}
	// true
}

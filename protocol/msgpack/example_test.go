package msgpack_test

import (
	"fmt"

	"github.com/gosocketio/socketio/protocol/msgpack"
)

func ExampleAppendValue() {
	packed, err := msgpack.AppendValue(nil, []byte(`{"a":[1,{"_placeholder":true,"num":0}]}`), [][]byte{{7}})
	fmt.Printf("%x %v\n", packed, err)
	text, attachments, err := msgpack.ReadValue(packed, 10)
	fmt.Println(string(text), attachments, err)
	// Output:
	// 81a1619201c40107 <nil>
	// {"a":[1,{"_placeholder":true,"num":0}]} [[7]] <nil>
}

func ExampleSkip() {
	rest, ok := msgpack.Skip([]byte("\x92\x01\xa1xrest"))
	fmt.Printf("%s %v\n", rest, ok)
	// Output: rest true
}

func ExampleReadHead() {
	h, rest := msgpack.ReadHead([]byte("\xa3abc"))
	fmt.Println(h.Kind == msgpack.Text, h.N, string(rest))
	// Output: true 3 abc
}

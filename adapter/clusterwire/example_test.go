package clusterwire_test

import (
	"fmt"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

func ExampleEncode() {
	data, _, err := clusterwire.Encode(&adapter.Message{
		UID: "322f43d08df0018a", Namespace: "/", Type: adapter.MessageServerSideEmit,
		Packet: &adapter.Packet{Event: "ready", Args: []any{"pot"}},
	})
	fmt.Println(string(data), err)
	m, err := clusterwire.Decode(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	event, args, err := m.Packet.Split()
	fmt.Printf("%s %s %v\n", event, args, err)
	// Output:
	// {"type":9,"data":{"packet":["ready","pot"]},"uid":"322f43d08df0018a","nsp":"/"} <nil>
	// ready ["pot"] <nil>
}

// A broker routes a message by what Read returns, and reads the rest for somebody only.
func ExampleRead() {
	m, err := clusterwire.Read(`{"type":3,"data":{"packet":{"type":2,"data":["news",1]},"opts":{"rooms":["r"]}},"uid":"x","nsp":"/"}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Namespace, m.Options.Rooms)
	if err := m.Rest(m); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%s\n", m.Packet.Data)
	// Output:
	// / [r]
	// ["news",1]
}

// The entry of a stream has the type, the sender and the namespace in fields of their own.
func ExampleReadData() {
	m := &adapter.Message{Type: adapter.MessageSocketsJoin, UID: "x", Namespace: "/"}
	err := clusterwire.ReadData(m, `{"opts":{"rooms":["r"],"except":[],"flags":{}},"rooms":["s"]}`)
	fmt.Println(m.Options.Rooms, m.Rooms, err)
	data, binary, err := clusterwire.EncodeData(m)
	fmt.Println(string(data), binary, err)
	// Output:
	// [r] [s] <nil>
	// {"opts":{"rooms":["r"],"except":[],"flags":{}},"rooms":["s"]} false <nil>
}

// The messages of another wire form are read and written with the same parts.
func ExampleReader() {
	p := &adapter.Packet{Event: "news", Args: []any{[]byte{1}}}
	text, attachments, err := clusterwire.AppendPacket([]byte(`["x",`), p, "/chat")
	if err != nil {
		fmt.Println(err)
	}
	text = clusterwire.AppendOptions(append(text, ','), adapter.Options{Rooms: []string{"r"}})
	packed, err := msgpack.AppendValue(nil, append(text, ']'), attachments)
	if err != nil {
		fmt.Println(err)
	}

	var uid string
	var packet clusterwire.Raw
	var o adapter.Options
	r := clusterwire.NewReader(string(packed))
	r.Array(func(i int) {
		switch i {
		case 0:
			uid = r.String()
		case 1:
			packet = r.Raw()
		case 2:
			r.Options(&o)
		}
	})
	if err := r.End(); err != nil {
		fmt.Println(err)
	}
	var got adapter.Packet
	nsp, err := packet.Packet(&got)
	fmt.Printf("%s %s %v %s %v %v\n", uid, nsp, o.Rooms, got.Data, got.Attachments, err)
	// Output:
	// x /chat [r] ["news",{"_placeholder":true,"num":0}] [[1]] <nil>
}

package embedded_test

import (
	"context"
	"fmt"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter/nats/embedded"
)

// A node that others can join, with what it needs to know of them: one address.
func ExampleNew() {
	io, err := socketio.NewServer(socketio.Config{Adapter: embedded.New(embedded.Config{
		Listen: "127.0.0.1:0",
		Routes: []string{"127.0.0.1:1"}, // nobody is there yet
		Token:  "secret",
	})})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(io.Emit("hello"), io.Shutdown(context.Background()))
	// Output:
	// <nil> <nil>
}

func ExampleParseURL() {
	c, err := embedded.ParseURL("nats+embedded://secret@:4248?routes=host1:4248,host2:4248&jetstream=true")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Listen, c.Routes, c.NATS.JetStream)
	// Output:
	// :4248 [host1:4248 host2:4248] true
}

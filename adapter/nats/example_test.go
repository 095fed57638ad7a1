package nats_test

import (
	"fmt"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter/nats"
)

// A server in a cluster over NATS, of which the URL says everything.
func ExampleNew() {
	io, err := socketio.NewServer(socketio.Config{
		Adapter: nats.New(nats.Config{URL: "nats://127.0.0.1:1?prefix=chat"}),
	})
	if err != nil { // nobody listens there
		fmt.Println(err)
		return
	}
	io.OnConnection(func(s *socketio.Socket) { s.Join("lobby") })
	// Output:
	// socketio: invalid configuration: Adapter: other servers cannot be reached: nats at 127.0.0.1:1: no servers available for connection
}

func ExampleParseURL() {
	c, err := nats.ParseURL("tls://user:secret@host1,host2:4223?prefix=chat&mode=static")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Addrs, c.Username, c.TLS != nil, c.Prefix, c.SubscriptionMode)
	// Output:
	// [host1:4222 host2:4223] user true chat static
}

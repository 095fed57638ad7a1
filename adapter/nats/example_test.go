package nats_test

import (
	"errors"
	"fmt"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
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

// With JetStream clients can be recovered on any server.
func ExampleNew_jetStream() {
	io, err := socketio.NewServer(socketio.Config{
		Adapter:                 nats.New(nats.Config{URL: "nats+jetstream://127.0.0.1:1?replicas=3"}),
		ConnectionStateRecovery: &socketio.ConnectionStateRecovery{},
	})
	if err != nil { // nobody listens there
		fmt.Println(errors.Is(err, adapter.ErrBroker))
		return
	}
	io.OnConnection(func(s *socketio.Socket) { fmt.Println(s.Recovered()) })
	// Output:
	// true
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

// A broker can be wrapped before a node uses it.
func ExampleNewBroker() {
	broker, err := nats.NewBroker(nats.Config{URL: "nats://127.0.0.1:4222", Name: "the one in the cellar"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(broker.Stats().Broker)
	_ = adapter.NewNode(broker, adapter.ClusterConfig{})
	// Output:
	// nats core at the one in the cellar
}

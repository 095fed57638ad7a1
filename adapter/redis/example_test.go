package redis_test

import (
	"fmt"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter/redis"
)

// A server in a cluster over Redis, of which the URL says everything.
func ExampleNew() {
	io, err := socketio.NewServer(socketio.Config{
		Adapter: redis.New(redis.Config{URL: "redis://127.0.0.1:1?key=chat"}),
	})
	if err != nil { // nobody listens there
		fmt.Println(err)
		return
	}
	io.OnConnection(func(s *socketio.Socket) { s.Join("lobby") })
	// Output:
	// socketio: invalid configuration: Adapter: other servers cannot be reached: redis at 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused
}

// With a client of one's own, which is not closed.
func ExampleNew_client() {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"127.0.0.1:1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	io := socketio.New(socketio.Config{
		Adapter: redis.New(redis.Config{Client: client, Wire: redis.Sharded}),
	})
	io.OnConnection(func(s *socketio.Socket) { s.Join("lobby") })
	// Output:
	// dial tcp 127.0.0.1:1: connect: connection refused
}

func ExampleParseURL() {
	c, err := redis.ParseURL("rediss+sharded://user:secret@host1:6379,host2:6379?key=chat&mode=static")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Addrs, c.Username, c.TLS != nil, c.Wire, c.Prefix, c.SubscriptionMode)
	// Output:
	// [host1:6379 host2:6379] user true sharded chat static
}

package socketio_test

import (
	"context"
	"fmt"
	"runtime"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/internal/rawclient"
)

func ExampleServer_ServerSideEmit() {
	io := socketio.New(socketio.Config{})
	// There is no other server: nobody hears it.
	fmt.Println(io.ServerSideEmit("reload", "config"))
	// Output: <nil>
}

func ExampleServer_ServerSideEmitWithAck() {
	io := socketio.New(socketio.Config{})
	// What another server does when it is asked: it answers.
	io.OnServerSideEmit("load", func(e *socketio.ServerSideEvent) error { return e.Ack(len(io.Sockets())) })

	all, _ := io.ServerCount(context.Background())
	servers := 1 // this one
	for reply, err := range io.ServerSideEmitWithAck(context.Background(), "load") {
		if err != nil {
			fmt.Println("some did not answer:", err)
			break
		}
		fmt.Println("another server has", reply.Args(), "sockets")
		servers++
	}
	fmt.Println(servers, "of", all, "server")
	// Output: 1 of 1 server
}

// Two servers; in production they are two processes, and the adapter goes over a broker.
func ExampleServer_OnServerSideEmit() {
	bus := adaptertest.NewBus()
	one := socketio.New(socketio.Config{Adapter: bus.Adapter(adapter.ClusterConfig{})})
	two := socketio.New(socketio.Config{Adapter: bus.Adapter(adapter.ClusterConfig{})})
	defer func() {
		_ = one.Shutdown(context.Background())
		_ = two.Shutdown(context.Background())
	}()
	two.OnServerSideEmit("reload", func(e *socketio.ServerSideEvent) error {
		var what string
		if err := e.Decode(&what); err != nil {
			return err
		}
		fmt.Println("the other server says: reload", what)
		return e.Ack("done")
	})
	for n := 0; n < 2; n, _ = one.ServerCount(context.Background()) { // until they know each other
		runtime.Gosched()
	}
	for reply, err := range one.ServerSideEmitWithAck(context.Background(), "reload", "prices") {
		fmt.Println(reply.Args(), err)
	}
	// Output:
	// the other server says: reload prices
	// [done] <nil>
}

func ExampleServer_OnRooms() {
	io := socketio.New(socketio.Config{})
	io.OnRooms(socketio.RoomHooks{
		Create: func(room string) {
			if room == "tea" { // and not the room that each socket is in
				fmt.Println("the first one for tea")
			}
		},
		Delete: func(room string) {
			if room == "tea" {
				fmt.Println("no more tea")
			}
		},
	})
	io.Handle("tea", func(e *socketio.Event) error {
		e.Socket().Join("tea")
		e.Socket().Leave("tea")
		return e.Ack()
	})
	rawclient.Visit(io, 1, `420["tea"]`)
	// Output:
	// the first one for tea
	// no more tea
	// 30[]
}

func ExampleServer_AllSockets() {
	io := socketio.New(socketio.Config{})
	v := rawclient.Enter(io)
	defer v.Leave()
	ids, err := io.In("lobby").AllSockets(context.Background())
	fmt.Println(len(ids), err)
	ids, err = io.AllSockets(context.Background())
	fmt.Println(len(ids), err)
	// Output:
	// 0 <nil>
	// 1 <nil>
}

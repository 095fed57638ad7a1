package socketio_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

func ExampleServer_Emit() {
	io := socketio.New(socketio.Config{})
	a, b := rawclient.Enter(io), rawclient.Enter(io)
	defer a.Leave()
	defer b.Leave()
	if err := io.Emit("news", map[string]any{"n": 1, "data": []byte{7}}); err != nil {
		log.Print(err)
	}
	a.Print(2)
	b.Print(2)
	// Output:
	// 51-["news",{"data":{"_placeholder":true,"num":0},"n":1}]
	// binary: [7]
	// 51-["news",{"data":{"_placeholder":true,"num":0},"n":1}]
	// binary: [7]
}

func ExampleServer_To() {
	io := socketio.New(socketio.Config{})
	a, b := rawclient.Enter(io), rawclient.Enter(io)
	defer a.Leave()
	defer b.Leave()
	for i, s := range io.Sockets() {
		s.Join("all", fmt.Sprint("room", i))
	}
	_ = io.To("all").Except("room1").Emit("first", 1)
	_ = io.In("room0", "room1").Local().Compress(false).Send("second")
	_ = io.To("nobody").Emit("never")
	a.Print(2)
	b.Print(1)
	// Output:
	// 2["first",1]
	// 2["message","second"]
	// 2["message","second"]
}

func ExampleServer_Volatile() {
	io := socketio.New(socketio.Config{})
	// A client that cannot take it now does not get it later.
	err := io.Volatile().Emit("position", 1, 2)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleServer_EmitWithAck() {
	io := socketio.New(socketio.Config{})
	v := rawclient.Enter(io)
	defer v.Leave()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for reply, err := range io.Timeout(5*time.Second).EmitWithAck(context.Background(), "vote", "lunch?") {
			if err != nil {
				fmt.Println(err) // somebody disconnected, or time is up
				continue
			}
			fmt.Println(reply.Args()...)
		}
	}()
	v.Print(1)
	v.Send(`430["yes"]`) // the answer to the event with id 0
	<-done
	// Output:
	// 20["vote","lunch?"]
	// yes
}

func ExampleServer_FetchSockets() {
	io := socketio.New(socketio.Config{})
	v := rawclient.Enter(io)
	defer v.Leave()
	_ = io.SocketsJoin("lobby", "hall")
	_ = io.In("lobby").SocketsLeave("hall")
	for s, err := range io.In("lobby").FetchSockets(context.Background()) {
		if err != nil {
			log.Print(err)
			continue
		}
		fmt.Println(len(s.Rooms()), "rooms")
	}
	_ = io.In("lobby").DisconnectSockets(true)
	v.Print(2)
	// Output:
	// 2 rooms
	// 1
	// the connection was closed
}

func ExampleCall() {
	io := socketio.New(socketio.Config{})
	socketio.On(io, "start", func(e *socketio.Event, fruit string) error {
		n, err := socketio.Call[int](e.Context(), e.Socket(), "how many", fruit) // waits for the client
		if err != nil {
			return err
		}
		return e.Socket().Emit("thanks", n)
	})
	v := rawclient.Enter(io)
	defer v.Leave()
	v.Send(`42["start","apples"]`)
	v.Print(1)
	v.Send(`430[5]`)
	v.Print(1)
	// Output:
	// 20["how many","apples"]
	// 2["thanks",5]
}

func ExampleSocket_EmitWithAckFunc() {
	io := socketio.New(socketio.Config{})
	done := make(chan struct{})
	socketio.On0(io, "start", func(e *socketio.Event) error {
		return e.Socket().EmitWithAckFunc("ready?", func(r socketio.Reply, err error) {
			fmt.Println(r.Args(), err) // some time later; the handler has returned
			close(done)
		}, "sure?")
	})
	v := rawclient.Enter(io)
	defer v.Leave()
	v.Send(`42["start"]`)
	v.Print(1)
	v.Send(`430["yes"]`)
	<-done
	// Output:
	// 20["ready?","sure?"]
	// [yes] <nil>
}

func ExampleRemoteSocket() {
	io := socketio.New(socketio.Config{})
	v := rawclient.Enter(io)
	defer v.Leave()
	for s, err := range io.FetchSockets(context.Background()) {
		if err != nil {
			fmt.Println("a server did not answer:", err)
			continue
		}
		_, here := s.Local()
		fmt.Println(here, s.Handshake().Query().Get("name"), s.Handshake().Header().Get("Upgrade"))
		_ = s.Join("tea")
		_ = s.Emit("welcome")
		_ = s.Disconnect(true)
	}
	v.Print(2)
	// Output:
	// true ann websocket
	// 2["welcome"]
	// 1
}

func ExampleReply_SocketID() {
	io := socketio.New(socketio.Config{})
	v := rawclient.Enter(io)
	defer v.Leave()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for reply, err := range io.EmitWithAck(context.Background(), "ready?") {
			_, connected := io.Socket(reply.SocketID())
			fmt.Println(reply.Args(), connected, err)
		}
	}()
	v.Print(1)
	v.Send(`430["yes"]`)
	<-done
	// Output:
	// 20["ready?"]
	// [yes] true <nil>
}

func ExampleServer_AllRooms() {
	io := socketio.New(socketio.Config{})
	io.OnConnection(func(s *socketio.Socket) { s.Join("tea") })
	v := rawclient.Enter(io)
	defer v.Leave()
	for _, room := range io.AllRooms() {
		if _, own := io.Socket(room); !own { // each socket is in a room of its own
			fmt.Println(io.RoomLen(room), "for", room)
		}
	}
	// Output: 1 for tea
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

// Whatever can be sent with, and whoever can be asked.
func ExampleEmitter() {
	greet := func(to socketio.Emitter) { _ = to.Emit("hello") }
	ask := func(who socketio.Asker) error {
		_, err := socketio.Call[int](context.Background(), who, "age")
		return err
	}
	io := socketio.New(socketio.Config{})
	v := rawclient.Enter(io)
	defer v.Leave()
	var room socketio.Operator = io.To(io.Sockets()[0].ID())
	var one socketio.Sender = io.Sockets()[0].Timeout(0)
	greet(io)
	greet(room)
	for s, err := range io.FetchSockets(context.Background()) {
		var anywhere socketio.RemoteSocket = s
		greet(anywhere)
		fmt.Println(err, ask(one))
	}
	v.Print(3)
	// Output:
	// <nil> socketio: operation has timed out
	// 2["hello"]
	// 2["hello"]
	// 2["hello"]
}

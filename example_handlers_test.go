package socketio_test

import (
	"context"
	"fmt"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

func ExampleOn() {
	type Message struct{ Room, Text string }
	io := socketio.New(socketio.Config{})
	io.OnConnection(func(s *socketio.Socket) { s.Join("tea") })
	socketio.On(io, "message", func(_ *socketio.Event, m Message) error {
		return io.To(m.Room).Emit("message", m)
	})
	rawclient.Visit(io, 1, `42["message",{"room":"tea","text":"hi"}]`)
	// Output: 2["message",{"Room":"tea","Text":"hi"}]
}

func ExampleOn0() {
	io := socketio.New(socketio.Config{})
	socketio.On0(io, "refresh", func(e *socketio.Event) error {
		return e.Socket().Emit("prices", 1, 2)
	})
	rawclient.Visit(io, 2, `420["refresh"]`)
	// Output:
	// 2["prices",1,2]
	// 30[]
}

func ExampleOn2() {
	io := socketio.New(socketio.Config{})
	socketio.On2(io, "move", func(e *socketio.Event, x, y int) error { return e.Socket().Emit("at", x, y) })
	rawclient.Visit(io, 1, `42["move",3,4]`)
	// Output: 2["at",3,4]
}

func ExampleOn3() {
	io := socketio.New(socketio.Config{})
	socketio.On3(io, "file", func(e *socketio.Event, name string, size int, tags []string) error {
		return e.Ack(fmt.Sprint(name, " ", size, " ", tags))
	})
	rawclient.Visit(io, 1, `421["file","a.txt",10,["x"]]`)
	// Output: 31["a.txt 10 [x]"]
}

func ExampleOnCall() {
	io := socketio.New(socketio.Config{})
	socketio.OnCall(io, "divide", func(_ *socketio.Event, n [2]int) (int, error) {
		if n[1] == 0 {
			return 0, &socketio.Error{Message: "division by zero"}
		}
		return n[0] / n[1], nil
	})
	rawclient.Visit(io, 3, `421["divide",[6,2]]`, `422["divide",[6,0]]`, `423["divide","six"]`)
	// Output:
	// 31[3]
	// 32[{"error":{"message":"division by zero"}}]
	// 33[{"error":{"message":"invalid arguments"}}]
}

func ExampleOnCall0() {
	io := socketio.New(socketio.Config{})
	socketio.OnCall0(io, "rooms", func(e *socketio.Event) (int, error) { return len(e.Socket().Rooms()), nil })
	rawclient.Visit(io, 1, `421["rooms"]`)
	// Output: 31[1]
}

func ExampleOnCall2() {
	io := socketio.New(socketio.Config{})
	socketio.OnCall2(io, "add", func(_ *socketio.Event, a, b int) (int, error) { return a + b, nil })
	rawclient.Visit(io, 1, `420["add",2,3]`)
	// Output: 30[5]
}

func ExampleOnCall3() {
	io := socketio.New(socketio.Config{})
	socketio.OnCall3(io, "clamp", func(_ *socketio.Event, v, low, high int) (int, error) {
		if low > high {
			return 0, &socketio.Error{Message: "low is above high"}
		}
		return max(low, min(v, high)), nil
	})
	rawclient.Visit(io, 2, `420["clamp",9,1,5]`, `421["clamp",9,5,1]`)
	// Output:
	// 30[5]
	// 31[{"error":{"message":"low is above high"}}]
}

func ExampleOnce() {
	io := socketio.New(socketio.Config{})
	io.OnConnection(func(s *socketio.Socket) {
		socketio.On(socketio.Once(s), "name", func(e *socketio.Event, name string) error { // socket.once("name", ...)
			return e.Socket().Emit("welcome", name)
		})
	})
	rawclient.Visit(io, 1, `42["name","ann"]`, `42["name","bob"]`)
	// Output: 2["welcome","ann"]
}

func ExampleServer_Handle() {
	io := socketio.New(socketio.Config{})
	io.Handle("raw", func(e *socketio.Event) error {
		var name string
		var data []byte
		if err := e.Decode(&name, &data); err != nil {
			return err
		}
		return e.Ack(name, len(data))
	})
	v := rawclient.Enter(io)
	defer v.Leave()
	v.Send(`451-1["raw","picture",{"_placeholder":true,"num":0}]`)
	v.SendBinary([]byte{1, 2, 3})
	v.Print(1)
	io.Off("raw")
	// Output: 31["picture",3]
}

func ExampleServer_OnAny() {
	io := socketio.New(socketio.Config{})
	io.OnAny(func(e *socketio.Event) { fmt.Println("in:", e.Name(), e.Args()) })
	io.OnAnyOutgoing(func(_ *socketio.Socket, event string, args []any) { fmt.Println("out:", event, args) })
	io.Handle("ping", func(e *socketio.Event) error { return e.Socket().Emit("pong", 1) })
	rawclient.Visit(io, 1, `42["ping","x"]`)
	// Output:
	// in: ping [x]
	// out: pong [1]
	// 2["pong",1]
}

func ExampleServer_PrependAnyOutgoing() {
	io := socketio.New(socketio.Config{})
	io.OnAnyOutgoing(func(_ *socketio.Socket, event string, args []any) { fmt.Println("sent", event, args) })
	off := io.PrependAnyOutgoing(func(_ *socketio.Socket, event string, _ []any) { fmt.Println("before that,", event) })
	v := rawclient.Enter(io)
	defer v.Leave()
	_ = io.Emit("tick", 1)
	off()
	_ = io.Emit("tick", 2)
	// Output:
	// before that, tick
	// sent tick [1]
	// sent tick [2]
}

func ExampleEventOf() {
	type Message struct{ Text string }
	const Said = socketio.EventOf[Message]("said")

	io := socketio.New(socketio.Config{})
	Said.On(io, func(e *socketio.Event, m Message) error { return Said.Emit(io, m) })
	rawclient.Visit(io, 1, `42["said",{"Text":"hi"}]`)
	// Output: 2["said",{"Text":"hi"}]
}

func ExampleCallOf() {
	const age = socketio.CallOf[string, int]("age") // declared once

	io := socketio.New(socketio.Config{})
	age.On(io, func(_ *socketio.Event, name string) (int, error) { return len(name), nil })
	v := rawclient.Enter(io)
	defer v.Leave()
	v.Send(`420["age","ann"]`)
	v.Print(1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		n, err := age.Call(context.Background(), io.Sockets()[0], "bob")
		fmt.Println(n, err)
	}()
	v.Print(1)
	v.Send(`430[42]`)
	<-done
	// Output:
	// 30[3]
	// 20["age","bob"]
	// 42 <nil>
}

func ExampleEvent_AckLater() {
	io := socketio.New(socketio.Config{})
	jobs := make(chan *socketio.Event)
	socketio.On(io, "render", func(e *socketio.Event, _ string) error {
		e.AckLater() // the client waits, the later events of this socket do not
		jobs <- e
		return nil
	})
	go func() {
		for e := range jobs {
			_ = e.Ack("rendered")
		}
	}()
	rawclient.Visit(io, 1, `420["render","a"]`)
	close(jobs)
	// Output: 30["rendered"]
}

func ExampleNewKey() {
	visits := socketio.NewKey[int]("visits")
	io := socketio.New(socketio.Config{})
	io.Handle("visit", func(e *socketio.Event) error {
		n, _ := visits.Get(e.Socket())
		visits.Set(e.Socket(), n+1)
		return e.Ack(n + 1)
	})
	rawclient.Visit(io, 2, `420["visit"]`, `421["visit"]`)
	// Output:
	// 30[1]
	// 31[2]
}

func ExampleNewSharedKey() {
	// Declared once, with the same name in every program of the cluster.
	username := socketio.NewSharedKey[string]("username")

	io := socketio.New(socketio.Config{})
	io.Use(func(s *socketio.Socket) error {
		username.Set(s, s.Handshake().Query().Get("name"))
		return nil
	})
	v := rawclient.Enter(io) // connects with ?name=ann
	defer v.Leave()
	for s, err := range io.FetchSockets(context.Background()) { // of all servers
		name, ok := username.GetRemote(s)
		fmt.Println(name, ok, err, string(s.Data()))
	}
	// Output: ann true <nil> {"username":"ann"}
}

// Handlers of one's own for whatever they are registered on, with a value that each socket has.
func ExampleRegistrar() {
	counter := func(r socketio.Registrar, key *socketio.Key[int]) (off func()) {
		return socketio.OnCall0(r, "count", func(e *socketio.Event) (int, error) {
			n, _ := key.Get(e.Socket())
			key.Set(e.Socket(), n+1)
			return n + 1, nil
		})
	}
	io := socketio.New(socketio.Config{})
	off := counter(io, socketio.NewKey[int]("count")) // or io.Of("/chat"), or a socket
	rawclient.Visit(io, 2, `420["count"]`, `421["count"]`)
	off()
	// Output:
	// 30[1]
	// 31[2]
}

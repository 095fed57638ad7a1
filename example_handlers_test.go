package socketio_test

import (
	"context"
	"fmt"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

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

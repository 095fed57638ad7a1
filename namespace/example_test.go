package namespace_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
	"github.com/gosocketio/socketio/namespace"
)

// In the examples, package rawclient stands for a client: packets are shown as they go over the wire, where 2 is an event, 3
// an acknowledgement and 1 a disconnect. Programs use package socketio, which does what newExample does.

// newExample makes a hub and the engine that feeds it.
func newExample() (*namespace.Namespace, *engineio.Server) {
	hub, engine := assemble()
	return hub.Of("/"), engine
}

func assemble() (*namespace.Hub, *engineio.Server) {
	hub, err := namespace.New(namespace.Config{Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	engine, err := hub.Engine(engineio.Config{Path: "/socket.io/", Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	return hub, engine
}

func ExampleNew() {
	hub, err := namespace.New(namespace.Config{ConnectTimeout: 10 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	engine, err := hub.Engine(engineio.Config{Path: "/socket.io/"})
	if err != nil {
		log.Fatal(err)
	}
	hub.Of("/").OnConnection(func(s *namespace.Socket) { _ = s.Emit("welcome") })
	rawclient.Visit(engine, 1)
	if err := hub.Shutdown(context.Background()); err != nil {
		log.Print(err)
	}
	// Output: 2["welcome"]
}

func ExampleHub_Of() {
	hub, engine := assemble()
	hub.Of("chat").Handle("hi", func(e *namespace.Event) error { return e.Ack("in " + e.Socket().Namespace().Name()) })
	v := rawclient.Enter(engine, "/chat")
	defer v.Leave()
	v.Send(`42/chat,0["hi"]`)
	v.Print(1)
	for _, ns := range hub.Namespaces() {
		fmt.Println(ns.Name())
	}
	// Output:
	// 3/chat,0["in /chat"]
	// /
	// /chat
}

func ExampleNamespace_Use() {
	hub, engine := assemble()
	hub.Of("/bobs").Use(func(s *namespace.Socket) error {
		if s.Handshake().Query().Get("name") != "bob" {
			return &namespace.Error{Message: "only for Bob", Data: "sorry"}
		}
		return nil
	})
	rawclient.Visit(engine, 1, `40/bobs`)
	// Output: 4/bobs,{"message":"only for Bob","data":"sorry"}
}

func ExampleEvent_Decode() {
	main, engine := newExample()
	main.Handle("move", func(e *namespace.Event) error {
		var who string
		var to struct{ X, Y int }
		if err := e.Decode(&who, &to); err != nil {
			return err // the client is answered "invalid arguments", if it asked
		}
		return e.Ack(who, to.X+to.Y, e.Len())
	})
	rawclient.Visit(engine, 2, `420["move","ann",{"x":1,"y":2},"extra"]`, `421["move"]`)
	// Output:
	// 30["ann",3,3]
	// 31[{"error":{"message":"invalid arguments"}}]
}

func ExampleEvent_Ack() {
	main, engine := newExample()
	main.Handle("later", func(e *namespace.Event) error {
		if e.WantsAck() {
			e.AckLater()
			go func() { _ = e.Ack("done", 1) }() // from anywhere, at any time
		}
		return nil
	})
	rawclient.Visit(engine, 1, `420["later"]`)
	// Output: 30["done",1]
}

func ExampleEvent_Args() {
	main, engine := newExample()
	main.Handle("echo", func(e *namespace.Event) error { return e.Socket().Emit("echo", e.Args()...) })
	rawclient.Visit(engine, 1, `42["echo",1,"two",{"three":null}]`)
	// Output: 2["echo",1,"two",{"three":null}]
}

func ExampleOperator_Emit() {
	main, engine := newExample()
	a, b := rawclient.Enter(engine), rawclient.Enter(engine)
	defer a.Leave()
	defer b.Leave()
	main.Sockets()[0].Join("odd")
	odd := main.To("odd") // may be kept
	_ = errors.Join(
		odd.Emit("to odd"),
		main.Except("odd").Emit("to the others"),
		odd.Local().Compress(false).Send("hi"),
	)
	a.Print(2)
	b.Print(1)
	// Output:
	// 2["to odd"]
	// 2["message","hi"]
	// 2["to the others"]
}

func ExampleOperator_EmitWithAck() {
	main, engine := newExample()
	a, b := rawclient.Enter(engine), rawclient.Enter(engine)
	defer b.Leave()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for reply, err := range main.Timeout(time.Minute).EmitWithAck(context.Background(), "vote") {
			var gone *namespace.DisconnectError
			switch {
			case errors.As(err, &gone):
				fmt.Println("somebody left:", gone.Reason)
			case err != nil:
				fmt.Println("not all answered:", err)
			default:
				fmt.Println("answer:", reply.Args())
			}
		}
	}()
	a.Print(1)
	b.Print(1)
	a.Send("41")
	a.Leave()
	b.Send(`430["yes"]`)
	<-done
	// Unordered output:
	// 20["vote"]
	// 20["vote"]
	// somebody left: client namespace disconnect
	// answer: [yes]
}

func ExampleOperator_FetchSockets() {
	main, engine := newExample()
	v := rawclient.Enter(engine)
	defer v.Leave()
	for s, err := range main.Local().FetchSockets(context.Background()) {
		if err != nil {
			log.Print(err)
			continue
		}
		_ = errors.Join(s.Join("a", "b"), s.Leave("a"), s.Emit("fetched"), s.Disconnect(false))
	}
	v.Print(2)
	// Output:
	// 2["fetched"]
	// 1
}

func ExampleOperator_SocketsJoin() {
	main, engine := newExample()
	v := rawclient.Enter(engine)
	defer v.Leave()
	_ = errors.Join(
		main.Local().SocketsJoin("a", "b"),
		main.In("a").SocketsLeave("b"),
		main.To("b").Emit("never"),
		main.To("a").DisconnectSockets(false),
	)
	v.Print(1)
	// Output: 1
}

func ExampleHandshake_DecodeAuth() {
	main, engine := newExample()
	main.OnConnection(func(s *namespace.Socket) {
		var auth struct{ Token string }
		if err := s.Handshake().DecodeAuth(&auth); err == nil {
			_ = s.Emit("token", auth.Token)
		}
	})
	v := rawclient.Enter(engine, []string{"/"}...)
	defer v.Leave()
	v.Print(1)
	v.Send("41")
	v.Join("/", `{"token":"t"}`)
	v.Print(1)
	// Output:
	// 2["token",""]
	// 2["token","t"]
}

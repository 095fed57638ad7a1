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

func ExampleSocket_Emit() {
	main, engine := newExample()
	main.OnConnection(func(s *namespace.Socket) {
		err := errors.Join(
			s.Emit("text", "a", 1, []string{"x"}),
			s.Emit("binary", map[string][]byte{"data": {1, 2}}),
			s.Send("a message"),
			s.Compress(false).Emit("plain"),
		)
		fmt.Println(err, s.Emit("connect") != nil)
	})
	rawclient.Visit(engine, 5)
	// Output:
	// <nil> true
	// 2["text","a",1,["x"]]
	// 51-["binary",{"data":{"_placeholder":true,"num":0}}]
	// binary: [1 2]
	// 2["message","a message"]
	// 2["plain"]
}

func ExampleSocket_EmitWithAck() {
	main, engine := newExample()
	main.Handle("start", func(e *namespace.Event) error {
		reply, err := e.Socket().Timeout(5*time.Second).EmitWithAck(e.Context(), "name?")
		if err != nil {
			return err // namespace.ErrTimeout, the end of the context, or of the socket
		}
		var first, last string
		if err := reply.Decode(&first, &last); err != nil {
			return err
		}
		return e.Socket().Emit("hello", first+" "+last)
	})
	v := rawclient.Enter(engine)
	defer v.Leave()
	v.Send(`42["start"]`)
	v.Print(1)
	v.Send(`430["Ann","Lee"]`)
	v.Print(1)
	// Output:
	// 20["name?"]
	// 2["hello","Ann Lee"]
}

func ExampleSocket_Join() {
	main, engine := newExample()
	main.Handle("join", func(e *namespace.Event) error {
		e.Socket().Join("tea", "coffee")
		e.Socket().Leave("coffee")
		return e.Ack(len(e.Socket().Rooms())) // the room named after its id is one of them
	})
	v := rawclient.Enter(engine)
	defer v.Leave()
	v.Send(`420["join"]`)
	v.Print(1)
	_ = main.To("tea").Emit("ready")
	v.Print(1)
	// Output:
	// 30[2]
	// 2["ready"]
}

func ExampleSocket_To() {
	main, engine := newExample()
	main.OnConnection(func(s *namespace.Socket) { s.Join("room") })
	main.Handle("say", func(e *namespace.Event) error {
		s := e.Socket()
		return errors.Join(
			s.To("room").Emit("said", e.Args()...), // to the room without the sender
			s.Broadcast().Emit("somebody spoke"),   // to everybody without the sender
			s.Except("room").Emit("never"),
			s.Emit("done"),
		)
	})
	a, b := rawclient.Enter(engine), rawclient.Enter(engine)
	defer a.Leave()
	defer b.Leave()
	a.Send(`42["say","hi"]`)
	a.Print(1)
	b.Print(2)
	// Output:
	// 2["done"]
	// 2["said","hi"]
	// 2["somebody spoke"]
}

func ExampleSocket_Handle() {
	main, engine := newExample()
	main.OnConnection(func(s *namespace.Socket) {
		count := 0 // state of this socket
		s.Handle("count", func(e *namespace.Event) error {
			count++
			if count == 2 {
				s.Off("count")
			}
			return e.Ack(count)
		})
	})
	rawclient.Visit(engine, 2, `420["count"]`, `421["count"]`, `422["count"]`)
	// Output:
	// 30[1]
	// 31[2]
}

func ExampleSocket_Use() {
	main, engine := newExample()
	main.OnConnection(func(s *namespace.Socket) {
		s.Use(func(e *namespace.Event) error {
			if e.Name() == "old name" {
				return e.Rewrite("new name", e.Args()...)
			}
			if e.Name() == "secret" {
				return &namespace.Error{Message: "not for you"}
			}
			return nil
		})
	})
	main.Handle("new name", func(e *namespace.Event) error { return e.Ack(e.Args()...) })
	rawclient.Visit(engine, 2, `420["old name",1]`, `421["secret"]`)
	// Output:
	// 30[1]
	// 31[{"error":{"message":"not for you"}}]
}

func ExampleSocket_OnAny() {
	main, engine := newExample()
	main.OnConnection(func(s *namespace.Socket) {
		off := s.OnAny(func(e *namespace.Event) { fmt.Println("any:", e.Name()) })
		s.PrependAny(func(e *namespace.Event) { fmt.Println("first:", e.Name()) })
		s.Handle("off", func(e *namespace.Event) error { off(); return e.Ack() })
	})
	rawclient.Visit(engine, 2, `420["off"]`, `421["off"]`)
	// Unordered output:
	// first: off
	// any: off
	// first: off
	// 30[]
	// 31[]
}

func ExampleSocket_OnAnyOutgoing() {
	main, engine := newExample()
	main.OnConnection(func(s *namespace.Socket) {
		s.OnAnyOutgoing(func(_ *namespace.Socket, event string, args []any) { fmt.Println("out:", event, args) })
		_ = s.Emit("a", 1)
		_ = main.Emit("b", 2)
	})
	rawclient.Visit(engine, 2)
	// Output:
	// out: a [1]
	// out: b [2]
	// 2["a",1]
	// 2["b",2]
}

func ExampleSocket_Disconnect() {
	main, engine := newExample()
	done := make(chan struct{})
	main.OnConnection(func(s *namespace.Socket) {
		s.OnDisconnecting(func(s *namespace.Socket, _ namespace.Reason) { fmt.Println(len(s.Rooms()), "room") })
		s.OnDisconnect(func(s *namespace.Socket, reason namespace.Reason) {
			fmt.Println(reason, s.Connected(), errors.Is(context.Cause(s.Context()), namespace.ErrClosed))
			close(done)
		})
	})
	main.Handle("bye", func(e *namespace.Event) error { e.Socket().Disconnect(true); return nil })
	v := rawclient.Enter(engine)
	defer v.Leave()
	v.Send(`42["bye"]`)
	<-done
	v.Print(2)
	// Output:
	// 1 room
	// server namespace disconnect false true
	// 1
	// the connection was closed
}

func ExampleSocket_Volatile() {
	main, engine := newExample()
	main.Handle("where", func(e *namespace.Event) error {
		// Dropped when the client cannot take it at this moment.
		return e.Socket().Volatile().Emit("position", 1, 2)
	})
	rawclient.Visit(engine, 0, `42["where"]`)
	// Output:
}

func ExampleSocket_SetValue() {
	type nameKey struct{}
	main, engine := newExample()
	main.Use(func(s *namespace.Socket) error {
		s.SetValue(nameKey{}, s.Handshake().Query().Get("name"))
		return nil
	})
	main.OnConnection(func(s *namespace.Socket) {
		name, ok := s.Value(nameKey{})
		_ = s.Emit("hello", name, ok)
	})
	rawclient.Visit(engine, 1)
	// Output: 2["hello","ann",true]
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

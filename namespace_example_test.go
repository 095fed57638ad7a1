package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

func ExampleNamespace_Name() {
	io := socketio.New(socketio.Config{Logger: quiet})
	io.Of("chat").Handle("hi", func(e *socketio.Event) error { return e.Ack("in " + e.Socket().Namespace().Name()) })
	v := rawclient.Enter(io, "/chat")
	defer v.Leave()
	v.Send(`42/chat,0["hi"]`)
	v.Print(1)
	for _, ns := range io.Namespaces() {
		fmt.Println(ns.Name())
	}
	// Output:
	// 3/chat,0["in /chat"]
	// /
	// /chat
}

func ExampleNamespace_Use() {
	io := socketio.New(socketio.Config{Logger: quiet})
	io.Of("/bobs").Use(func(s *socketio.Socket) error {
		if s.Handshake().Query().Get("name") != "bob" {
			return &socketio.Error{Message: "only for Bob", Data: "sorry"}
		}
		return nil
	})
	rawclient.Visit(io, 1, `40/bobs`)
	// Output: 4/bobs,{"message":"only for Bob","data":"sorry"}
}

func ExampleEvent_Decode() {
	io := socketio.New(socketio.Config{Logger: quiet})
	io.Handle("move", func(e *socketio.Event) error {
		var who string
		var to struct{ X, Y int }
		if err := e.Decode(&who, &to); err != nil {
			return err // the client is answered "invalid arguments", if it asked
		}
		return e.Ack(who, to.X+to.Y, e.Len())
	})
	rawclient.Visit(io, 2, `420["move","ann",{"x":1,"y":2},"extra"]`, `421["move"]`)
	// Output:
	// 30["ann",3,3]
	// 31[{"error":{"message":"invalid arguments"}}]
}

func ExampleEvent_Ack() {
	io := socketio.New(socketio.Config{Logger: quiet})
	io.Handle("later", func(e *socketio.Event) error {
		if e.WantsAck() {
			e.AckLater()
			go func() { _ = e.Ack("done", 1) }() // from anywhere, at any time
		}
		return nil
	})
	rawclient.Visit(io, 1, `420["later"]`)
	// Output: 30["done",1]
}

func ExampleEvent_Args() {
	io := socketio.New(socketio.Config{Logger: quiet})
	io.Handle("echo", func(e *socketio.Event) error { return e.Socket().Emit("echo", e.Args()...) })
	rawclient.Visit(io, 1, `42["echo",1,"two",{"three":null}]`)
	// Output: 2["echo",1,"two",{"three":null}]
}

func ExampleOperator_Emit() {
	io := socketio.New(socketio.Config{Logger: quiet})
	a, b := rawclient.Enter(io), rawclient.Enter(io)
	defer a.Leave()
	defer b.Leave()
	io.Sockets()[0].Join("odd")
	odd := io.To("odd") // may be kept
	_ = errors.Join(
		odd.Emit("to odd"),
		io.Except("odd").Emit("to the others"),
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
	io := socketio.New(socketio.Config{Logger: quiet})
	a, b := rawclient.Enter(io), rawclient.Enter(io)
	defer b.Leave()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for reply, err := range io.Timeout(time.Minute).EmitWithAck(context.Background(), "vote") {
			var gone *socketio.DisconnectError
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
	io := socketio.New(socketio.Config{Logger: quiet})
	v := rawclient.Enter(io)
	defer v.Leave()
	for s, err := range io.Local().FetchSockets(context.Background()) {
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
	io := socketio.New(socketio.Config{Logger: quiet})
	v := rawclient.Enter(io)
	defer v.Leave()
	_ = errors.Join(
		io.Local().SocketsJoin("a", "b"),
		io.In("a").SocketsLeave("b"),
		io.To("b").Emit("never"),
		io.To("a").DisconnectSockets(false),
	)
	v.Print(1)
	// Output: 1
}

func ExampleHandshake_DecodeAuth() {
	io := socketio.New(socketio.Config{Logger: quiet})
	io.OnConnection(func(s *socketio.Socket) {
		var auth struct{ Token string }
		if err := s.Handshake().DecodeAuth(&auth); err == nil {
			_ = s.Emit("token", auth.Token)
		}
	})
	v := rawclient.Enter(io, []string{"/"}...)
	defer v.Leave()
	v.Print(1)
	v.Send("41")
	v.Join("/", `{"token":"t"}`)
	v.Print(1)
	// Output:
	// 2["token",""]
	// 2["token","t"]
}

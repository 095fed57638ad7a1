package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

func ExampleSocket_Emit() {
	io := socketio.New(socketio.Config{Logger: quiet})
	io.Handle("start", func(e *socketio.Event) error {
		s := e.Socket()
		return errors.Join(
			s.Emit("text", "a", 1, []string{"x"}),
			s.Emit("binary", map[string][]byte{"data": {1, 2}}),
			s.Send("a message"),
			s.Compress(false).Emit("plain"),
		)
	})
	rawclient.Visit(io, 5, `42["start"]`)
	// Output:
	// 2["text","a",1,["x"]]
	// 51-["binary",{"data":{"_placeholder":true,"num":0}}]
	// binary: [1 2]
	// 2["message","a message"]
	// 2["plain"]
}

func ExampleSocket_EmitWithAck() {
	io := socketio.New(socketio.Config{Logger: quiet})
	io.Handle("start", func(e *socketio.Event) error {
		reply, err := e.Socket().Timeout(5*time.Second).EmitWithAck(e.Context(), "name?")
		if err != nil {
			return err // socketio.ErrTimeout, the end of the context, or of the socket
		}
		var first, last string
		if err := reply.Decode(&first, &last); err != nil {
			return err
		}
		return e.Socket().Emit("hello", first+" "+last)
	})
	v := rawclient.Enter(io)
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
	io := socketio.New(socketio.Config{Logger: quiet})
	io.Handle("join", func(e *socketio.Event) error {
		e.Socket().Join("tea", "coffee")
		e.Socket().Leave("coffee")
		return e.Ack(len(e.Socket().Rooms())) // the room named after its id is one of them
	})
	v := rawclient.Enter(io)
	defer v.Leave()
	v.Send(`420["join"]`)
	v.Print(1)
	_ = io.To("tea").Emit("ready")
	v.Print(1)
	// Output:
	// 30[2]
	// 2["ready"]
}

func ExampleSocket_To() {
	io := socketio.New(socketio.Config{Logger: quiet})
	io.Use(func(s *socketio.Socket) error {
		s.Join("room") // in a middleware: before the client hears that it is connected
		return nil
	})
	io.Handle("say", func(e *socketio.Event) error {
		s := e.Socket()
		return errors.Join(
			s.To("room").Emit("said", e.Args()...), // to the room without the sender
			s.Broadcast().Emit("somebody spoke"),   // to everybody without the sender
			s.Except("room").Emit("never"),
			s.Emit("done"),
		)
	})
	a, b := rawclient.Enter(io), rawclient.Enter(io)
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
	io := socketio.New(socketio.Config{Logger: quiet})
	io.OnConnection(func(s *socketio.Socket) {
		count := 0 // state of this socket
		s.Handle("count", func(e *socketio.Event) error {
			count++
			if count == 2 {
				s.Off("count")
			}
			return e.Ack(count)
		})
	})
	rawclient.Visit(io, 2, `420["count"]`, `421["count"]`, `422["count"]`)
	// Output:
	// 30[1]
	// 31[2]
}

func ExampleSocket_Use() {
	io := socketio.New(socketio.Config{Logger: quiet})
	io.OnConnection(func(s *socketio.Socket) {
		s.Use(func(e *socketio.Event) error {
			if e.Name() == "old name" {
				return e.Rewrite("new name", e.Args()...)
			}
			if e.Name() == "secret" {
				return &socketio.Error{Message: "not for you"}
			}
			return nil
		})
	})
	io.Handle("new name", func(e *socketio.Event) error { return e.Ack(e.Args()...) })
	rawclient.Visit(io, 2, `420["old name",1]`, `421["secret"]`)
	// Output:
	// 30[1]
	// 31[{"error":{"message":"not for you"}}]
}

func ExampleSocket_OnAny() {
	io := socketio.New(socketio.Config{Logger: quiet})
	io.OnConnection(func(s *socketio.Socket) {
		off := s.OnAny(func(e *socketio.Event) { fmt.Println("any:", e.Name()) })
		s.PrependAny(func(e *socketio.Event) { fmt.Println("first:", e.Name()) })
		s.Handle("off", func(e *socketio.Event) error { off(); return e.Ack() })
	})
	rawclient.Visit(io, 2, `420["off"]`, `421["off"]`)
	// Unordered output:
	// first: off
	// any: off
	// first: off
	// 30[]
	// 31[]
}

func ExampleSocket_OnAnyOutgoing() {
	io := socketio.New(socketio.Config{Logger: quiet})
	io.OnConnection(func(s *socketio.Socket) {
		s.OnAnyOutgoing(func(_ *socketio.Socket, event string, args []any) { fmt.Println("out:", event, args) })
	})
	io.Handle("start", func(e *socketio.Event) error { return e.Socket().Emit("a", 1) })
	rawclient.Visit(io, 1, `42["start"]`)
	// Output:
	// out: a [1]
	// 2["a",1]
}

func ExampleSocket_Disconnect() {
	io := socketio.New(socketio.Config{Logger: quiet})
	done := make(chan struct{})
	io.OnConnection(func(s *socketio.Socket) {
		s.OnDisconnecting(func(s *socketio.Socket, _ socketio.Reason) { fmt.Println(len(s.Rooms()), "room") })
		s.OnDisconnect(func(s *socketio.Socket, reason socketio.Reason) {
			fmt.Println(reason, s.Connected(), errors.Is(context.Cause(s.Context()), socketio.ErrClosed))
			close(done)
		})
	})
	io.Handle("bye", func(e *socketio.Event) error { e.Socket().Disconnect(true); return nil })
	v := rawclient.Enter(io)
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
	io := socketio.New(socketio.Config{Logger: quiet})
	io.Handle("where", func(e *socketio.Event) error {
		// Dropped when the client cannot take it at this moment.
		return e.Socket().Volatile().Emit("position", 1, 2)
	})
	rawclient.Visit(io, 0, `42["where"]`)
	// Output:
}

func ExampleSocket_SetValue() {
	type nameKey struct{}
	io := socketio.New(socketio.Config{Logger: quiet})
	io.Use(func(s *socketio.Socket) error {
		s.SetValue(nameKey{}, s.Handshake().Query().Get("name"))
		return nil
	})
	io.OnConnection(func(s *socketio.Socket) {
		name, ok := s.Value(nameKey{})
		_ = s.Emit("hello", name, ok)
	})
	rawclient.Visit(io, 1)
	// Output: 2["hello","ann",true]
}

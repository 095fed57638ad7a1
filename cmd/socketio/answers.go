package main

import (
	"errors"
	"time"

	"github.com/gosocketio/socketio"
)

// maxBenchRooms limits the rooms that one client of the demo may join.
const maxBenchRooms = 1000

// answers adds the handlers that "socketio bench" needs, as the documentation of the package load lists them.
func answers(io *socketio.Server) {
	io.Handle("echo", func(e *socketio.Event) error { return e.Socket().Emit("echo", e.Args()...) })
	io.Handle("bin", func(e *socketio.Event) error { return e.Socket().Emit("bin", e.Args()...) })
	io.Handle("ack", func(e *socketio.Event) error { return e.Ack(e.Args()...) })
	io.Handle("broadcast", func(e *socketio.Event) error { return io.Emit("broadcast", e.Args()...) })
	io.Handle("ask-all", func(e *socketio.Event) error {
		n := 0
		for _, err := range io.Timeout(time.Minute).EmitWithAck(e.Context(), "ask", e.Args()...) {
			if err == nil {
				n++
			}
		}
		return e.Ack(n)
	})
	socketio.On(io, "join", func(e *socketio.Event, room string) error {
		if len(room) > maxFileName || len(e.Socket().Rooms()) >= maxBenchRooms {
			return errors.New("too many rooms, or too long a name")
		}
		e.Socket().Join(room)
		return e.Ack()
	})
	socketio.On(io, "room", func(e *socketio.Event, room string) error {
		return io.To(room).Emit("room", e.Args()[1:]...)
	})
}

// Package chat is the Socket.IO server that the recipes mount: who joins a room sees what is said there.
package chat

import "github.com/gosocketio/socketio"

// Message is what one says to a room.
type Message struct {
	Room string `json:"room"`
	Text string `json:"text"`
}

// New returns the server, to be mounted at /socket.io/.
func New(c socketio.Config) *socketio.Server {
	io := socketio.New(c)
	socketio.On(io, "join", func(e *socketio.Event, room string) error {
		e.Socket().Join(room)
		return e.Ack("welcome to " + room)
	})
	socketio.On(io, "message", func(_ *socketio.Event, m Message) error {
		return io.To(m.Room).Emit("message", m)
	})
	return io
}

package main

import "github.com/gosocketio/socketio"

// tutorials is what the first programs that people write against a Socket.IO server expect: a "message" on / or on /chat
// goes to everybody there.
func tutorials(io *socketio.Server) {
	io.Handle("message", func(e *socketio.Event) error { return io.Emit("message", e.Args()...) })
	chat := io.Of("/chat")
	chat.Handle("message", func(e *socketio.Event) error { return chat.Emit("message", e.Args()...) })
}

// Command socketio runs a Socket.IO server.
//
//	socketio serve [flags]
//	socketio health [URL]
//
// serve is the demo and a first server to build on: a chat page at /, the official client's files below the Socket.IO path,
// what the first tutorials expect on the namespaces / and /chat, and an echo for plain WebSockets at /chat. "socketio serve
// -h" lists the flags.
//
// chat.go is the part to copy, with tutorials.go as the shortest one. The rest is about flags, listening and stopping. It is
// not part of the library: nothing imports it.
//
// # Ownership
//
// serve.run owns the listener, the http.Server, the Socket.IO server and the echo, and ends them all. The goroutine of a
// plain WebSocket is that of its request; echo.Shutdown ends them. presence, backlog and echo each have one mutex that
// guards what they hold; nothing is sent or closed while it is held.
package main

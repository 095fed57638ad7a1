// Command socketio runs a Socket.IO server.
//
//	socketio serve [flags]
//	socketio health [URL]
//
// serve is a server with the official client's files below the Socket.IO path, and a page at / that says how to
// connect. With -demo that page is a chat; the namespaces / and /chat have what the first tutorials expect, and /chat
// echoes plain WebSockets. "socketio serve -h" lists the flags, and docs/serve.md too.
//
// The flags of a feature are a struct in a file of its own, such as relay, which serve embeds. Each of its methods is
// called by a method of serve: check for wrong values, run to start and stop it. options.go gives every flag its
// environment variable, and config.go its place in a YAML file; both know flags by name only.
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

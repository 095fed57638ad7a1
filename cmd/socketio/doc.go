// Command socketio runs a Socket.IO server.
//
//	socketio serve [flags]
//
// serve is the demo and a first server to build on: a chat page at /, the official client's files below the Socket.IO path,
// and what the first tutorials expect on the namespaces / and /chat. "socketio serve -h" lists the flags.
//
// chat.go is the part to copy. The rest is about flags, listening and stopping.
package main

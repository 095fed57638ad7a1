// Package chat is the page of the demo: HTML, CSS and JavaScript modules, embedded as they are.
//
// There is no build step. The server of the chat, namespace /demo, is cmd/socketio. The page loads
// the Socket.IO client from the server's path.
//
// [Handler] makes one copy of the page, which never changes. There are no locks and no goroutines.
package chat

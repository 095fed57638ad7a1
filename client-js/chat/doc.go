// Package chat is the page of the demo: HTML, CSS and JavaScript modules in this
// directory, embedded as they are. There is no build step.
//
// It is not the server of the chat: what the page says to the namespace /demo is
// answered by cmd/socketio. Nor does it hold the Socket.IO client, which the page
// loads from the server's path.
//
// [Handler] owns one copy of the page, made when it is called and immutable from
// then on. There are no locks and no goroutines.
package chat

package main

import (
	"net/http"

	"github.com/gosocketio/socketio"
	chatpage "github.com/gosocketio/socketio/client-js/chat"
)

// chatPath is where the demo answers a plain WebSocket, without Socket.IO.
const chatPath = "/chat"

// demo is the demo and its flag.
type demo struct {
	Demo bool `help:"Serve the demo too: a chat page at /, what the first tutorials expect, the events of \"socketio bench\", and an echo for plain WebSockets at /chat."`
}

// startDemo adds the handlers of the demo. Without -demo it does nothing.
func (d *demo) startDemo(sio *socketio.Server, node string) {
	if d.Demo {
		tutorials(sio)
		answers(sio)
		chat(sio.Of("/demo"), node)
	}
}

// demoPages serves the chat page, and the echo at chatPath.
func demoPages(path string, echo http.Handler) http.Handler {
	page := chatpage.Handler(path)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == chatPath {
			echo.ServeHTTP(w, r)
		} else {
			page.ServeHTTP(w, r)
		}
	})
}

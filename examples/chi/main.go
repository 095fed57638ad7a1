// Command chi mounts Socket.IO in a chi router, behind its middlewares.
package main

import (
	"io"
	"log"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/examples/chat"
)

func routes(server *socketio.Server) http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.RequestID, middleware.Recoverer)
	r.Mount("/socket.io/", server)
	r.Get("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "home") })
	return r
}

func main() {
	log.Fatal(http.ListenAndServe("127.0.0.1:3000", routes(chat.New(socketio.Config{})))) //nolint:gosec // a recipe; see nethttp for timeouts
}

// Command nethttp mounts Socket.IO beside other handlers of the standard library's mux.
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/examples/chat"
)

func routes(server *socketio.Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", server)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "home") })
	return mux
}

func main() {
	chat := chat.New(socketio.Config{})
	server := &http.Server{Addr: "127.0.0.1:3000", Handler: routes(chat), ReadHeaderTimeout: 10 * time.Second}
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	go func() {
		<-stop.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = chat.Shutdown(ctx) // first: the http.Server does not see WebSocket connections
		_ = server.Shutdown(ctx)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

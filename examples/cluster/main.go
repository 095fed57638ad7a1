// Command cluster is a chat on several servers, which share a Redis. Start it twice in the
// folder examples, with other addresses:
//
//	go run ./cluster -addr 127.0.0.1:3001
//	go run ./cluster -addr 127.0.0.1:3002
//
// A message reaches the clients of both. End one with kill -9: its clients come back on the other
// as the same sockets, and get what they missed.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter/redis"
)

func newServer(url string) (*socketio.Server, error) {
	io, err := socketio.NewServer(socketio.Config{
		Adapter:                 redis.New(redis.Config{URL: url}),
		ConnectionStateRecovery: &socketio.ConnectionStateRecovery{},
	})
	if err != nil {
		return nil, err // one line: what is wrong with the URL, or why Redis does not answer
	}
	socketio.OnCall(io, "join", func(e *socketio.Event, room string) (string, error) {
		e.Socket().Join(room)
		return "welcome to " + room, nil
	})
	socketio.On2(io, "message", func(_ *socketio.Event, room, text string) error {
		return io.To(room).Emit("message", text) // on all servers
	})
	return io, nil
}

func main() {
	addr := flag.String("addr", "127.0.0.1:3001", "address to listen on")
	url := flag.String("redis", "redis+streams://127.0.0.1:6379", "Redis and wire, see adapter/redis.ParseURL")
	flag.Parse()
	io, err := newServer(*url)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	server := &http.Server{Addr: *addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = io.Drain(ctx, socketio.DrainOptions{Over: 5 * time.Second}) // clients go to another server
		_ = io.Shutdown(ctx)
		_ = server.Shutdown(ctx)
	})
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

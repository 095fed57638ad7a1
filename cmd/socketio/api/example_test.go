package api_test

import (
	"log"
	"net/http"
	"os"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/cmd/socketio/api"
)

// The API is on a port of its own, which only backends reach.
func ExampleNew() {
	io := socketio.New(socketio.Config{})
	h, err := api.New(io, api.Config{Token: os.Getenv("API_TOKEN")}) // openssl rand -hex 32
	if err != nil {
		log.Fatal(err)
	}
	backends := http.NewServeMux()
	backends.Handle("/api/", h)
	go func() { log.Fatal(http.ListenAndServe("127.0.0.1:3002", backends)) }()

	http.Handle("/socket.io/", io)
	log.Fatal(http.ListenAndServe(":3001", nil))
}

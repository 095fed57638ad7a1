// Command tls serves Socket.IO over HTTPS: polling over HTTP/2 and wss, which the standard library chooses by itself. It is started with
// the files of a certificate and its key.
package main

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/examples/chat"
)

// newServer makes the http.Server.
func newServer(chat *socketio.Server) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", chat)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "home") })
	return &http.Server{
		Addr:              "127.0.0.1:3443",
		Handler:           mux,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 10 * time.Second, // no ReadTimeout and no WriteTimeout: polls wait, and the engine has deadlines of its own
	}
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: tls CERTIFICATE KEY")
	}
	log.Fatal(newServer(chat.New(socketio.Config{})).ListenAndServeTLS(os.Args[1], os.Args[2]))
}

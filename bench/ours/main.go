// Command ours is this repository's server with the handlers that the benchmarks need, written as anybody would.
package main

import (
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/gosocketio/socketio"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "address to listen on")
	recovery := flag.Bool("recovery", false, "let clients whose link broke come back with what they missed")
	portable := flag.Bool("portable", false, "no event loops")
	admission := flag.Float64("admission", 0, "how many new sessions are accepted in a second; 0: any number")
	cert := flag.String("cert", "", "file of the certificate for TLS")
	key := flag.String("key", "", "file of its key")
	flag.Parse()
	c := socketio.Config{PerMessageDeflate: &socketio.PerMessageDeflate{}} // for clients that offer it
	c.Admission.Rate = *admission
	if *recovery {
		c.ConnectionStateRecovery = &socketio.ConnectionStateRecovery{}
	}
	if *portable {
		c.ConnectionMode = socketio.PortableMode
	}
	io := socketio.New(c)
	io.Handle("echo", func(e *socketio.Event) error { return e.Socket().Emit("echo", e.Args()...) })
	io.Handle("bin", func(e *socketio.Event) error { return e.Socket().Emit("bin", e.Args()...) })
	io.Handle("ack", func(e *socketio.Event) error { return e.Ack(e.Args()...) })
	io.Handle("broadcast", func(e *socketio.Event) error { return io.Emit("broadcast", e.Args()...) })
	io.Handle("ask-all", func(e *socketio.Event) error {
		n := 0
		for _, err := range io.Timeout(time.Minute).EmitWithAck(e.Context(), "ask", e.Args()...) {
			if err == nil {
				n++
			}
		}
		return e.Ack(n)
	})
	socketio.On(io, "join", func(e *socketio.Event, room string) error {
		e.Socket().Join(room)
		return e.Ack()
	})
	socketio.On(io, "room", func(e *socketio.Event, room string) error { return io.To(room).Emit("room", e.Args()[1:]...) })
	http.Handle("/socket.io/", io)
	if *cert != "" {
		log.Fatal(http.ListenAndServeTLS(*addr, *cert, *key, nil)) //nolint:gosec // the engine has the timeouts
	}
	log.Fatal(http.ListenAndServe(*addr, nil)) //nolint:gosec // as above
}

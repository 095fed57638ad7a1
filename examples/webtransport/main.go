// Command webtransport serves Socket.IO over HTTPS and, on the UDP port of the same number, over WebTransport. It is started
// with the files of a certificate and its key.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/quic-go/quic-go/http3"
	quicwt "github.com/quic-go/webtransport-go"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/engineio/webtransport"
	"github.com/gosocketio/socketio/examples/chat"
)

const addr = "127.0.0.1:3443"

// config has clients move from long-polling to WebTransport if they can, otherwise to WebSocket.
var config = socketio.Config{
	Transports: []socketio.Transport{socketio.Polling, socketio.WebSocket, socketio.WebTransport},
}

func routes(server *socketio.Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", server)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "home") })
	return mux
}

// overQUIC makes the server of everything that comes over UDP.
func overQUIC(server *socketio.Server, c *tls.Config) *quicwt.Server {
	return webtransport.New(&http3.Server{Addr: addr, Handler: routes(server), TLSConfig: http3.ConfigureTLSConfig(c)}, server.Engine())
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: webtransport CERTIFICATE KEY")
	}
	cert, err := tls.LoadX509KeyPair(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	chat := chat.New(config)
	tcp := &http.Server{Addr: addr, Handler: routes(chat), TLSConfig: c, ReadHeaderTimeout: 10 * time.Second}
	udp := overQUIC(chat, c)
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	go func() {
		<-stop.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = chat.Shutdown(ctx) // first: clients are told, and their connections end
		_ = udp.Close()
		_ = tcp.Shutdown(ctx)
	}()
	go func() {
		if err := udp.ListenAndServe(); err != nil && stop.Err() == nil {
			log.Fatal(err)
		}
	}()
	if err := tcp.ListenAndServeTLS("", ""); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

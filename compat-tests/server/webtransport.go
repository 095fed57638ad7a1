package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"

	"github.com/quic-go/quic-go/http3"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/webtransport"
	"github.com/gosocketio/socketio/internal/devcert"
)

// serveWebTransport serves engines over WebTransport at addr until end is called, with a certificate whose SHA-256 is what GET
// /certificate answers, in hexadecimal.
func serveWebTransport(addr string, mux *http.ServeMux, engines ...*engineio.Server) (end func(), err error) {
	cert, hash, err := devcert.New()
	if err != nil {
		return nil, err
	}
	mux.HandleFunc("GET /certificate", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "%x", hash) // fails when nobody wants it any more
	})
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, err
	}
	h3 := &http3.Server{
		TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}),
		Handler:   mux,
	}
	server := webtransport.New(h3, engines...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(conn) // until it is closed
	}()
	return func() {
		_ = server.Close()
		<-done
		_ = conn.Close()
	}, nil
}

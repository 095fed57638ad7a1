package webtransport_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	goio "io"
	"log"
	"net"
	"net/http"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	quicwt "github.com/quic-go/webtransport-go"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/engineio/webtransport"
	"github.com/gosocketio/socketio/internal/devcert"
)

// A Socket.IO server over TCP, as ever, and over WebTransport. cert stands for the certificate of your domain.
func ExampleNew() {
	cert, _, err := devcert.New()
	if err != nil {
		log.Fatal(err)
	}
	io := socketio.New(socketio.Config{
		// Polling clients are told that they may move to WebSocket and WebTransport.
		Transports: []socketio.Transport{socketio.Polling, socketio.WebSocket, socketio.WebTransport},
	})
	io.OnConnection(func(s *socketio.Socket) { fmt.Println("connected over", s.Conn().Transport()) })
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io) // also what http.ListenAndServeTLS serves

	h3 := &http3.Server{
		TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}),
		Handler:   mux,
	}
	wt := webtransport.New(h3, io.Engine())
	udp, err := net.ListenPacket("udp", "127.0.0.1:0") // with a port of your own: set h3.Addr and call wt.ListenAndServe
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = wt.Serve(udp) // returns once it is closed
	}()

	join(udp.LocalAddr().String(), cert)

	_ = io.Shutdown(context.Background())
	_ = wt.Close()
	<-done
	_ = udp.Close()
	// Output:
	// connected over webtransport
	// welcomed by 40{"sid":
}

// join does what a browser's client does.
func join(addr string, cert tls.Certificate) {
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	d := quicwt.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, NextProtos: []string{http3.NextProtoH3}, MinVersion: tls.VersionTLS13},
		QUICConfig:      &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true},
	}
	_, session, err := d.Dial(context.Background(), "https://"+addr+"/socket.io/", nil) //nolint:bodyclose // the body is the session
	if err != nil {
		log.Fatal(err)
	}
	str, err := session.OpenStream()
	if err != nil {
		log.Fatal(err)
	}
	packet := func() string { // of less than 126 bytes
		b := make([]byte, 126)
		_, err := goio.ReadFull(str, b[:1])
		if err == nil {
			b = b[:b[0]]
			_, err = goio.ReadFull(str, b)
		}
		if err != nil {
			log.Fatal(err)
		}
		return string(b)
	}
	if _, err := goio.WriteString(str, "\x010\x0240"); err != nil {
		log.Fatal(err)
	}
	packet() // the open packet
	fmt.Println("welcomed by", packet()[:9])
	_ = session.CloseWithError(0, "")
}

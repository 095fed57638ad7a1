package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	quicwt "github.com/quic-go/webtransport-go"

	"github.com/gosocketio/socketio/examples/chat"
	"github.com/gosocketio/socketio/examples/internal/talk"
	"github.com/gosocketio/socketio/internal/devcert"
)

func TestRecipe(t *testing.T) {
	io := chat.New(config)
	talk.Check(t, routes(io), io)
}

func TestOverQUIC(t *testing.T) {
	cert, _, err := devcert.New()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	chat := chat.New(config)
	udp := overQUIC(chat, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = udp.Serve(conn) // until it is closed
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()

	d := quicwt.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, NextProtos: []string{http3.NextProtoH3}, MinVersion: tls.VersionTLS13},
		QUICConfig:      &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true},
	}
	url := fmt.Sprintf("https://%s/socket.io/", conn.LocalAddr())
	_, session, err := d.Dial(ctx, url, nil) //nolint:bodyclose // the body is the session
	if err != nil {
		t.Fatal(err)
	}
	str, err := session.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	if err := str.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 126)
	for _, step := range []struct{ say, want string }{
		{"0", `0{"sid":`},
		{"40", `40{"sid":`},
		{`421["join","lobby"]`, `431["welcome to lobby"]`},
	} {
		if _, err := str.Write(append([]byte{byte(len(step.say))}, step.say...)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(str, b[:1]); err != nil {
			t.Fatal(err)
		}
		p := b[:b[0]]
		if _, err := io.ReadFull(str, p); err != nil || !strings.HasPrefix(string(p), step.want) {
			t.Errorf("received %q, %v, want %q", p, err, step.want)
		}
	}

	if err := chat.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := udp.Close(); err != nil {
		t.Error(err)
	}
	<-done
	_ = conn.Close()
	_ = d.Close()
}

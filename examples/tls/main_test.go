package main

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/examples/chat"
)

func TestRecipe(t *testing.T) {
	chat := chat.New(socketio.Config{})
	server := newServer(chat)
	lender := httptest.NewTLSServer(nil) // of a certificate, and a client that trusts it
	defer lender.Close()
	server.TLSConfig.Certificates = lender.TLS.Certificates
	client := lender.Client()
	client.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.ServeTLS(l, "", "") }()
	t.Cleanup(func() {
		client.CloseIdleConnections()
		_ = chat.Shutdown(context.Background())
		_ = server.Close()
	})
	addr := l.Addr().String()

	res, err := client.Get("https://" + addr + "/socket.io/?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if open, err := io.ReadAll(res.Body); err != nil || res.ProtoMajor != 2 || !strings.HasPrefix(string(open), `0{"sid":`) {
		t.Errorf("%s: %q, %v", res.Proto, open, err)
	}

	roots := client.Transport.(*http.Transport).TLSClientConfig.RootCAs
	d := ws.Dialer{TLSConfig: &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12}}
	conn, early, _, err := d.Dial(t.Context(), "wss://"+addr+"/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var r io.Reader = conn
	if early != nil { // what came right behind the response
		r = early
	}
	for _, x := range []struct{ send, want string }{{"", "0{"}, {"40", "40{"}, {`421["join","lobby"]`, `431["welcome to lobby"]`}} {
		if x.send != "" {
			if err := wsutil.WriteClientText(conn, []byte(x.send)); err != nil {
				t.Fatal(err)
			}
		}
		f, err := ws.ReadFrame(r)
		if err != nil || !strings.HasPrefix(string(f.Payload), x.want) {
			t.Fatalf("got %q, %v, want %q", f.Payload, err, x.want)
		}
	}
	for _, s := range chat.Sockets() {
		if !s.Handshake().Secure {
			t.Error("the handshake is not secure")
		}
	}
}

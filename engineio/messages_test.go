package engineio_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
)

// over runs a test over each transport. read returns what comes next, at least one packet; write sends one.
func over(t *testing.T, c engineio.Config, polling, websocket string, test func(t *testing.T, s *server, x *engineio.Session, read func() string, write func(string))) {
	t.Helper()
	t.Run("polling", func(t *testing.T) {
		t.Attr("covers", polling)
		s := start(t, c)
		q := s.polling()
		var waiting []string
		read := func() string {
			t.Helper()
			if len(waiting) == 0 {
				waiting = strings.Split(s.request("GET", q, "").body, "\x1e")
			}
			first := waiting[0]
			waiting = waiting[1:]
			return first
		}
		test(t, s, next(t, s.sessions), read, func(text string) { s.wantReply(s.request("POST", q, text), 200, "ok") })
	})
	t.Run("WebSocket", func(t *testing.T) {
		t.Attr("covers", websocket)
		s := start(t, c)
		conn := s.dial(direct)
		conn.open()
		read := func() string {
			t.Helper()
			text, _, err := conn.read()
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		test(t, s, next(t, s.sessions), read, conn.send)
	})
}

// Three messages, one by one, and the end of the session: all arrive.
func TestMessagesThenClose(t *testing.T) {
	over(t, engineio.Config{}, "engine/server/messages/2", "engine/server/messages/7", func(t *testing.T, s *server, x *engineio.Session, read func() string, _ func(string)) {
		for _, text := range []string{"a", "b", "c"} {
			if err := x.Send([]byte(text), false); err != nil {
				t.Fatal(err)
			}
			if got := read(); got != "4"+text {
				t.Errorf("got %q", got)
			}
		}
		x.Close()
		if x.Transport() == engineio.Polling {
			if got := read() + read(); got != "61" {
				t.Errorf("got %q", got)
			}
		}
		if got := next(t, s.closings); got.reason != engineio.ReasonForcedClose {
			t.Errorf("%+v", got)
		}
	})
}

// Text of many bytes a character, both ways, in order.
func TestChineseText(t *testing.T) {
	texts := []string{"石室詩士施氏", "嗜獅", "誓食十獅", "氏時時適市視獅", "十時", "適十獅適市"}
	over(t, engineio.Config{}, "engine/server/messages/20", "engine/server/messages/20", func(t *testing.T, _ *server, x *engineio.Session, read func() string, write func(string)) {
		for _, text := range texts {
			if err := x.Send([]byte(text), false); err != nil {
				t.Fatal(err)
			}
		}
		for _, text := range texts {
			if got := read(); got != "4"+text {
				t.Errorf("got %q, want %q", got, text)
			}
		}
		for _, text := range texts { // the server sends them back
			write("4" + text)
		}
		for _, text := range texts {
			if got := read(); got != "4"+text {
				t.Errorf("got %q back, want %q", got, text)
			}
		}
	})
}

// Messages are exchanged with CORS headers on.
func TestMessagesOfAnotherOrigin(t *testing.T) {
	t.Attr("covers", "engine/server/cors/5")
	s := start(t, engineio.Config{CORS: engineio.CORS{Origins: []string{"https://app.test"}}})
	got := s.with("GET", handshake, "Origin: https://app.test")
	q := handshake + "&sid=" + sid(t, got.body[1:])
	if err := next(t, s.sessions).Send([]byte("hey"), false); err != nil {
		t.Fatal(err)
	}
	if got := s.with("GET", q, "Origin: https://app.test"); got.body != "4hey" || got.header.Get("Access-Control-Allow-Origin") != "https://app.test" {
		t.Errorf("%+v", got)
	}
}

// A body of a megabyte that comes in a thousand pieces.
func TestBodyInPieces(t *testing.T) {
	t.Attr("covers", "engine/server/messages/15")
	in := make(chan string, 1)
	s := start(t, engineio.Config{Events: engineio.Events{Message: func(_ *engineio.Session, data []byte, _ bool) { in <- string(data) }}})
	q := s.polling()
	body, out := io.Pipe()
	go func() {
		_, _ = io.WriteString(out, "4")
		for range 999 {
			_, _ = io.WriteString(out, strings.Repeat("a", 1000))
		}
		_ = out.Close()
	}()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"?"+q, body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.do(r); err != nil || got.body != "ok" {
		t.Errorf("%+v, %v", got, err)
	}
	if got := next(t, in); got != strings.Repeat("a", 999_000) {
		t.Errorf("%d bytes came", len(got))
	}
}

// Much that waits does not starve the heartbeat.
func TestPingsBetweenLargeMessages(t *testing.T) {
	t.Attr("covers", "engine/server/messages/19")
	s := start(t, engineio.Config{PingInterval: 200 * time.Millisecond, PingTimeout: 10 * time.Second})
	c := s.dial(direct)
	c.open()
	x := next(t, s.sessions)
	large := bytes.Repeat([]byte("a"), 64<<10)
	go func() {
		for range 100 {
			_ = x.Send(large, false) // its own limit would end the session
		}
	}()
	pings := 0
	for n := 0; n < 100 || pings == 0; {
		text, _, err := c.read()
		switch {
		case err != nil:
			t.Fatalf("%v after %d messages and %d pings", err, n, pings)
		case text == "2":
			pings++
			c.send("3")
		case len(text) == 1+len(large):
			n++
		}
	}
}

// Bytes that are no frames end the candidate of an upgrade, and nothing else.
func TestGarbageAfterUpgrade(t *testing.T) {
	t.Attr("covers", "engine/server/verification/7")
	s := start(t, engineio.Config{})
	q := s.polling()
	c := s.dial(strings.Replace(q, "polling", "websocket", 1))
	c.raw([]byte("test\r\n\r\ntest\r\n\r\ntest"))
	if code := c.wantEnd(); code != ws.StatusProtocolError {
		t.Errorf("close code %d", code)
	}
	s.wantReply(s.request("POST", q, "4hi"), 200, "ok")
	s.wantReply(s.request("GET", q, ""), 200, "4hi")
}

// certificate makes a certificate and its key.
func certificate(t *testing.T, name string) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, leaf
}

// TLS belongs to the http.Server: clients with certificates, and those that may do without.
func TestTLS(t *testing.T) {
	mine, leaf := certificate(t, "client")
	known := x509.NewCertPool()
	known.AddCert(leaf)
	for _, c := range []struct {
		name, covers string
		auth         tls.ClientAuthType
		certificates []tls.Certificate
		websocket    bool
	}{
		{"polling, mutual", "engine/server/messages/21", tls.RequireAndVerifyClientCert, []tls.Certificate{mine}, false},
		{"polling, optional", "engine/server/messages/22", tls.VerifyClientCertIfGiven, nil, false},
		{"WebSocket, mutual", "engine/server/messages/23", tls.RequireAndVerifyClientCert, []tls.Certificate{mine}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Attr("covers", c.covers)
			s := startOn(t, engineio.Config{}, httptest.NewUnstartedServer, func(h *httptest.Server) {
				h.TLS = &tls.Config{ClientAuth: c.auth, ClientCAs: known}
				h.StartTLS()
			})
			trust := s.client.Transport.(*http.Transport).TLSClientConfig
			trust.Certificates = c.certificates
			if c.websocket {
				d := ws.Dialer{TLSConfig: trust.Clone()}
				d.TLSConfig.NextProtos = nil
				conn, br, _, err := d.Dial(t.Context(), strings.Replace(s.url, "https", "wss", 1)+"?"+direct)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				w := wrap(t, conn, br)
				w.open()
				w.send("4hello")
				w.want("4hello")
			} else {
				q := s.polling()
				s.wantReply(s.request("POST", q, "4hello"), 200, "ok")
				s.wantReply(s.request("GET", q, ""), 200, "4hello")
			}
			if h := next(t, s.sessions).Handshake(); !h.Secure {
				t.Error("the handshake is not secure")
			}
			trust.Certificates = nil
			s.client.CloseIdleConnections()
			_, err := s.do(mustRequest(t, fmt.Sprint(s.url, "?", handshake)))
			if refused := err != nil; refused != (c.auth == tls.RequireAndVerifyClientCert) {
				t.Errorf("without a certificate: %v", err)
			}
		})
	}
}

// What is written while a session is corked leaves when it is uncorked, in order and without a volatile message behind it. So
// does what is written afterwards.
func TestCork(t *testing.T) {
	s := start(t, engineio.Config{})
	c := s.dial(direct)
	c.open()
	x := next(t, s.sessions)
	link := engineio.LinkOf(x)
	write := func(w engineio.When, text string, volatile bool) {
		t.Helper()
		frames := wire.AppendText(nil, wire.Message, []byte(text))
		if err := link.Write(w, engineio.Message{Frames: frames, Volatile: volatile}); err != nil {
			t.Fatal(err)
		}
		clear(frames) // they are the caller's
	}
	link.Cork()
	write(engineio.Now, "a", true)
	write(engineio.Later, "b", false)
	write(engineio.OnFlush, "c", false)
	write(engineio.Now, "dropped", true)
	link.Flush(engineio.Now) // nobody's but the one who uncorks
	if _, n := x.Buffered(); n != 3 {
		t.Errorf("%d messages wait, want 3", n)
	}
	link.Uncork()
	for _, want := range []string{"4a", "4b", "4c"} {
		c.want(want)
	}
	write(engineio.Now, "d", false)
	c.want("4d")
	link.Cork()
	write(engineio.Now, "e", false)
	x.Close() // takes along what is kept back
	c.want("4e")
}

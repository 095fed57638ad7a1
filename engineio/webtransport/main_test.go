package webtransport_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	quicwt "github.com/quic-go/webtransport-go"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/webtransport"
	"github.com/gosocketio/socketio/internal/devcert"
	"github.com/gosocketio/socketio/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience bounds each wait of a test for something that must happen.
const patience = 10 * time.Second

// closing is what a Close event said.
type closing struct {
	reason engineio.Reason
	cause  error
}

// server is an engine behind an HTTP/3 server. It sends nothing by itself.
type server struct {
	testing.TB
	engine *engineio.Server
	addr   string
	roots  *x509.CertPool

	sessions chan *engineio.Session
	closings chan closing
	messages chan message
}

type message struct {
	data   string
	binary bool
}

// start serves an engine over HTTP/3 until the test ends. Requests that are not the engine's are answered with status 418.
func start(t testing.TB, c engineio.Config) *server {
	t.Helper()
	cert, _, err := devcert.New()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		TB: t, roots: x509.NewCertPool(),
		sessions: make(chan *engineio.Session, 100), closings: make(chan closing, 100), messages: make(chan message, 100),
	}
	s.roots.AddCert(cert.Leaf)
	quiet := slog.New(slog.DiscardHandler)
	if c.Logger == nil {
		c.Logger = quiet
	}
	c.Events.Connection = func(x *engineio.Session) { s.sessions <- x }
	if c.Events.Message == nil {
		c.Events.Message = func(_ *engineio.Session, data []byte, binary bool) { s.messages <- message{string(data), binary} }
	}
	c.Events.Close = func(_ *engineio.Session, r engineio.Reason, cause error) { s.closings <- closing{r, cause} }
	if s.engine, err = engineio.New(c); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	mux.Handle(s.engine.Path(), s.engine)
	h3 := &http3.Server{
		TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: []tls.Certificate{cert}}),
		Handler:   mux,
		Logger:    quiet,
	}
	wt := webtransport.New(h3, s.engine)
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = conn.LocalAddr().String()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = wt.Serve(conn) // ends with the Close below
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.engine.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := wt.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		<-done
		_ = conn.Close()
		if n := s.engine.Sessions(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
	return s
}

// client is one WebTransport session.
type client struct {
	testing.TB
	session *quicwt.Session
	stream  *quicwt.Stream // nil until open
}

func (s *server) context() context.Context {
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	s.Cleanup(cancel)
	return ctx
}

func (s *server) tls() *tls.Config {
	return &tls.Config{RootCAs: s.roots, NextProtos: []string{http3.NextProtoH3}}
}

// tryDial asks for a WebTransport session. status is 0 when there was no answer.
func (s *server) tryDial(path string, h http.Header) (status int, session *quicwt.Session, err error) {
	s.Helper()
	d := &quicwt.Transport{TLSClientConfig: s.tls(), QUICConfig: &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true}}
	res, session, err := d.Dial(s.context(), "https://"+s.addr+path, h) //nolint:bodyclose // the body is the session
	s.Cleanup(func() {
		if session != nil {
			_ = session.CloseWithError(0, "")
		}
		_ = d.Close()
	})
	if res != nil {
		status = res.StatusCode
	}
	return status, session, err
}

// dial opens a WebTransport session, without a stream.
func (s *server) dial() *client {
	s.Helper()
	_, session, err := s.tryDial(engineio.DefaultPath, nil)
	if err != nil {
		s.Fatal(err)
	}
	return &client{TB: s.TB, session: session}
}

// open opens the stream and sends the first packet.
func (c *client) open(packet string) {
	c.Helper()
	var err error
	if c.stream, err = c.session.OpenStream(); err != nil {
		c.Fatal(err)
	}
	c.send(packet)
}

// direct opens a session and reads its open packet.
func (s *server) direct() (*client, *engineio.Session) {
	s.Helper()
	c := s.dial()
	c.open("0")
	c.handshake()
	return c, next(s.TB, s.sessions)
}

type openPacket struct {
	SID      string   `json:"sid"`
	Upgrades []string `json:"upgrades"`
}

func (c *client) handshake() (o openPacket) {
	c.Helper()
	p := c.read()
	if len(p) == 0 || p[0] != '0' || json.Unmarshal([]byte(p[1:]), &o) != nil {
		c.Fatalf("opened with %q", p)
	}
	return o
}

func (c *client) write(b []byte) {
	c.Helper()
	if _, err := c.stream.Write(b); err != nil {
		c.Fatal(err)
	}
}

// send sends a text packet.
func (c *client) send(packet string) {
	c.Helper()
	c.write(append(header(0, len(packet)), packet...))
}

func header(flag byte, n int) []byte {
	switch {
	case n < 126:
		return []byte{flag | byte(n)}
	case n < 1<<16:
		return []byte{flag | 126, byte(n >> 8), byte(n)}
	}
	return binary.BigEndian.AppendUint64([]byte{flag | 127}, uint64(n))
}

// raw reads n bytes. It waits for each of them, not for all: a busy machine takes its time for many.
func (c *client) raw(n int) []byte {
	c.Helper()
	b := make([]byte, n)
	for read := 0; read < n; {
		if err := c.stream.SetReadDeadline(time.Now().Add(patience)); err != nil {
			c.Fatal(err)
		}
		more, err := c.stream.Read(b[read:])
		if read += more; err != nil && read < n {
			c.Fatalf("read: %v", err)
		}
	}
	return b
}

// read reads a packet; a binary one comes with "binary " before it.
func (c *client) read() string {
	c.Helper()
	first := c.raw(1)[0]
	n := int(first & 0x7f)
	switch n {
	case 126:
		n = int(binary.BigEndian.Uint16(c.raw(2)))
	case 127:
		n = int(binary.BigEndian.Uint64(c.raw(8)))
	}
	if first&0x80 != 0 {
		return "binary " + string(c.raw(n))
	}
	return string(c.raw(n))
}

func (c *client) want(packets ...string) {
	c.Helper()
	for _, p := range packets {
		if got := c.read(); got != p {
			c.Fatalf("received %.100q, want %.100q", got, p)
		}
	}
}

// wantClosed waits until the server has closed the WebTransport session.
func (c *client) wantClosed() {
	c.Helper()
	select {
	case <-c.session.Context().Done():
	case <-time.After(patience):
		c.Fatal("the session stays open")
	}
}

func (s *server) wantClosing(reason engineio.Reason) error {
	s.Helper()
	got := next(s.TB, s.closings)
	if got.reason != reason {
		s.Errorf("closed with %+v, want %q", got, reason)
	}
	return got.cause
}

// next returns what comes out of ch, or fails the test.
func next[E any](t testing.TB, ch <-chan E) (v E) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return v
}

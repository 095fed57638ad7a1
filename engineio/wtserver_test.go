package engineio_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// wtServer is an engine whose WebTransport streams are pipes. It runs in a bubble.
type wtServer struct {
	*testing.T
	engine   *engineio.Server
	sessions chan *engineio.Session
	closings chan closing
	messages chan string
}

func startWT(t *testing.T, c engineio.Config) *wtServer {
	t.Helper()
	s := &wtServer{t, nil, make(chan *engineio.Session, 10), make(chan closing, 10), make(chan string, 100)}
	c.Logger = slog.New(slog.DiscardHandler)
	if c.Events.Connection == nil {
		c.Events.Connection = func(x *engineio.Session) { s.sessions <- x }
	}
	c.Events.Message = func(_ *engineio.Session, data []byte, binary bool) { s.messages <- fmt.Sprint(binary, string(data)) }
	c.Events.Close = func(_ *engineio.Session, r engineio.Reason, cause error) { s.closings <- closing{r, cause} }
	e, err := engineio.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.engine = e
	t.Cleanup(func() {
		if err := e.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if n := e.Sessions(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
	return s
}

// inBubble runs a test of a server and its HTTP endpoint, both in a bubble.
func inBubble(t *testing.T, c engineio.Config, test func(s *wtServer, e *rawclient.Endpoint)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := startWT(t, c)
		e := rawclient.ServePipe(t, s.engine)
		e.Path = engineio.DefaultPath
		test(s, e)
	})
}

// stream is the client's end of a WebTransport stream.
type stream struct {
	*testing.T
	conn net.Conn
}

// stream asks for a WebTransport session; change, if not nil, changes the request. It returns the answer when that is a refusal.
func (s *wtServer) stream(change func(*http.Request)) (stream, *httptest.ResponseRecorder) {
	s.Helper()
	r := httptest.NewRequestWithContext(s.Context(), http.MethodConnect, engineio.DefaultPath, nil)
	r.URL.Path, r.Proto = engineio.DefaultPath, "webtransport"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	client, server := net.Pipe()
	go s.engine.ServeWebTransport(w, r, func() (io.ReadWriteCloser, error) { return server, nil })
	synctest.Wait()
	return stream{s.T, client}, w
}

// direct opens a session.
func (s *wtServer) direct() (stream, *engineio.Session) {
	s.Helper()
	c, _ := s.stream(nil)
	c.send("\x010")
	if open := c.read(); !strings.HasPrefix(open, `0{"sid":"`) {
		s.Fatalf("opened with %q", open)
	}
	return c, <-s.sessions
}

func (s *wtServer) wantClosing(reason engineio.Reason) error {
	s.Helper()
	got := <-s.closings
	if got.reason != reason {
		s.Errorf("closed with %+v, want %q", got, reason)
	}
	return got.cause
}

// poll sends a request of a polling session.
func (s *wtServer) poll(query string) string {
	r := httptest.NewRequestWithContext(s.Context(), http.MethodGet, engineio.DefaultPath+"?EIO=4&transport=polling"+query, nil)
	w := httptest.NewRecorder()
	s.engine.ServeHTTP(w, r)
	return w.Body.String()
}

func (c stream) send(b string) {
	c.Helper()
	if _, err := io.WriteString(c.conn, b); err != nil {
		c.Fatalf("write: %v", err)
	}
}

// read reads one frame.
func (c stream) read() string {
	c.Helper()
	b := make([]byte, 9)
	_, err := io.ReadFull(c.conn, b[:1])
	n := uint64(b[0] & 0x7f)
	switch {
	case err != nil:
	case n == 126:
		_, err = io.ReadFull(c.conn, b[1:3])
		n = uint64(binary.BigEndian.Uint16(b[1:]))
	case n == 127:
		_, err = io.ReadFull(c.conn, b[1:9])
		n = binary.BigEndian.Uint64(b[1:])
	}
	payload := make([]byte, n)
	if err == nil {
		_, err = io.ReadFull(c.conn, payload)
	}
	if err != nil {
		c.Fatalf("read: %v", err)
	}
	if b[0]&0x80 != 0 {
		return "binary " + string(payload)
	}
	return string(payload)
}

func (c stream) want(packets ...string) {
	c.Helper()
	for _, p := range packets {
		if got := c.read(); got != p {
			c.Fatalf("received %.100q, want %.100q", got, p)
		}
	}
}

// wantEnd waits for the end of the stream, before which nothing comes.
func (c stream) wantEnd() {
	c.Helper()
	if b, err := io.ReadAll(c.conn); err != nil || len(b) > 0 {
		c.Errorf("received %q, %v, want the end", b, err)
	}
}

package engineio_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gosocketio/socketio/engineio"
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

// server is an engine behind a real HTTP server. It sends every message back.
type server struct {
	*testing.T
	engine *engineio.Server
	url    string
	client *http.Client

	sessions chan *engineio.Session
	closings chan closing
}

func start(t *testing.T, c engineio.Config) *server {
	t.Helper()
	return startOn(t, c, httptest.NewUnstartedServer, (*httptest.Server).Start)
}

func startOn(t *testing.T, c engineio.Config, make_ func(http.Handler) *httptest.Server, begin func(*httptest.Server)) *server {
	t.Helper()
	s := &server{T: t, sessions: make(chan *engineio.Session, 1000), closings: make(chan closing, 1000)}
	connection, message, closed := c.Events.Connection, c.Events.Message, c.Events.Close
	c.Events.Connection = func(x *engineio.Session) {
		if connection != nil {
			connection(x)
		}
		s.sessions <- x
	}
	c.Events.Message = func(x *engineio.Session, data []byte, binary bool) {
		if message != nil {
			message(x, data, binary)
			return
		}
		_ = x.Send(data, binary)
	}
	c.Events.Close = func(x *engineio.Session, r engineio.Reason, cause error) {
		if closed != nil {
			closed(x, r, cause)
		}
		s.closings <- closing{r, cause}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	e, err := engineio.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.engine = e
	h := make_(e)
	begin(h)
	s.url = h.URL + engineio.DefaultPath
	s.client = h.Client()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := e.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		h.CloseClientConnections()
		h.Close()
		if n := e.Sessions(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
	return s
}

// reply is a response that was read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

func (s *server) do(r *http.Request) (reply, error) {
	res, err := s.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols { // its body is a WebSocket
		return reply{res.StatusCode, res.Header, ""}, nil
	}
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(b)}, err
}

func (s *server) request(method, query, body string) reply {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+"?"+query, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	got, err := s.do(r)
	if err != nil {
		s.Fatalf("%s %s: %v", method, query, err)
	}
	return got
}

// polling opens a polling session and returns the query for its later requests.
func (s *server) polling() (q string) {
	s.Helper()
	got := s.request("GET", "EIO=4&transport=polling", "")
	return "EIO=4&transport=polling&sid=" + sid(s.T, got.body[1:])
}

func sid(t *testing.T, open string) string {
	t.Helper()
	var o struct{ Sid string }
	if err := json.Unmarshal([]byte(open), &o); err != nil {
		t.Fatalf("open packet %q: %v", open, err)
	}
	return o.Sid
}

// poll starts a GET and returns where its reply will be.
func (s *server) poll(q string) <-chan reply {
	c := make(chan reply, 1)
	r, err := http.NewRequestWithContext(s.Context(), "GET", s.url+"?"+q, nil)
	if err != nil {
		s.Fatal(err)
	}
	go func() {
		got, err := s.do(r)
		if err != nil {
			got.body = err.Error()
		}
		c <- got
	}()
	return c
}

// parked waits until a session's GET is parked.
func (s *server) parked(x *engineio.Session) {
	s.Helper()
	eventually(s.T, "a GET is parked", x.Writable)
}

// socket is a raw WebSocket client.
type socket struct {
	*testing.T
	net.Conn
	r *bufio.Reader
}

func (s *server) dial(q string) *socket {
	s.Helper()
	c, err := s.tryDial(q)
	if err != nil {
		s.Fatalf("dial %s: %v", q, err)
	}
	return c
}

func (s *server) tryDial(q string) (*socket, error) {
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	conn, br, _, err := ws.Dial(ctx, "ws"+strings.TrimPrefix(s.url, "http")+"?"+q)
	if err != nil {
		return nil, err
	}
	s.Cleanup(func() { _ = conn.Close() })
	return wrap(s.T, conn, br), nil
}

func wrap(t *testing.T, conn net.Conn, r *bufio.Reader) *socket {
	if r == nil {
		r = bufio.NewReader(conn)
	}
	return &socket{t, conn, r}
}

// read returns the next message, or what ended the connection.
func (c *socket) read() (string, ws.OpCode, error) {
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return "", 0, err
	}
	b, op, err := wsutil.ReadServerData(struct {
		io.Reader
		io.Writer
	}{c.r, c.Conn})
	return string(b), op, err
}

func (c *socket) want(text string) {
	c.Helper()
	got, _, err := c.read()
	if err != nil || got != text {
		c.Fatalf("got %q, %v; want %q", got, err, text)
	}
}

// open reads the open packet.
func (c *socket) open() string {
	c.Helper()
	got, _, err := c.read()
	if err != nil || !strings.HasPrefix(got, "0{") {
		c.Fatalf("got %q, %v; want an open packet", got, err)
	}
	return sid(c.T, got[1:])
}

func (c *socket) send(text string) {
	c.Helper()
	if err := wsutil.WriteClientText(c.Conn, []byte(text)); err != nil {
		c.Fatal(err)
	}
}

// wantEnd reads until the connection ends and returns the close code (StatusNoStatusRcvd for none).
func (c *socket) wantEnd() ws.StatusCode {
	c.Helper()
	for {
		_, _, err := c.read()
		var closed wsutil.ClosedError
		switch {
		case err == nil:
			continue
		case errors.As(err, &closed):
			return closed.Code
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.Fatal("the connection stays open")
		}
		return 0
	}
}

// next waits for a value.
func next[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

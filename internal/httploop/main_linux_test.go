package httploop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosocketio/socketio/internal/leak"
	"github.com/gosocketio/socketio/internal/netloop"
	"github.com/gosocketio/socketio/internal/wheel"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience bounds each wait of a test for something that must happen.
const patience = 10 * time.Second

// rig is a http.Server from which a Server takes requests under /ours.
type rig struct {
	*testing.T
	*Server
	http *httptest.Server
	addr string
	log  *lines
}

// start has handler answer all requests. With off nothing is taken from net/http.
func start(t *testing.T, handler http.HandlerFunc, off bool, configure ...func(*httptest.Server)) *rig {
	t.Helper()
	loop, w := new(netloop.Loop), wheel.New(time.Millisecond)
	s := &Server{
		Handler:       handler,
		Plain:         func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/ours") },
		MaxBody:       1 << 20,
		HeaderTimeout: patience,
		WriteTimeout:  patience,
		Wheel:         w,
	}
	x := &rig{T: t, Server: s, log: new(lines)}
	x.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if off || !s.Plain(r) || !s.Take(w, r, loop) {
			handler(w, r)
		}
	}))
	x.http.Config.ErrorLog = log.New(x.log, "", 0)
	for _, c := range configure {
		c(x.http)
	}
	x.http.Start()
	x.addr = x.http.Listener.Addr().String()
	t.Cleanup(func() {
		s.Close()
		done := make(chan struct{})
		go func() { s.Wait(); close(done) }()
		next(t, done)
		if n := s.Len(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
		x.http.CloseClientConnections()
		x.http.Close()
		loop.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.conns)+len(s.settled) > 0 {
			t.Errorf("%d connections and %d handed back are not forgotten", len(s.conns), len(s.settled))
		}
		if n := w.Pending(); n > 0 {
			t.Errorf("%d timers are left", n)
		}
		w.Close()
	})
	return x
}

// await waits until so many connections are taken.
func (x *rig) await(n int) {
	x.Helper()
	for end := time.Now().Add(patience); x.Len() != n; {
		if time.Now().After(end) {
			x.Fatalf("%d connections are taken, want %d", x.Len(), n)
		}
		<-time.After(time.Millisecond)
	}
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text += string(b)
	return len(b), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text
}

// client is a connection to the server.
type client struct {
	*testing.T
	net.Conn
	r *bufio.Reader
}

func (x *rig) dial() *client {
	x.Helper()
	c, err := new(net.Dialer).DialContext(x.Context(), "tcp", x.addr)
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &client{x.T, c, bufio.NewReader(c)}
}

func (c *client) send(text string) {
	c.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.Fatal(err)
	}
}

// answer is a response that was read whole.
type answer struct {
	status int
	length int64 // -1: not declared
	last   bool
	body   string
}

// read returns the next response.
func (c *client) read() answer {
	c.Helper()
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		c.Fatal(err)
	}
	return answer{res.StatusCode, res.ContentLength, res.Close, string(b)}
}

func (c *client) want(body string) {
	c.Helper()
	if got := c.read(); got.body != body {
		c.Fatalf("got %q, want %q", got.body, body)
	}
}

// wantEnd fails the test unless the server ends the connection now.
func (c *client) wantEnd() {
	c.Helper()
	if b, err := io.ReadAll(c.r); len(b) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		c.Fatalf("got %q, %v; want the end", b, err)
	}
}

const get = "GET /ours HTTP/1.1\r\nHost: x\r\n\r\n"

// taken returns a connection that was taken over. The handler must answer at once.
func (x *rig) taken() *client {
	x.Helper()
	c := x.dial()
	c.send(get)
	c.read()
	if x.Len() == 0 {
		x.Fatal("it was not taken over")
	}
	return c
}

// post is a POST with a body.
func post(body string) string {
	return fmt.Sprintf("POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// echo answers with all that a handler can know of a request.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	h := make([]string, 0, len(r.Header))
	for k, v := range r.Header {
		h = append(h, fmt.Sprintf("%s=%q", k, v))
	}
	slices.Sort(h)
	_, server := r.Context().Value(http.ServerContextKey).(*http.Server)
	addr, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	_, port, _ := net.SplitHostPort(r.RemoteAddr)
	text := fmt.Sprintf("%s %s %q %q %s %s host=%s length=%d close=%t te=%v %v body=%q %v server=%t local=%T port=%t tls=%t",
		r.Method, r.RequestURI, r.URL, r.URL.Path, r.URL.RawQuery, r.Proto, r.Host, r.ContentLength, r.Close, r.TransferEncoding, h, body, err, server, addr, port != "", r.TLS != nil)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = io.WriteString(w, text)
}

// ours tells whether a response is written by this package.
func ours(w http.ResponseWriter) bool { _, ok := w.(*response); return ok }

func next[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return v
}

// parked is a handler that waits until it is let go, or the request's context is cancelled.
type parked struct {
	began chan context.Context
	let   chan struct{}
	ended chan error
}

func newParked() *parked {
	return &parked{make(chan context.Context, 10), make(chan struct{}), make(chan error, 10)}
}

func (p *parked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.began <- r.Context()
	select {
	case <-p.let:
	case <-r.Context().Done():
	}
	_, err := io.WriteString(w, "let go")
	p.ended <- errors.Join(r.Context().Err(), err)
}

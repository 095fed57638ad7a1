package engineio_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// seen counts requests by method.
type seen struct {
	mu    sync.Mutex
	count map[string]int
}

func (s *seen) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if s.count == nil {
			s.count = make(map[string]int)
		}
		s.count[r.Method]++
		s.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

func (s *seen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.count)
}

// oneConn is a client that has one connection.
type oneConn struct {
	*testing.T
	net.Conn
	r *bufio.Reader
}

func (s *server) oneConn() *oneConn {
	s.Helper()
	c, err := new(net.Dialer).DialContext(s.Context(), "tcp", strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), engineio.DefaultPath))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &oneConn{s.T, c, bufio.NewReader(c)}
}

func (c *oneConn) send(method, query, body string) {
	c.Helper()
	if _, err := fmt.Fprintf(c, "%s %s?%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", method, engineio.DefaultPath, query, len(body), body); err != nil {
		c.Fatal(err)
	}
}

func (c *oneConn) read() string {
	c.Helper()
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.Fatal(err)
	}
	return string(b)
}

func (c *oneConn) want(body string) {
	c.Helper()
	if got := c.read(); got != body {
		c.Fatalf("got %q, want %q", got, body)
	}
}

const newPolling = "EIO=4&transport=polling"

// Who sees what: handlers around the server see handshakes, and the first request of a connection that is taken over; Middleware
// sees each request once. Another handshake makes the connection net/http's again.
func TestPollingTakeover(t *testing.T) {
	var around, within seen
	s := startOn(t, engineio.Config{PollingTakeover: true, ConnectionMode: engineio.EventLoopMode, Middleware: []func(http.Handler) http.Handler{within.handler}},
		func(h http.Handler) *httptest.Server { return httptest.NewUnstartedServer(around.handler(h)) }, (*httptest.Server).Start)
	taken := func(want int) {
		t.Helper()
		for end := time.Now().Add(patience); s.engine.Stats().TakenOver != want; {
			if time.Now().After(end) {
				t.Fatalf("%d connections are taken over, want %d", s.engine.Stats().TakenOver, want)
			}
			<-time.After(time.Millisecond)
		}
	}
	for _, first := range []string{"GET", "POST"} {
		around.count, within.count = nil, nil
		c := s.oneConn()
		c.send("GET", newPolling, "")
		q := newPolling + "&sid=" + sid(t, c.read()[1:])
		x := next(t, s.sessions)
		if first == "GET" {
			if err := x.Send([]byte("hello"), false); err != nil {
				t.Fatal(err)
			}
			c.send("GET", q, "")
			c.want("4hello")
		}
		for range 5 {
			c.send("POST", q, "4a")
			c.want("ok")
			c.send("GET", q, "")
			c.want("4a")
		}
		taken(1)
		wantAround, wantWithin, last := "map[GET:2]", "map[GET:7 POST:5]", "map[GET:5 POST:2]"
		if first == "POST" {
			wantAround, wantWithin, last = "map[GET:1 POST:1]", "map[GET:6 POST:5]", "map[GET:4 POST:3]"
		}
		if around.String() != wantAround || within.String() != wantWithin {
			t.Errorf("%s first: around it %v, want %s; within %v, want %s", first, &around, wantAround, &within, wantWithin)
		}
		c.send("GET", newPolling, "")
		next(t, s.sessions)
		q = newPolling + "&sid=" + sid(t, c.read()[1:])
		taken(0)
		for range 2 {
			c.send("POST", q, "4b")
			c.want("ok")
			c.send("GET", q, "")
			c.want("4b")
		}
		taken(0)
		if around.String() != last {
			t.Errorf("%s first: around it %v at last, want %s", first, &around, last)
		}
	}
}

// A WebSocket on a connection that was taken over before, as proxies use one, is on an event loop like others.
func TestUpgradeOnTakenConnection(t *testing.T) {
	s := start(t, engineio.Config{PollingTakeover: true, ConnectionMode: engineio.EventLoopMode})
	c := s.oneConn()
	c.send("GET", newPolling, "")
	q := newPolling + "&sid=" + sid(t, c.read()[1:])
	c.send("POST", q, "4a")
	c.want("ok")
	if n := s.engine.Stats().TakenOver; n != 1 {
		t.Fatalf("%d connections are taken over", n)
	}
	if _, err := fmt.Fprintf(c, "GET %s?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", engineio.DefaultPath); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %d", res.StatusCode)
	}
	w := wrap(t, c.Conn, c.r)
	w.open()
	w.send("4hello")
	w.want("4hello")
	if st := s.engine.Stats(); st.EventLoop != 1 || st.TakenOver != 0 {
		t.Errorf("%d on event loops, %d taken over", st.EventLoop, st.TakenOver)
	}
}

// Shutdown answers what is parked and ends the connections, in use or not.
func TestShutdownEndsTakenConnections(t *testing.T) {
	s := start(t, engineio.Config{PollingTakeover: true, ConnectionMode: engineio.EventLoopMode})
	idle, parked := s.oneConn(), s.oneConn()
	idle.send("GET", newPolling, "")
	q := newPolling + "&sid=" + sid(t, idle.read()[1:])
	x := next(t, s.sessions)
	idle.send("POST", q, "4a")
	idle.want("ok")
	parked.send("GET", q, "")
	parked.want("4a")
	parked.send("GET", q, "")
	s.parked(x)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.engine.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	parked.want("1")
	for _, c := range []*oneConn{idle, parked} {
		if b, err := io.ReadAll(c.r); len(b) > 0 || err != nil {
			t.Errorf("got %q, %v; want the end", b, err)
		}
	}
	if n := s.engine.Stats().TakenOver; n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

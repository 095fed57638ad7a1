package httploop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// What belongs to the first request's context stays there: others on the connection may be another user's.
func TestContextIsTheRequests(t *testing.T) {
	type key struct{}
	contexts := make(chan context.Context, 2)
	x := start(t, func(_ http.ResponseWriter, r *http.Request) { contexts <- r.Context() }, false, func(s *httptest.Server) {
		s.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context { return context.WithValue(ctx, key{}, 1) }
	})
	c := x.taken()
	c.send(get)
	c.read()
	for range 2 {
		ctx := next(t, contexts)
		srv, _ := ctx.Value(http.ServerContextKey).(*http.Server)
		addr, _ := ctx.Value(http.LocalAddrContextKey).(net.Addr)
		if srv != x.http.Config || addr == nil || addr.String() != x.addr || ctx.Value(key{}) != nil {
			t.Errorf("server %p, address %v, value %v", srv, addr, ctx.Value(key{}))
		}
		next(t, ctx.Done()) // when it is answered
	}
}

// Whoever waits to answer is told when the peer is gone.
func TestPeerThatGoesAway(t *testing.T) {
	for name, request := range map[string]string{"GET": get, "POST": post("a")} {
		t.Run(name, func(t *testing.T) {
			p := newParked()
			x := start(t, p.ServeHTTP, false)
			c := x.dial()
			c.send(request)
			next(t, p.began)
			_ = c.Close()
			if err := next(t, p.ended); !errors.Is(err, context.Canceled) {
				t.Errorf("the handler ended with %v", err)
			}
			x.await(0)

			c = x.dial()
			c.send(get)
			next(t, p.began)
			p.let <- struct{}{}
			c.want("let go")
			if err := next(t, p.ended); err != nil {
				t.Errorf("the handler ended with %v", err)
			}
			c.send(request) // on the loop, this time
			next(t, p.began)
			_ = c.Close()
			if err := next(t, p.ended); !errors.Is(err, context.Canceled) {
				t.Errorf("the second handler ended with %v", err)
			}
		})
	}
}

// A body that does not come.
func TestBodyThatEndsEarly(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(c *client, rc *http.ResponseController)
		want error
	}{
		"the peer is gone":    {func(c *client, _ *http.ResponseController) { _ = c.Close() }, io.ErrUnexpectedEOF},
		"the peer has closed": {func(c *client, _ *http.ResponseController) { _ = c.Conn.(*net.TCPConn).CloseWrite() }, io.ErrUnexpectedEOF},
		"a deadline": {func(_ *client, rc *http.ResponseController) {
			_ = rc.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
		}, os.ErrDeadlineExceeded},
		"a deadline passed": {func(_ *client, rc *http.ResponseController) { _ = rc.SetReadDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			reading := make(chan *http.ResponseController, 1)
			errs := make(chan error, 1)
			x := start(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					return
				}
				b := make([]byte, 2)
				_, err := io.ReadFull(r.Body, b)
				if err != nil || string(b) != "ab" {
					t.Errorf("read %q, %v", b, err)
				}
				_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience))
				reading <- http.NewResponseController(w)
				_, err = r.Body.Read(b)
				errs <- err
				panic(http.ErrAbortHandler)
			}, false)
			c := x.taken()
			c.send("POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab")
			test.do(c, next(t, reading))
			if err := next(t, errs); !errors.Is(err, test.want) {
				t.Errorf("Read returned %v, want %v", err, test.want)
			}
			x.await(0)
		})
	}
}

// A connection is not read further than its handlers are; nothing is lost.
func TestReadingIsBounded(t *testing.T) {
	let := make(chan struct{})
	conns := make(chan *conn, 1)
	x := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			conns <- w.(*response).conn
			<-let
		}
		n, err := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, n, err)
	}, false)
	for name, text := range map[string]string{"body": post(strings.Repeat("a", 1<<20)), "requests": post("") + strings.Repeat(get, 10_000)} {
		c := x.taken()
		sent := make(chan struct{})
		go func() {
			_, _ = io.WriteString(c, text)
			close(sent)
		}()
		k := next(t, conns)
		for paused, end := false, time.Now().Add(patience); !paused; {
			k.mu.Lock()
			paused = k.paused
			n := len(k.in) + len(k.x.body.buf)
			k.mu.Unlock()
			if n > 2*maxKept || time.Now().After(end) {
				t.Fatalf("%s: %d bytes are kept, paused: %t", name, n, paused)
			}
			runtime.Gosched()
		}
		let <- struct{}{}
		if name == "body" {
			c.want("1048576 <nil>")
		} else {
			for range 10_001 {
				c.want("0 <nil>")
			}
		}
		next(t, sent)
		_ = c.Close()
	}
}

// The deadlines of the http.Server hold for connections that were taken from it.
func TestTimeouts(t *testing.T) {
	short := 20 * time.Millisecond
	for name, test := range map[string]struct {
		text                string
		idle, head, reading time.Duration
	}{
		"without a request":            {"", short, patience, 0},
		"without a request, as read":   {"", 0, patience, short},
		"in the middle of a head":      {"GET /ours", patience, short, 0},
		"in the middle, as read":       {"GET /ours", patience, 0, short},
		"in the middle of a 2nd head":  {get + "GET /ours", patience, short, 0},
		"within a POST's head":         {"POST /ours HTTP/1.1\r\nHost: x\r\nContent-", patience, short, 0},
		"after a request and a head":   {get + get[:5], patience, short, patience},
		"in the middle of a body":      {"POST /ours?answer HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1", patience, short, 0},
		"after a request, no more":     {get, short, patience, patience},
		"our own, when there are none": {"GET", 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			x := start(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.RawQuery == "" {
					echo(w, r)
				}
			}, false, func(s *httptest.Server) {
				s.Config.IdleTimeout, s.Config.ReadHeaderTimeout, s.Config.ReadTimeout = test.idle, test.head, test.reading
			})
			x.HeaderTimeout = short
			c := x.taken()
			c.send(test.text)
			for range strings.Count(test.text, get) + strings.Count(test.text, "?answer") {
				c.read()
			}
			began := time.Now()
			c.wantEnd()
			if d := time.Since(began); d < short/2 {
				t.Errorf("it ended after %v", d)
			}
			x.await(0)
		})
	}
}

// The deadline moves with each request, and the timer does not: it finds out when it expires.
func TestIdleTimeoutBeginsAnew(t *testing.T) {
	p := newParked()
	x := start(t, p.ServeHTTP, false, func(s *httptest.Server) { s.Config.IdleTimeout = patience })
	c := x.dial()
	var k *conn
	var before time.Time
	for i := range 3 {
		c.send(get)
		next(t, p.began)
		x.mu.Lock()
		for k = range x.conns {
		}
		x.mu.Unlock()
		k.mu.Lock()
		if !k.due.IsZero() {
			t.Error("there is a deadline during a request")
		}
		armed := k.armed
		k.mu.Unlock()
		p.let <- struct{}{}
		c.want("let go")
		if err := next(t, p.ended); err != nil {
			t.Errorf("the handler ended with %v", err)
		}
		for end := time.Now().Add(patience); ; runtime.Gosched() {
			k.mu.Lock()
			due, again := k.due, k.armed
			k.mu.Unlock()
			if due.After(before) && (i == 0 || again.Equal(armed)) {
				before = due
				break
			}
			if time.Now().After(end) {
				t.Fatalf("the deadline went from %v to %v, the timer from %v to %v", before, due, armed, again)
			}
		}
	}
	k.Expired(&k.timer) // as if the first deadline had come
	c.send(get)
	next(t, p.began)
	p.let <- struct{}{}
	c.want("let go")
}

// Close ends what is idle, lets what is under way be answered, and takes nothing more.
func TestClose(t *testing.T) {
	p := newParked()
	x := start(t, p.ServeHTTP, false)
	var busy, idle [3]*client
	for i := range idle {
		idle[i] = x.dial()
		idle[i].send(get)
		next(t, p.began)
		p.let <- struct{}{}
		idle[i].want("let go")
		if err := next(t, p.ended); err != nil {
			t.Errorf("the handler ended with %v", err)
		}
	}
	for i := range busy {
		busy[i] = x.dial()
		busy[i].send(get + get)
		next(t, p.began)
	}
	x.Close()
	for _, c := range idle {
		c.wantEnd()
	}
	x.await(len(busy))
	for range busy {
		p.let <- struct{}{}
	}
	for _, c := range busy {
		if got := c.read(); !got.last || got.body != "let go" {
			t.Errorf("got %+v", got)
		}
		c.wantEnd() // the 2nd request is not answered any more
		_ = c.Close()
	}
	x.Wait()

	c := x.dial()
	c.send(get)
	next(t, p.began)
	if x.Len() > 0 {
		t.Error("a connection was taken after Close")
	}
	close(p.let)
	c.want("let go")
}

// Abort does not wait.
func TestAbort(t *testing.T) {
	p := newParked()
	x := start(t, p.ServeHTTP, false)
	c := x.dial()
	c.send(get)
	next(t, p.began)
	x.Abort()
	c.wantEnd()
	if err := next(t, p.ended); !errors.Is(err, context.Canceled) {
		t.Errorf("the handler ended with %v", err)
	}
	x.Wait()
}

// A handler that panics, or ends its goroutine, ends its connection and nothing else.
func TestPanics(t *testing.T) {
	for name, test := range map[string]struct {
		do     func()
		logged bool
	}{
		"abort":  {func() { panic(http.ErrAbortHandler) }, false},
		"panic":  {func() { panic("oh no") }, true},
		"nil":    {func() { _ = *(*int)(nil) }, true},
		"Goexit": {runtime.Goexit, false},
	} {
		for _, request := range []string{get, post("a"), "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n1"} {
			t.Run(name+" "+request[:4], func(t *testing.T) {
				bad := false
				x := start(t, func(w http.ResponseWriter, r *http.Request) {
					if bad && r.URL.RawQuery == "" {
						_, _ = io.WriteString(w, "not sent")
						test.do()
					}
					_, _ = io.WriteString(w, "fine")
				}, false)
				other, c := x.taken(), x.taken()
				bad = true
				c.send(request)
				c.wantEnd()
				x.await(1)
				for range 3 {
					other.send("GET /ours?fine HTTP/1.1\r\nHost: x\r\n\r\n")
					other.want("fine")
				}
				if text := x.log.String(); test.logged != strings.Contains(text, "http: panic serving 127.0.0.1:") || test.logged != strings.Contains(text, "goroutine ") {
					t.Errorf("logged %q", text)
				}
			})
		}
	}
}

// A handler on the loop that takes its time keeps nobody waiting, and what its peer sends meanwhile comes behind.
func TestSlowPostDoesNotStallTheLoop(t *testing.T) {
	let, began := make(chan struct{}), make(chan struct{}, 1)
	x := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "slow" {
			began <- struct{}{}
			<-let
		}
		_, _ = io.WriteString(w, r.Method+r.URL.RawQuery)
	}, false)
	slow, other := x.taken(), x.taken()
	slow.send("POST /ours?slow HTTP/1.1\r\nHost: x\r\n\r\n")
	next(t, began)
	slow.send(get + post("x"))
	for range 3 {
		other.send(post("a"))
		other.want("POST")
	}
	close(let)
	slow.want("POSTslow")
	slow.want("GET")
	slow.want("POST")
}

package httploop

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A connection that went back stays there.
func TestHandedBackForGood(t *testing.T) {
	x := start(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, ours(w)) }, false)
	c := x.dial()
	for _, step := range []struct{ request, body string }{
		{get, "true"}, {post("a"), "true"}, {"GET /theirs HTTP/1.1\r\nHost: x\r\n\r\n", "false"}, {get, "false"}, {post("a"), "false"}, {get, "false"},
	} {
		c.send(step.request)
		c.want(step.body)
	}
	x.await(0)
	c.send(bye)
	c.want("false")
	c.wantEnd()
}

// The first request may be a POST, wherever its body is.
func TestTakenWithPost(t *testing.T) {
	x := start(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		_, _ = fmt.Fprint(w, ours(w), string(b), err)
	}, false)
	for _, at := range []int{0, 1, 5} {
		c := x.dial()
		text := post("abcde")
		cut := len(text) - 5 + at
		c.send(text[:cut])
		if at < 5 {
			x.await(1) // without the rest
		}
		c.send(text[cut:] + post("next"))
		c.want("trueabcde<nil>")
		c.want("truenext<nil>")
		_ = c.Close()
		x.await(0)
	}
}

// A connection that went back can be taken for another protocol, and is then a plain one again.
func TestUnwrap(t *testing.T) {
	got := make(chan net.Conn, 1)
	x := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/theirs" {
			nc, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
			}
			got <- Unwrap(nc)
		}
	}, false)
	c := x.taken()
	c.send("GET /theirs HTTP/1.1\r\nHost: x\r\n\r\n")
	nc := next(t, got)
	defer nc.Close()
	if _, plain := nc.(*net.TCPConn); !plain {
		t.Errorf("it is a %T", nc)
	}
	if _, err := io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
		t.Error(err)
	}
	c.want("ok")
	if Unwrap(nc) != nc {
		t.Error("a plain connection is changed")
	}
}

// A connection that goes back at the moment at which it ends, or everything ends, is forgotten, and nothing is left.
func TestHandBackRaces(t *testing.T) {
	x := start(t, echo, false)
	for i := range 200 {
		c := x.dial()
		c.send(get)
		c.read()
		go func() {
			_, _ = io.WriteString(c, get+"GET /theirs HTTP/1.1\r\nHost: x\r\n\r\n")
			if i%2 == 0 {
				_ = c.Close()
			}
		}()
	}
	x.await(0)
	again := x.taken()
	go func() { _, _ = io.WriteString(again, "GET /theirs HTTP/1.1\r\nHost: x\r\n\r\n") }()
	x.Close()
	x.Wait()
}

// A http.Server that has been shut down does not want a connection back.
func TestHandBackAfterShutdown(t *testing.T) {
	x := start(t, echo, false)
	c := x.taken()
	if err := x.http.Config.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.send(get)
	c.read() // still
	c.send("GET /theirs HTTP/1.1\r\nHost: x\r\n\r\n")
	c.wantEnd()
	x.await(0)
}

// wrapped is a connection that does more than pass bytes on.
type wrapped struct{ net.Conn }

type wrapping struct{ net.Listener }

func (l wrapping) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return wrapped{c}, err
}

// Connections that cannot be had are net/http's again, with the request that they came with. It is tried once.
func TestWrappedConnections(t *testing.T) {
	for name, request := range map[string]string{"GET": get, "POST": post("body")} {
		t.Run(name, func(t *testing.T) {
			news := make(chan struct{}, 10)
			x := start(t, echo, false, func(s *httptest.Server) {
				s.Listener = wrapping{s.Listener}
				old := s.Config.ConnState
				s.Config.ConnState = func(c net.Conn, state http.ConnState) {
					if state == http.StateNew {
						news <- struct{}{}
					}
					if old != nil {
						old(c, state)
					}
				}
			})
			for i := range 2 {
				c := x.dial()
				c.send(request + request)
				for range 2 {
					if got := c.read(); !strings.HasPrefix(got.body, name+" /ours ") || name == "POST" && !strings.Contains(got.body, `body="body" <nil>`) {
						t.Errorf("got %q", got.body)
					}
				}
				if n := len(news); n != 2+i {
					t.Errorf("%d connections were new to the server, want %d", n, 2+i)
				}
				_ = c.Close()
			}
			if x.Len() > 0 {
				t.Error("one was taken")
			}
		})
	}
}

// What cannot be taken is left alone.
func TestNotTaken(t *testing.T) {
	for name, test := range map[string]struct {
		request string
		outside func(http.Handler) http.Handler
	}{
		"HTTP/1.0":       {"GET /ours HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", nil},
		"the last one":   {"GET /ours HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", nil},
		"Connection":     {"GET /ours HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n\r\n", nil},
		"an expectation": {"POST /ours HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n1", nil},
		"chunks":         {"POST /ours HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", nil},
		"a large body":   {post(strings.Repeat("a", 1<<20+1)), nil},
		"a body replaced": {post("abc"), func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(strings.NewReader(string(b)))
				h.ServeHTTP(w, r)
			})
		}},
		"a writer without hijacking": {get, func(h http.Handler) http.Handler { return http.TimeoutHandler(h, patience, "") }},
		"no http.Server": {get, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(w, r.WithContext(context.WithoutCancel(context.WithValue(r.Context(), http.ServerContextKey, nil))))
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			x := start(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, ours(w)) }, false, func(s *httptest.Server) {
				if test.outside != nil {
					s.Config.Handler = test.outside(s.Config.Handler)
				}
			})
			c := x.dial()
			go func() { _, _ = io.WriteString(c, test.request) }()
			got := c.read()
			for got.status == http.StatusContinue {
				got = c.read()
			}
			if got.body != "false" {
				t.Errorf("got %q", got.body)
			}
		})
	}
}

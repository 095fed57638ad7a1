package rawclient

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"
)

// How long a read waits before the test fails. In memory, where tests let clocks run, it is an hour of fake time.
const (
	patience     = 10 * time.Second
	pipePatience = time.Hour
)

// Endpoint is a handler that is being served.
type Endpoint struct {
	// URL is the server's base URL, without a trailing slash.
	URL string
	// Path is where the engine is. Default "/socket.io/".
	Path string

	t        testing.TB
	patience time.Duration
	dial     func(ctx context.Context) (net.Conn, error)
	client   *http.Client
}

// Serve serves h on a TCP port of the loopback interface until the test ends.
func Serve(t testing.TB, h http.Handler) *Endpoint {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, h, l, dialTCP(l.Addr().String()), patience)
}

// At is what is served by others on a TCP address, "IP:port". They may need long to answer: servers of a
// broker elect a leader within 9 s.
func At(t testing.TB, addr string) *Endpoint { return newEndpoint(t, addr, dialTCP(addr), 3*patience) }

func dialTCP(addr string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}
}

// ServePipe serves h in memory until the test ends: nothing of it leaves a synctest bubble.
func ServePipe(t testing.TB, h http.Handler) *Endpoint {
	t.Helper()
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	return serve(t, h, l, l.dial, pipePatience)
}

// HTTPClient returns a client that reaches the handler, without a timeout.
func (e *Endpoint) HTTPClient() *http.Client { return &http.Client{Transport: e.client.Transport} }

func serve(t testing.TB, h http.Handler, l net.Listener, dial func(context.Context) (net.Conn, error), patience time.Duration) *Endpoint {
	srv := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return newEndpoint(t, l.Addr().String(), dial, patience)
}

func newEndpoint(t testing.TB, addr string, dial func(context.Context) (net.Conn, error), patience time.Duration) *Endpoint {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &Endpoint{
		URL:      "http://" + addr,
		Path:     "/socket.io/",
		t:        t,
		patience: patience,
		dial:     dial,
		client:   &http.Client{Transport: transport, Timeout: patience},
	}
}

// Client returns an HTTP client for requests of one's own.
func (e *Endpoint) Client() *http.Client { return e.client }

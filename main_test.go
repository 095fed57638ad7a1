package socketio_test

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/leak"
	"github.com/gosocketio/socketio/internal/rawclient"
)

func TestMain(m *testing.M) { leak.Main(m) }

// fixture is a server that is being served.
type fixture struct {
	*socketio.Server
	*rawclient.Endpoint

	killed bool // its broker does not know it any more
}

// quiet drops what is logged.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// build makes a server with a Config that the options have changed.
func build(options []func(*socketio.Config)) *socketio.Server {
	c := socketio.Config{Logger: quiet}
	for _, o := range options {
		o(&c)
	}
	return socketio.New(c)
}

// start serves a server over TCP until the test ends.
func start(t testing.TB, options ...func(*socketio.Config)) *fixture {
	t.Helper()
	srv := build(options)
	f := &fixture{Server: srv, Endpoint: rawclient.Serve(t, srv)}
	t.Cleanup(func() { f.stop(t) })
	return f
}

// startPipe serves a server in memory, for a synctest bubble.
func startPipe(t testing.TB, options ...func(*socketio.Config)) *fixture {
	t.Helper()
	srv := build(options)
	f := &fixture{Server: srv, Endpoint: rawclient.ServePipe(t, srv)}
	t.Cleanup(func() { f.stop(t) })
	return f
}

// stop shuts the server down and checks that nothing is left.
func (f *fixture) stop(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := f.Shutdown(ctx); err != nil && !f.killed {
		t.Errorf("shutdown: %v", err)
	}
	for _, ns := range f.Namespaces() {
		if n := ns.Len(); n != 0 {
			t.Errorf("%d sockets are left in %s", n, ns.Name())
		}
	}
	if n := f.Engine().Sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

// wait returns what comes out of ch, or fails the test.
func wait[T any](t testing.TB, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
	}
	return v
}

// connects returns the sockets that connect to ns.
func connects(ns *socketio.Namespace) <-chan *socketio.Socket {
	ch := make(chan *socketio.Socket, 100)
	ns.OnConnection(func(s *socketio.Socket) { ch <- s })
	return ch
}

// gone is a socket that disconnected.
type gone struct {
	socket *socketio.Socket
	reason socketio.Reason
}

// disconnects returns the sockets that disconnect from ns.
func disconnects(ns *socketio.Namespace) <-chan gone {
	ch := make(chan gone, 100)
	ns.OnDisconnect(func(s *socketio.Socket, r socketio.Reason) { ch <- gone{s, r} })
	return ch
}

// none fails the test when something is in ch.
func none[T any](t testing.TB, ch <-chan T) {
	t.Helper()
	select {
	case v := <-ch:
		t.Errorf("got %v", v)
	default:
	}
}

// client is what connections over both transports can do.
type client interface {
	Join(namespace, auth string) string
	Send(packets ...string)
	Want(packets ...string)
}

// open opens a session over a transport.
func (f *fixture) open(transport string) client {
	if transport == "polling" {
		return f.Polling()
	}
	return f.WebSocket()
}

// writable waits until everything written to a socket's connection is out: a client can have read
// the last of it a moment before the server knows.
func writable(t testing.TB, s *socketio.Socket) {
	t.Helper()
	eventually(t, "the connection takes more", s.Conn().Writable)
}

// eventually waits until a condition holds, or fails the test. It is not for bubbles: their clocks
// would not proceed.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// serve serves a server over TCP until the test ends.
func serve(t testing.TB, c socketio.Config) (*socketio.Server, *rawclient.Endpoint) {
	t.Helper()
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	s := socketio.New(c)
	e := rawclient.Serve(t, s)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return s, e
}

package namespace_test

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/leak"
	"github.com/gosocketio/socketio/internal/rawclient"
	"github.com/gosocketio/socketio/namespace"
)

func TestMain(m *testing.M) { leak.Main(m) }

// fixture is a hub that is being served.
type fixture struct {
	*namespace.Hub
	*rawclient.Endpoint
	engine *engineio.Server
}

// quiet drops what is logged.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// newHub makes a hub and its engine. Configs are changed by the options.
func newHub(t testing.TB, options []func(*namespace.Config, *engineio.Config)) (*namespace.Hub, *engineio.Server) {
	t.Helper()
	c := namespace.Config{Logger: quiet}
	e := engineio.Config{Path: "/socket.io/", Logger: quiet}
	for _, o := range options {
		o(&c, &e)
	}
	hub, err := namespace.New(c)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := hub.Engine(e)
	if err != nil {
		t.Fatal(err)
	}
	return hub, engine
}

// start serves a hub over TCP until the test ends.
func start(t testing.TB, options ...func(*namespace.Config, *engineio.Config)) *fixture {
	t.Helper()
	hub, engine := newHub(t, options)
	f := &fixture{hub, rawclient.Serve(t, engine), engine}
	t.Cleanup(func() { f.stop(t) })
	return f
}

// startPipe serves a hub in memory, for a synctest bubble.
func startPipe(t testing.TB, options ...func(*namespace.Config, *engineio.Config)) *fixture {
	t.Helper()
	hub, engine := newHub(t, options)
	f := &fixture{hub, rawclient.ServePipe(t, engine), engine}
	t.Cleanup(func() { f.stop(t) })
	return f
}

// stop shuts the hub down and checks that nothing is left.
func (f *fixture) stop(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := f.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	for _, ns := range f.Namespaces() {
		if n := ns.Len(); n != 0 {
			t.Errorf("%d sockets are left in %s", n, ns.Name())
		}
	}
	if n := f.engine.Sessions(); n != 0 {
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
func connects(ns *namespace.Namespace) <-chan *namespace.Socket {
	ch := make(chan *namespace.Socket, 100)
	ns.OnConnection(func(s *namespace.Socket) { ch <- s })
	return ch
}

// gone is a socket that disconnected.
type gone struct {
	socket *namespace.Socket
	reason namespace.Reason
}

// disconnects returns the sockets that disconnect from ns.
func disconnects(ns *namespace.Namespace) <-chan gone {
	ch := make(chan gone, 100)
	ns.OnDisconnect(func(s *namespace.Socket, r namespace.Reason) { ch <- gone{s, r} })
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

// writable waits until everything written to a socket's connection is out: a client can have read the last of it a
// moment before the server knows.
func writable(s *namespace.Socket) {
	for !s.Conn().Writable() {
		runtime.Gosched()
	}
}

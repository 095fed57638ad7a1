package socketio_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
)

func TestShutdown(t *testing.T) {
	t.Attr("covers", "easy/40")
	f := start(t)
	var gones []<-chan gone
	for _, name := range []string{"/", "/chat"} {
		ns := f.Of(name)
		gones = append(gones, disconnects(ns))
		ns.OnDisconnecting(func(s *socketio.Socket, _ socketio.Reason) {
			if len(s.Rooms()) != 2 {
				t.Errorf("rooms %q", s.Rooms())
			}
			if err := ns.Emit("bye"); err != nil { // nobody hears it
				t.Error(err)
			}
		})
		ns.OnConnection(func(s *socketio.Socket) { s.Join("room") })
	}
	toMain, toChat := connects(f.Of("/")), connects(f.Of("/chat"))
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Join("/chat", "")
	idle := f.WebSocket()
	p := f.Polling()
	p.Join("/", "")
	wait(t, toMain)
	wait(t, toMain)
	wait(t, toChat)

	if err := f.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn.WantClose() // and no DISCONNECT before it
	idle.WantClose()
	for i, n := range []int{2, 1} {
		for range n {
			if d := wait(t, gones[i]); d.reason != socketio.ReasonServerShuttingDown {
				t.Errorf("reason %q", d.reason)
			}
		}
	}
	res, err := http.Get(f.URL + "/socket.io/?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		t.Error("a new session was accepted")
	}
	if err := f.Shutdown(t.Context()); err != nil {
		t.Errorf("second shutdown: %v", err)
	}
}

// Shutdown waits for handlers, but not for longer than it is told to.
func TestShutdownWaitsForHandlers(t *testing.T) {
	closed := make(chan struct{}, 2) // the cleanup shuts down again
	f := start(t, func(c *socketio.Config) {
		c.Adapter = func(h adapter.Host) (adapter.Adapter, error) {
			a, err := adapter.Memory(h)
			return closingAdapter{a, closed}, err
		}
	})
	began, release := make(chan struct{}), make(chan struct{})
	disconnected := disconnects(f.Of("/"))
	f.Of("/").Handle("block", func(e *socketio.Event) error {
		close(began)
		<-e.Context().Done() // the handler is told
		<-release
		return nil
	})
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Send(`42["block"]`)
	wait(t, began)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Shutdown(ctx) }()
	conn.WantClose()
	none(t, done)
	cause := errors.New("no patience")
	cancel(cause)
	if err := wait(t, done); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	none(t, disconnected)
	none(t, closed)
	close(release)
	if d := wait(t, disconnected); d.reason != socketio.ReasonServerShuttingDown {
		t.Errorf("reason %q", d.reason)
	}
	wait(t, closed) // by then nobody waits for it
}

// Shutdown does not wait for a broker for longer than it is told to.
func TestShutdownDuringAnOutage(t *testing.T) {
	closed := make(chan struct{}) // nobody receives: the broker is away
	f := start(t, func(c *socketio.Config) {
		c.Adapter = func(h adapter.Host) (adapter.Adapter, error) {
			a, err := adapter.Memory(h)
			return closingAdapter{a, closed}, err
		}
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Shutdown(ctx) }()
	none(t, done)
	cause := errors.New("no patience")
	cancel(cause)
	if err := wait(t, done); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	wait(t, closed)
	go func() { <-closed }() // of the cleanup, which shuts down again
}

// closingAdapter tells when it is closed.
type closingAdapter struct {
	adapter.Adapter
	closed chan struct{}
}

func (a closingAdapter) Close() error {
	a.closed <- struct{}{}
	return a.Adapter.Close()
}

// A socket whose middleware is running when the server shuts down never connects.
func TestShutdownDuringMiddleware(t *testing.T) {
	f := start(t)
	began := make(chan struct{})
	f.Of("/").Use(func(s *socketio.Socket) error {
		close(began)
		<-s.Context().Done()
		return nil
	})
	f.Of("/").OnConnection(func(*socketio.Socket) { t.Error("a connection function ran") })
	f.WebSocket().Send("40")
	wait(t, began)
	if err := f.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// brokenAdapter cannot be made, or closed.
type brokenAdapter struct{ adapter.Adapter }

func (brokenAdapter) Close() error { panic("cannot be closed") }

func TestAdapterFails(t *testing.T) {
	cause := errors.New("no broker")
	if _, err := socketio.NewServer(
		socketio.Config{Adapter: func(adapter.Host) (adapter.Adapter, error) { return nil, cause }},
	); !errors.Is(
		err,
		cause,
	) {
		t.Errorf("New returned %v", err)
	}
	srv, err := socketio.NewServer(socketio.Config{Adapter: func(h adapter.Host) (adapter.Adapter, error) {
		if h.Name() != "/" {
			return nil, cause
		}
		return adapter.Memory(h)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("Of did not panic")
		}
	}()
	srv.Of("/chat")
}

func TestAdapterThatCannotBeClosed(t *testing.T) {
	srv := build([]func(*socketio.Config){func(c *socketio.Config) {
		c.Adapter = func(h adapter.Host) (adapter.Adapter, error) {
			a, err := adapter.Memory(h)
			return brokenAdapter{a}, err
		}
	}})
	var p *socketio.PanicError
	if err := srv.Shutdown(t.Context()); !errors.As(err, &p) {
		t.Errorf("got %v", err)
	}
}

package namespace_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/namespace"
)

func TestShutdown(t *testing.T) {
	t.Attr("covers", "easy/40")
	f := start(t)
	var gones []<-chan gone
	for _, name := range []string{"/", "/chat"} {
		ns := f.Of(name)
		gones = append(gones, disconnects(ns))
		ns.OnDisconnecting(func(s *namespace.Socket, _ namespace.Reason) {
			if len(s.Rooms()) != 2 {
				t.Errorf("rooms %q", s.Rooms())
			}
			if err := ns.Emit("bye"); err != nil { // nobody hears it
				t.Error(err)
			}
		})
		ns.OnConnection(func(s *namespace.Socket) { s.Join("room") })
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
			if d := wait(t, gones[i]); d.reason != namespace.ReasonServerShuttingDown {
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
	f := start(t)
	began, release := make(chan struct{}), make(chan struct{})
	disconnected := disconnects(f.Of("/"))
	f.Of("/").Handle("block", func(e *namespace.Event) error {
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
	close(release)
	if d := wait(t, disconnected); d.reason != namespace.ReasonServerShuttingDown {
		t.Errorf("reason %q", d.reason)
	}
}

// A socket whose middleware is running when the server shuts down never connects.
func TestShutdownDuringMiddleware(t *testing.T) {
	f := start(t)
	began := make(chan struct{})
	f.Of("/").Use(func(s *namespace.Socket) error {
		close(began)
		<-s.Context().Done()
		return nil
	})
	f.Of("/").OnConnection(func(*namespace.Socket) { t.Error("a connection function ran") })
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
	if _, err := namespace.New(namespace.Config{Adapter: func(adapter.Host) (adapter.Adapter, error) { return nil, cause }}); !errors.Is(err, cause) {
		t.Errorf("New returned %v", err)
	}
	hub, err := namespace.New(namespace.Config{Adapter: func(h adapter.Host) (adapter.Adapter, error) {
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
	hub.Of("/chat")
}

func TestAdapterThatCannotBeClosed(t *testing.T) {
	hub, _ := newHub(t, []func(*namespace.Config, *engineio.Config){func(c *namespace.Config, _ *engineio.Config) {
		c.Adapter = func(h adapter.Host) (adapter.Adapter, error) {
			a, err := adapter.Memory(h)
			return brokenAdapter{a}, err
		}
	}})
	var p *namespace.PanicError
	if err := hub.Shutdown(t.Context()); !errors.As(err, &p) {
		t.Errorf("got %v", err)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []namespace.Config{
		{ConnectTimeout: -1},
		{AckTimeout: -time.Second},
		{AttachmentTimeout: -1},
		{MaxAttachments: -1},
		{MaxInboxBytes: -1},
		{MaxInboxEvents: -1},
	} {
		if _, err := namespace.New(c); !errors.Is(err, namespace.ErrConfig) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

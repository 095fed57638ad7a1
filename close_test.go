package socketio_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/leak"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// After Shutdown, and that of the http.Server, the clients are gone, nothing of the server runs,
// and its port is free: another one can serve there.
func TestShutdownLeavesNothing(t *testing.T) {
	t.Attr("covers", "socketio/close/1 socketio/close/5 socketio/socket/42")
	before := leak.IDs()
	addr := "127.0.0.1:0"
	for round := range 2 {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		addr = l.Addr().String()
		s := socketio.New(socketio.Config{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
		s.Handle("echo", func(e *socketio.Event) error { return e.Socket().Emit("echo", e.Args()...) })
		srv := &http.Server{Handler: s}
		served := make(chan error, 1)
		go func() { served <- srv.Serve(l) }()

		conn := rawclient.At(t, addr).WebSocket()
		conn.Join("/", "")
		conn.Send(`42["echo",1]`)
		conn.Want(`42["echo",1]`)
		ended := make(chan error, 1)
		go func() { ended <- s.Shutdown(t.Context()) }()
		conn.WantClose()
		conn.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if n := len(s.Sockets()); n != 0 || s.Engine().Sessions() != 0 {
			t.Errorf("%d sockets are left", n)
		}
		if err := srv.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}
	if left := leak.Left(before, leak.Grace); len(left) != 0 {
		t.Errorf("still running:\n%s", strings.Join(left, "\n\n"))
	}
}

// A server that was never served can be shut down.
func TestShutdownOfNobody(t *testing.T) {
	t.Attr("covers", "socketio/close/4")
	s := socketio.New(socketio.Config{})
	for range 2 {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

package socketio_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/leak"
	"github.com/gosocketio/socketio/internal/rawclient"
)

func TestMain(m *testing.M) { leak.Main(m) }

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

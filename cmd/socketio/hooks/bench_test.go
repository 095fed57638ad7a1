package hooks

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/siotest"
)

// One event with acknowledgement, through a backend in this process: 16 clients that each have one on
// its way.
func BenchmarkEvent(b *testing.B) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("null"))
	}))
	b.Cleanup(backend.Close)
	logger := slog.New(slog.DiscardHandler)
	h, err := New(Config{URL: backend.URL, Secrets: []string{secret}, Logger: logger})
	if err != nil {
		b.Fatal(err)
	}
	io := socketio.New(socketio.Config{Logger: logger})
	h.Install(io.Of("/"))
	server := siotest.Serve(b, io)
	b.Cleanup(func() { _ = io.Shutdown(context.Background()); _ = h.Close(context.Background()) })
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c, err := server.Connect(b.Context(), "/", nil)
		if err != nil {
			b.Error(err)
			return
		}
		for pb.Next() {
			if _, err := c.EmitWithAck(b.Context(), "message", "hello"); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

package socketio_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// What another server sends in a burst leaves in few writes, in order and whole, also with large
// events in between, and when clients are recovered.
func TestBurst(t *testing.T) {
	for name, recovery := range map[string]*socketio.ConnectionStateRecovery{
		"plain": nil, "with recovery": {},
	} {
		t.Run(name, func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the writer runs when nothing more comes
			var writes atomic.Int32
			bus := adaptertest.NewBus()
			start := func() *socketio.Server {
				s := socketio.New(socketio.Config{
					Adapter: bus.Adapter(adapter.ClusterConfig{}), ConnectionStateRecovery: recovery,
					Logger:       slog.New(slog.NewTextHandler(io.Discard, nil)),
					EngineEvents: engineio.Events{Flush: func(*engineio.Session) { writes.Add(1) }},
				})
				t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
				return s
			}
			from, to := start(), start()
			client := rawclient.Serve(t, to).WebSocket()
			client.Send("40")
			if got := client.Read(); !strings.HasPrefix(got, "40") {
				t.Fatalf("got %.40s instead of CONNECT", got)
			}
			const count = 500
			writes.Store(0)
			big := strings.Repeat("x", 20<<10)
			for i := range count {
				args := []any{i}
				if i%100 == 99 {
					args = append(args, big)
				}
				if err := from.Emit("n", args...); err != nil {
					t.Fatal(err)
				}
			}
			for i := range count {
				got := client.Read()
				if want := fmt.Sprintf(`42["n",%d`, i); !strings.HasPrefix(got, want) || i%100 == 99 != (len(got) > len(big)) {
					t.Fatalf("event %d is %.40s", i, got)
				}
			}
			if n := writes.Load(); n > count/10 {
				t.Errorf("%d writes for %d events", n, count)
			}
		})
	}
}

// A volatile event does not find a connection busy only because an event before it waits for others.
func TestBurstVolatile(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	bus := adaptertest.NewBus()
	start := func() *socketio.Server {
		s := socketio.New(socketio.Config{
			Adapter: bus.Adapter(adapter.ClusterConfig{}), Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		})
		t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
		return s
	}
	from, to := start(), start()
	client := rawclient.Serve(t, to).WebSocket()
	room := client.Join("/", "")
	for range 20 {
		if err := from.To(room).Emit("a"); err != nil {
			t.Fatal(err)
		}
		if err := from.To(room).Volatile().Emit("v"); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		client.Want(`42["a"]`, `42["v"]`)
	}
}

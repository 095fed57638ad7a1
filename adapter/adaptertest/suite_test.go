package adaptertest_test

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/internal/leak"
	"github.com/gosocketio/socketio/siotest"
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestMemory(t *testing.T) {
	adaptertest.Suite{
		Alone:    true,
		Adapters: func(*testing.T, int) []adapter.Factory { return []adapter.Factory{adapter.Memory} },
	}.Run(t)
}

func TestCluster(t *testing.T) {
	for name, bus := range map[string]func() *adaptertest.Bus{
		"heartbeats": adaptertest.NewBus,
		"counted":    func() *adaptertest.Bus { return &adaptertest.Bus{Counted: true} },
		"kept":       func() *adaptertest.Bus { return &adaptertest.Bus{Kept: true} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits most of the time
			adaptertest.Suite{
				Adapters: func(_ *testing.T, n int) []adapter.Factory {
					all, _ := adapters(bus(), n)
					return all
				},
				Faulty: func(_ *testing.T, n int) ([]adapter.Factory, adaptertest.Faults) { return adapters(bus(), n) },
			}.Run(t)
		})
	}
}

// adapters returns those of n servers on a bus.
func adapters(bus *adaptertest.Bus, n int) (all []adapter.Factory, f adaptertest.Faults) {
	for range n {
		all = append(all, bus.Adapter(adapter.ClusterConfig{}))
	}
	return all, adaptertest.Faults{
		Cut: func() {
			bus.Cut(n - 1)
			time.Sleep(50 * time.Millisecond) // while it is so, events are lost
			bus.Restore(n - 1)
		},
		Stop: bus.Stop, Continue: bus.Continue,
		Kill: func() { bus.Cut() }, Restart: func() { bus.Restore() },
		Lossless: bus.Kept,
	}
}

// Requests have the answers of all servers, each once, on a bus whose messages overtake each other or
// arrive twice.
func TestUnorderedBus(t *testing.T) {
	for name, bus := range map[string]func() *adaptertest.Bus{
		"reorders, heartbeats": func() *adaptertest.Bus { return &adaptertest.Bus{Reorders: true} },
		"reorders, counted":    func() *adaptertest.Bus { return &adaptertest.Bus{Reorders: true, Counted: true} },
		"doubles, heartbeats":  func() *adaptertest.Bus { return &adaptertest.Bus{Doubles: true} },
		"doubles, counted":     func() *adaptertest.Bus { return &adaptertest.Bus{Doubles: true, Counted: true} },
		"doubles and reorders": func() *adaptertest.Bus {
			return &adaptertest.Bus{Doubles: true, Reorders: true, Counted: true}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { requests(t, bus()) })
		})
	}
}

func requests(t *testing.T, bus *adaptertest.Bus) {
	const servers = 4
	var list []*socketio.Server
	for i := range servers {
		s := socketio.New(socketio.Config{
			Adapter: bus.Adapter(adapter.ClusterConfig{}), Logger: slog.New(slog.DiscardHandler), PingInterval: time.Hour,
		})
		s.OnServerSideEmit("q", func(e *socketio.ServerSideEvent) error { return e.Ack(i) })
		for range 3 {
			client, err := siotest.Serve(t, s).Connect(t.Context(), "/", nil)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				for {
					m, err := client.Receive(t.Context(), "q")
					if err != nil {
						return
					}
					_ = m.Ack(i)
				}
			}()
		}
		list = append(list, s)
	}
	for range 50 {
		var got []int
		for reply, err := range list[0].EmitWithAck(t.Context(), "q") {
			var n int
			if err := errors.Join(err, reply.Decode(&n)); err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		slices.Sort(got)
		if want := []int{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}; !slices.Equal(got, want) {
			t.Errorf("clients of %v answered", got)
		}
		got = nil
		for reply, err := range list[0].ServerSideEmitWithAck(t.Context(), "q") {
			var n int
			if err := errors.Join(err, reply.Decode(&n)); err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		slices.Sort(got)
		if !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("servers %v answered", got)
		}
		ids, err := list[0].AllSockets(t.Context())
		slices.Sort(ids)
		if len(slices.Compact(ids)) != 3*servers || len(ids) != 3*servers || err != nil {
			t.Errorf("%d sockets, %v", len(ids), err)
		}
	}
}

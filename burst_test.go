package socketio_test

import (
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/siotest"
)

// What another server sends in a burst leaves in few writes, in order and whole, also beside large
// and volatile messages and with recovery.
func TestBurst(t *testing.T) {
	for name, recovery := range map[string]*socketio.ConnectionStateRecovery{
		"plain": nil, "with recovery": {},
	} {
		t.Run(name, func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the writer runs when nothing more comes
			synctest.Test(t, func(t *testing.T) { testBurst(t, recovery) })
		})
	}
}

func testBurst(t *testing.T, recovery *socketio.ConnectionStateRecovery) {
	var writes atomic.Int32
	bus := adaptertest.NewBus()
	var servers []*socketio.Server
	var clients []*siotest.Client
	for range 2 {
		s := socketio.New(socketio.Config{
			Adapter: bus.Adapter(adapter.ClusterConfig{}), ConnectionStateRecovery: recovery,
			Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), PingInterval: time.Hour,
			EngineEvents: engineio.Events{Flush: func(*engineio.Session) { writes.Add(1) }},
		})
		client, err := siotest.Serve(t, s).Connect(t.Context(), "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		servers, clients = append(servers, s), append(clients, client)
	}
	time.Sleep(time.Second) // until they know each other
	to := servers[0].To(clients[1].ID())
	const count = 500
	writes.Store(0)
	for i := range count {
		if err := to.Emit("n", i); err != nil {
			t.Fatal(err)
		}
	}
	receive := func(first, last int) {
		t.Helper()
		for i := first; i < last; i++ {
			m, err := clients[1].Receive(t.Context(), "n")
			var got int
			if err == nil {
				err = m.Decode(&got)
			}
			if err != nil || got != i {
				t.Fatalf("event %d is %d, %v", i, got, err)
			}
		}
	}
	receive(0, count)
	synctest.Wait()
	if n := writes.Load(); n > count/10 {
		t.Errorf("%d writes for %d events", n, count)
	}
	big := strings.Repeat("x", 20<<10)
	for i := range 20 {
		var err error
		switch i % 3 {
		case 0:
			err = to.Emit("n", i)
		case 1:
			err = to.Emit("n", i, big)
		case 2:
			synctest.Wait() // a volatile event needs a connection that is not busy
			err = to.Volatile().Emit("n", i)
			synctest.Wait()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	receive(0, 20)
}

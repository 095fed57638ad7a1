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
	socket, _ := to.Socket(room)
	for range 20 {
		writable(t, socket)
		socketio.BurstTurn(to, true) // no other goroutine writes now
		if err := from.To(room).Emit("a"); err != nil {
			t.Fatal(err)
		}
		if err := from.To(room).Volatile().Emit("v"); err != nil {
			t.Fatal(err)
		}
		client.Want(`42["a"]`, `42["v"]`)
		socketio.BurstTurn(to, false)
	}
}

// What the events of one read broadcast leaves in one write for each connection, in order, also from
// handlers that are slow or block.
func TestBroadcastsOfOneRead(t *testing.T) {
	for _, mode := range []engineio.ConnectionMode{engineio.AutoMode, engineio.PortableMode} {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			var writes atomic.Int32
			proceed := make(chan struct{})
			s, e := serve(t, socketio.Config{
				ConnectionMode: mode, EngineEvents: engineio.Events{Flush: func(*engineio.Session) { writes.Add(1) }},
			})
			socketio.On(s, "all", func(_ *socketio.Event, n int) error { return s.Emit("n", n) })
			socketio.On(s, "block", func(_ *socketio.Event, n int) error { <-proceed; return s.Emit("n", n) })
			var clients []*rawclient.Conn
			for range 20 {
				c := e.WebSocket()
				c.Join("/", "")
				clients = append(clients, c)
			}
			want := func(from, to int) {
				t.Helper()
				for _, c := range clients {
					for i := from; i < to; i++ {
						c.Want(fmt.Sprintf(`42["n",%d]`, i))
					}
				}
			}
			send := func(name string, from, to int) {
				t.Helper()
				var packets []string
				for i := from; i < to; i++ {
					packets = append(packets, fmt.Sprintf(`42[%q,%d]`, name, i))
				}
				clients[0].SendTogether(packets...)
			}
			writes.Store(0)
			send("all", 0, 32)
			want(0, 32)
			if n := int(writes.Load()); n > 3*len(clients) {
				t.Errorf("%d writes to %d clients for 32 broadcasts", n, len(clients))
			}

			send("block", 32, 34)
			if err := s.Emit("n", 99); err != nil { // while a handler blocks whose turn it is
				t.Fatal(err)
			}
			for _, c := range clients {
				c.Want(`42["n",99]`)
			}
			close(proceed)
			want(32, 34)
		})
	}
}

// What another server broadcasts arrives, although the end of a turn is told before its begin, as when
// the loop's goroutine is not scheduled in time.
func TestBurstAtTheEdgeOfATurn(t *testing.T) {
	bus := adaptertest.NewBus()
	from, _ := serve(t, socketio.Config{Adapter: bus.Adapter(adapter.ClusterConfig{})})
	to, e := serve(t, socketio.Config{
		Adapter: bus.Adapter(adapter.ClusterConfig{}), ConnectionMode: engineio.PortableMode, // it has no turns
	})
	c := e.WebSocket()
	c.Join("/", "")
	socketio.BurstTurn(to, false)
	if err := from.Emit("n", 1); err != nil {
		t.Fatal(err)
	}
	c.Want(`42["n",1]`)
	socketio.BurstTurn(to, true)
}

// What is broadcast just before a disconnect arrives.
func TestBroadcastBeforeDisconnect(t *testing.T) {
	s, e := serve(t, socketio.Config{})
	socketio.On(s, "bye", func(e *socketio.Event, all bool) error {
		defer e.Socket().Disconnect(all)
		return s.Emit("bye", all)
	})
	c := e.WebSocket()
	c.Join("/", "")
	c.Send(`42["bye",false]`)
	c.Want(`42["bye",false]`, `41`)
	c.Join("/", "")
	c.Send(`42["bye",true]`)
	c.Want(`42["bye",true]`, `41`)
	c.WantClose()
}

// Broadcasts of one read that exceed the limits of the outbox together do not close a connection that
// takes them.
func TestBroadcastsOfOneReadFitTheOutbox(t *testing.T) {
	for name, c := range map[string]struct {
		config socketio.Config
		size   int
	}{
		"bytes":               {socketio.Config{MaxBufferedBytes: 64 << 10}, 4000},
		"packets":             {socketio.Config{MaxBufferedPackets: 16}, 10},
		"bytes, recovery":     {socketio.Config{MaxBufferedBytes: 64 << 10, ConnectionStateRecovery: &socketio.ConnectionStateRecovery{}}, 4000},
		"large, recovery":     {socketio.Config{MaxBufferedBytes: 256 << 10, ConnectionStateRecovery: &socketio.ConnectionStateRecovery{}}, 30_000},
		"packets in recovery": {socketio.Config{MaxBufferedPackets: 16, ConnectionStateRecovery: &socketio.ConnectionStateRecovery{}}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			s, e := serve(t, c.config)
			text := strings.Repeat("x", c.size)
			socketio.On(s, "all", func(_ *socketio.Event, _ int) (err error) {
				for i := 0; i < 40 && err == nil; i++ {
					err = s.Emit("n", i, text)
				}
				return err
			})
			client := e.WebSocket()
			client.Send("40")
			if got := client.Read(); !strings.HasPrefix(got, "40") {
				t.Fatalf("got %.40q", got)
			}
			client.Send(`42["all",1]`)
			for i := range 40 {
				if got, want := client.Read(), fmt.Sprintf(`42["n",%d,`, i); !strings.HasPrefix(got, want) {
					t.Fatalf("event %d is %.40q", i, got)
				}
			}
		})
	}
}

package redis

import (
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
	"github.com/gosocketio/socketio/siotest"
)

// Clusters with prefixes of their own share a Redis and nothing else.
func TestPrefixSeparates(t *testing.T) {
	addr := redistest.Start(t).Addr()
	for _, scheme := range []string{"redis", "redis+sharded", "redis+streams"} {
		var servers []*socketio.Server
		var clients []*siotest.Client
		for _, key := range []string{"a", "b"} {
			s := socketio.New(socketio.Config{
				Adapter:                 New(Config{URL: scheme + "://" + addr + "?key=" + key}),
				ConnectionStateRecovery: &socketio.ConnectionStateRecovery{},
			})
			client, err := siotest.Serve(t, s).Connect(brokertest.Limit(t), "/", nil)
			if err != nil {
				t.Fatal(err)
			}
			servers, clients = append(servers, s), append(clients, client)
		}
		for i, name := range []string{"first", "second"} {
			if err := servers[i].Emit(name); err != nil {
				t.Fatal(err)
			}
			if m, err := clients[i].Next(brokertest.Limit(t)); err != nil || m.Event() != name {
				t.Errorf("%s: client %d got %v, %v", scheme, i, m, err)
			}
		}
	}
}

func TestStreamDefaults(t *testing.T) {
	for prefix, want := range map[string][2]string{"": {"socket.io", "sio:session:"}, "x": {"x", "x:session:"}} {
		c, err := Config{Wire: Streams, Prefix: prefix}.resolve()
		if err != nil {
			t.Fatal(err)
		}
		c = c.withStreamDefaults()
		if got := [2]string{c.StreamName, c.SessionPrefix}; got != want {
			t.Errorf("prefix %q: %q, want %q", prefix, got, want)
		}
	}
}

package redis

import (
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
)

// What may happen to a Redis, on each wire. One with streams has its data on disk.
func TestFaults(t *testing.T) {
	for _, wire := range []Wire{PubSub, Sharded, Streams} {
		t.Run(wire.String(), func(t *testing.T) {
			adaptertest.Suite{Faulty: func(t *testing.T, n int) (list []adapter.Factory, f adaptertest.Faults) {
				var args []string
				if wire == Streams {
					args = []string{"--appendonly", "yes", "--appendfsync", "always"}
				}
				server := redistest.Start(t, args...)
				for range n {
					list = append(list, New(Config{Wire: wire, Addrs: []string{server.Addr()}}))
				}
				f = adaptertest.Faults{
					Cut: func() {
						for _, kind := range []string{"normal", "pubsub"} {
							server.Do("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
						}
					},
					Stop: server.Stop, Continue: server.Continue, Kill: server.Kill, Restart: server.Restart,
					Lossless: wire == Streams,
				}
				return list, f
			}}.RunFaults(t)
		})
	}
}

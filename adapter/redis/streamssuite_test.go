package redis

import (
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
)

// suite runs the tests of all adapters over a Redis.
func suite(t *testing.T, c Config) {
	adaptertest.Suite{Adapters: func(_ *testing.T, n int) (list []adapter.Factory) {
		for range n {
			list = append(list, New(c))
		}
		return list
	}}.Run(t)
}

func TestStreamsSuite(t *testing.T) {
	t.Run("one server", func(t *testing.T) {
		suite(t, Config{Wire: Streams, Addrs: []string{redistest.Start(t).Addr()}})
	})
	t.Run("cluster", func(t *testing.T) {
		suite(t, Config{Wire: Streams, Addrs: redistest.StartCluster(t).Addrs(), StreamCount: 2, ShardedPubSub: true})
	})
}

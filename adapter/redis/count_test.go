package redis

import (
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
)

// No server is left out of the count while all of them subscribe again.
func TestCountAfterLoss(t *testing.T) {
	each(t, func(t *testing.T, redis *redistest.Server, c Config) {
		var links []adapter.Link
		for _, uid := range []string{"aaaaaa", "bbbbbb", "cccccc"} {
			l, _ := start(t, uid, c).Link("/")
			links = append(links, l)
		}
		for range 3 {
			redis.Do("CLIENT", "KILL", "TYPE", "pubsub")
			if n := count(t, links[0]); n != len(links) {
				t.Errorf("%d servers, want %d", n, len(links))
			}
		}
	})
}

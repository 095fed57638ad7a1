package redis

import (
	"strings"
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
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

// After a loss of connections a server sends when the others have subscribed again, too: not to nobody.
func TestSendAfterLoss(t *testing.T) {
	each(t, func(t *testing.T, redis *redistest.Server, c Config) {
		proxy := brokertest.StartProxy(t, &brokertest.Proxy{To: redis.Addr})
		a := start(t, "aaaaaa", c)
		c.URL = strings.Replace(c.URL, redis.Addr(), proxy.Addr(), 1)
		from, _ := a.Link("/")
		_, to := start(t, "bbbbbb", c).Link("/")
		for i := range 3 {
			proxy.Stop()
			redis.Do("CLIENT", "KILL", "TYPE", "pubsub")
			a.AwaitReports(i + 1)
			await(t, "the first has subscribed again", func() bool { return redis.Do("CLIENT", "LIST", "TYPE", "pubsub") != "" })
			publishNow(t, from, event("aaaaaa", i))
			proxy.Continue()
			to.Wants(t, i)
		}
	})
}

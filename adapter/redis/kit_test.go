package redis

import (
	"strings"
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
)

// What most tests need of brokertest.
var event, publishNow, await = brokertest.Event, brokertest.Publish, brokertest.Await

// start starts a broker. It is closed with the test.
func start(t *testing.T, uid string, c Config) *brokertest.Server {
	t.Helper()
	c, err := c.resolve()
	if err != nil {
		t.Fatal(err)
	}
	return brokertest.Start(t, newBroker(c), uid)
}

func count(t *testing.T, l adapter.Link) int {
	t.Helper()
	n, err := l.(adapter.Counter).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// configs are those of the wires, for a server.
func configs(url string) map[string]Config {
	host := strings.TrimPrefix(url, "redis://")
	return map[string]Config{
		"pubsub":          {URL: url},
		"pubsub static":   {URL: url, SubscriptionMode: Static},
		"pubsub private":  {URL: url, PrivateResponses: true},
		"sharded":         {URL: "redis+sharded://" + host},
		"sharded static":  {URL: "redis+sharded://" + host, SubscriptionMode: Static},
		"sharded private": {URL: "redis+sharded://" + host, SubscriptionMode: DynamicPrivate},
	}
}

// each runs a test over each wire and mode, each with a Redis of its own: the tests mostly wait.
func each(t *testing.T, f func(t *testing.T, redis *redistest.Server, c Config)) {
	for name := range configs("") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t)
			c := configs(redis.URL())[name]
			c.Prefix = strings.ReplaceAll(name, " ", "-")
			f(t, redis, c)
		})
	}
}

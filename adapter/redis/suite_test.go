package redis

import (
	"context"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
)

// The tests of every adapter, over each wire and mode. One Redis serves all: each test has a prefix of
// its own.
func TestSuite(t *testing.T) {
	each(t, func(t *testing.T, _ *redistest.Server, c Config) {
		adaptertest.Suite{Adapters: func(t *testing.T, n int) []adapter.Factory {
			c.Prefix = strings.ReplaceAll(t.Name(), "/", "-")
			all := make([]adapter.Factory, n)
			for i := range all {
				all[i] = settling(t, c)
			}
			return all
		}}.Run(t)
	})
}

// settling returns the adapter of a Config, which waits for its subscriptions where a test goes on as
// if all servers knew of a room at once: they do when what this one sends next arrives.
func settling(t *testing.T, c Config) adapter.Factory {
	c, err := c.resolve()
	if err != nil {
		t.Fatal(err)
	}
	broker := newBroker(c)
	var shared *connection
	switch b := broker.(type) {
	case *classic:
		shared = &b.connection
	case *sharded:
		shared = &b.connection
	}
	node := adapter.NewNode(broker, adapter.ClusterConfig{RequestTimeout: c.RequestTimeout})
	return func(h adapter.Host) (adapter.Adapter, error) {
		a, err := node.Adapter(h)
		if err != nil {
			return nil, err
		}
		return &settled{a, shared}, nil
	}
}

type settled struct {
	adapter.Adapter
	c *connection
}

func (a *settled) Add(s adapter.Socket) {
	a.Adapter.Add(s)
	a.c.settle(context.Background())
}

func (a *settled) Join(id string, rooms ...string) {
	a.Adapter.Join(id, rooms...)
	a.c.settle(context.Background())
}

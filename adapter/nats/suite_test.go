package nats

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
)

// settling is a broker whose rooms are subscribed to when RoomOpened returns. The suite has one
// server emit to a room as soon as a socket of another one has joined.
type settling struct{ *core }

type settlingLink struct {
	adapter.Link
	adapter.Router
	c *connection
}

func (x settling) Join(ctx context.Context, m adapter.Member) (adapter.Link, error) {
	l, err := x.core.Join(ctx, m)
	if err != nil {
		return nil, err
	}
	return settlingLink{l, l.(adapter.Router), &x.connection}, nil
}

func (l settlingLink) RoomOpened(room string) {
	l.Router.RoomOpened(room)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = l.c.subs.confirm(ctx) // it fails while the broker is away
}

func TestSuite(t *testing.T) {
	for name, c := range map[string]Config{
		"dynamic":   {},
		"static":    {SubscriptionMode: Static},
		"JetStream": {JetStream: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits most of the time
			nats := startNATS(t, suiteOptions)
			adaptertest.Suite{
				Adapters: func(t *testing.T, n int) []adapter.Factory { return adapters(t, c, nats.host(), n) },
				Faulty: func(t *testing.T, n int) ([]adapter.Factory, adaptertest.Faults) {
					nats := startNATS(t, suiteOptions)
					p := startProxy(t, nats.host())
					return adapters(t, c, p.host(), n), adaptertest.Faults{
						Cut: p.Cut, Stop: p.Stop, Continue: p.Continue, Kill: nats.Kill, Restart: nats.Restart,
						Lossless: c.JetStream,
					}
				},
			}.Run(t)
		})
	}
}

func suiteOptions(o *server.Options) { o.JetStream, o.MaxPayload = true, 8<<20 }

var prefixes atomic.Int64

// adapters returns those of n servers that share a prefix with nobody.
func adapters(t *testing.T, c Config, host string, n int) (list []adapter.Factory) {
	c.Addrs, c.Prefix = []string{host}, fmt.Sprint("test-", prefixes.Add(1))
	c, err := c.resolve()
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		broker := newBroker(c)
		if x, routes := broker.(*core); routes && c.SubscriptionMode == Dynamic {
			broker = settling{x}
		}
		list = append(list, adapter.NewNode(broker, adapter.ClusterConfig{}).Adapter)
	}
	return list
}

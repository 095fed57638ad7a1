package nats

import (
	"context"
	"hash/maphash"
	"strconv"
	"testing"

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
	if err := l.c.subs.confirm(ctx); err != nil {
		panic(err)
	}
}

func TestSuite(t *testing.T) {
	nats := startNATS(t, nil)
	t.Run("dynamic", func(t *testing.T) {
		adaptertest.Suite{Adapters: func(t *testing.T, n int) (list []adapter.Factory) {
			c, err := Config{Addrs: []string{nats.host()}, Prefix: prefixOf(t)}.resolve()
			if err != nil {
				t.Fatal(err)
			}
			for range n {
				list = append(list, adapter.NewNode(settling{newCore(c)}, adapter.ClusterConfig{}).Adapter)
			}
			return list
		}}.Run(t)
	})
	t.Run("static", func(t *testing.T) {
		adaptertest.Suite{Adapters: func(t *testing.T, n int) (list []adapter.Factory) {
			for range n {
				list = append(list, New(Config{Addrs: []string{nats.host()}, Prefix: prefixOf(t), SubscriptionMode: Static}))
			}
			return list
		}}.Run(t)
	})
}

var seed = maphash.MakeSeed()

// prefixOf returns a prefix of subjects for one test.
func prefixOf(t *testing.T) string {
	return "test-" + strconv.FormatUint(maphash.String(seed, t.Name()), 16)
}

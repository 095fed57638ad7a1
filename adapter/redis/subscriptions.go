package redis

import (
	"context"
	"fmt"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
)

// subscriptions are those of a process: a feed, or several on a Redis Cluster.
type subscriptions interface {
	// add subscribes a receiver, without waiting. w, if it is not nil, gets the result of each.
	add(r receiver, w *waiter, subjects ...subject)
	// remove ends subscriptions of a receiver, leave all of them, without waiting.
	remove(r receiver, subjects ...subject)
	leave(r receiver)
	// settle waits until what was added so far has been subscribed, or until ctx ends.
	settle(ctx context.Context)
	// close disconnects. The receivers get nothing when it returns.
	close()
}

// join subscribes a receiver and waits for the confirmation.
func join(ctx context.Context, to subscriptions, r receiver, subjects ...subject) error {
	w := newWaiter(len(subjects))
	to.add(r, w, subjects...)
	select {
	case err := <-w.done:
		if err != nil {
			to.leave(r)
		}
		return err
	case <-ctx.Done():
		to.leave(r)
		return context.Cause(ctx)
	}
}

// newSubscriptions returns those of channels, or of shard channels.
func newSubscriptions(ctx context.Context, c *connection, sharded bool) (subscriptions, error) {
	name := "redis at " + c.cfg.where()
	if c.client.Mode() != rueidis.ClientModeCluster {
		return newFeed(c, name, sharded, c.dialAny, nil), nil
	}
	if !sharded {
		return newFeed(c, name, false, c.dialMaster, nil), nil
	}
	table, err := c.slotTable(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %s", adapter.ErrBroker, name, oneLine(err))
	}
	return newSlots(c, table), nil
}

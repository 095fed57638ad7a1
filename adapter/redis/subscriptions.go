package redis

import (
	"context"
)

// subscriptions are those of a process: a feed, or several on a Redis Cluster.
type subscriptions interface {
	// add subscribes a receiver, without waiting. w, if it is not nil, gets the result of each.
	add(r receiver, w *waiter, subjects ...subject)
	// remove ends subscriptions of a receiver, leave all of them, without waiting.
	remove(r receiver, subjects ...subject)
	leave(r receiver)
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

// newShardedSubscriptions returns those of shard channels.
func newShardedSubscriptions(c *connection) subscriptions {
	return newFeed(c, "redis at "+c.cfg.where(), true, c.dialAny)
}

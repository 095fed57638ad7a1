package redis

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
)

// subject is what a feed can be subscribed to: a channel, or a pattern of channels.
type subject struct {
	name    string
	pattern bool
}

// receiver gets the messages of its subjects. Its methods do not wait.
type receiver interface {
	receive(channel, payload string)
	// gap is called when messages may have been lost.
	gap(err error)
}

// subscriptions are those of a process: a feed, or several on a Redis Cluster.
type subscriptions interface {
	// add subscribes a receiver, without waiting. w, if it is not nil, gets the result of each.
	add(r receiver, w *waiter, subjects ...subject)
	// remove ends subscriptions of a receiver, leave all of them, without waiting.
	remove(r receiver, subjects ...subject)
	leave(r receiver)
	// settle waits until what was added so far has been subscribed, or until ctx ends.
	settle(ctx context.Context)
	// settled reports whether settle would not wait.
	settled() bool
	// late records that messages are missed until the subscriptions under way are confirmed, and why.
	late(err error)
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
		return nil, fmt.Errorf("%w: %s: %s", adapter.ErrBroker, name, brokers.OneLine(err))
	}
	return newSlots(c, table), nil
}

// subscription is the state of a subject. The one wanted is that there are receivers.
type subscription struct {
	receivers []receiver // replaced and never changed, because they are called without the lock
	sent      bool       // the server was sent a SUBSCRIBE
	confirmed bool       // it has accepted that
	refused   bool       // it has not, which was reported
	missed    error      // why messages may have been missed, until it is confirmed again
	waiters   []*waiter
}

// interrupt records that messages may be missed until the subscription is confirmed again.
func (s *subscription) interrupt(err error) {
	if s.confirmed && s.missed == nil {
		s.missed = err
	}
	s.sent, s.confirmed = false, false
}

// waiter waits for the confirmation of subscriptions.
type waiter struct {
	left atomic.Int32
	done chan error // gets one value
}

func newWaiter(subjects int) *waiter {
	w := &waiter{done: make(chan error, 1)}
	w.left.Store(int32(subjects))
	return w
}

// confirm counts one confirmation, or the error that ends the wait.
func (w *waiter) confirm(err error) {
	if w == nil {
		return
	}
	if w.left.Add(-1) == 0 || err != nil {
		select {
		case w.done <- err:
		default: // an error came before
		}
	}
}

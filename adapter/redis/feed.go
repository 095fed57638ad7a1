package redis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
)

// feed is a Redis connection that is subscribed to channels. It is made again when it is lost.
type feed struct {
	c       *connection
	name    string // for errors
	sharded bool
	dial    func(ctx context.Context) (rueidis.DedicatedClient, error)
	moved   func() // called when another node may have the subjects; nil if there is none

	kick chan struct{} // there is something to subscribe to
	stop context.CancelFunc
	done chan struct{} // run has returned

	mu       sync.Mutex
	subjects map[subject]*subscription
	changed  map[subject]struct{} // those to subscribe to, or to unsubscribe from
	last     string               // the channel of the newest message, if it did not come by a pattern
	served   []receiver           // those that got it
	wanted   uint64               // counts calls of add
	flushed  uint64               // the value of wanted that the server has answered to
	progress chan struct{}        // closed when flushed changes; nil if nobody waits
}

func newFeed(
	c *connection, name string, sharded bool, dial func(context.Context) (rueidis.DedicatedClient, error), moved func(),
) *feed {
	ctx, stop := context.WithCancel(context.Background())
	f := &feed{
		c: c, name: name, sharded: sharded, dial: dial, moved: moved,
		kick: make(chan struct{}, 1), stop: stop, done: make(chan struct{}),
		subjects: make(map[subject]*subscription), changed: make(map[subject]struct{}),
	}
	go f.run(ctx)
	return f
}

// add subscribes a receiver, without waiting. The result is sent to w, if it is not nil, for each.
func (f *feed) add(r receiver, w *waiter, subjects ...subject) {
	f.mu.Lock()
	for _, s := range subjects {
		sub := f.subjects[s]
		if sub == nil {
			sub = &subscription{}
			f.subjects[s] = sub
		}
		sub.receivers = append(sub.receivers[:len(sub.receivers):len(sub.receivers)], r)
		switch {
		case !sub.confirmed:
			f.wanted++
			f.changed[s] = struct{}{}
			if w != nil {
				sub.waiters = append(sub.waiters, w)
			}
		case w != nil:
			w.confirm(nil)
		}
	}
	f.mu.Unlock()
	f.wake()
}

// remove ends subscriptions of a receiver, without waiting.
func (f *feed) remove(r receiver, subjects ...subject) {
	f.mu.Lock()
	for _, s := range subjects {
		sub := f.subjects[s]
		if sub == nil {
			continue
		}
		var rest []receiver
		for _, other := range sub.receivers {
			if other != r {
				rest = append(rest, other)
			}
		}
		sub.receivers = rest
		if len(rest) == 0 {
			f.changed[s] = struct{}{}
		}
	}
	f.mu.Unlock()
	f.wake()
}

// take removes subscriptions, without a word to the server, for another feed to adopt.
func (f *feed) take(subjects []subject) map[subject]*subscription {
	taken := make(map[subject]*subscription, len(subjects))
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range subjects {
		if sub := f.subjects[s]; sub != nil {
			sub.interrupt(errMoved)
			taken[s] = sub
			delete(f.subjects, s)
			delete(f.changed, s)
		}
	}
	return taken
}

// adopt makes subscriptions that another feed had.
func (f *feed) adopt(taken map[subject]*subscription) {
	f.mu.Lock()
	for s, sub := range taken {
		f.subjects[s] = sub
		f.changed[s] = struct{}{}
		f.wanted++
	}
	f.mu.Unlock()
	f.wake()
}

// all returns the subjects.
func (f *feed) all() []subject {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Keys(f.subjects))
}

func (f *feed) wake() {
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

// close disconnects. The receivers get nothing when it returns.
func (f *feed) close() {
	f.stop()
	<-f.done
}

// run keeps the connection until ctx ends.
func (f *feed) run(ctx context.Context) {
	defer close(f.done)
	var lost error // why there is no connection
	var delay time.Duration
	for {
		err := f.session(ctx, func() {
			if lost != nil {
				lost = nil
				f.c.backAt.Store(time.Now().UnixNano())
				f.c.lostFeeds.Add(-1)
			}
		})
		if _, answer := rueidis.IsRedisErr(err); answer || f.c.feedErr.Load() == nil {
			f.c.feedErr.Store(&err) // what Redis says, rather than that it hung up after that
		}
		if lost == nil && ctx.Err() == nil {
			lost, delay = err, 0
			f.c.lostFeeds.Add(1)
			f.c.suspect.Store(true)
			f.c.report(fmt.Errorf("%w: the subscriptions of %s: %s", adapter.ErrBrokerDown, f.name, brokers.OneLine(err)))
		}
		if f.moved != nil {
			f.moved()
		}
		delay = min(2*delay+minDelay, maxDelay)
		if brokers.Sleep(ctx, delay) != nil {
			if lost != nil {
				f.c.lostFeeds.Add(-1)
			}
			return
		}
	}
}

// retryAfter is when a subscription is tried again that the server refused.
const retryAfter = time.Second

// session connects, subscribes, calls up, and returns when the connection is lost or ctx ends.
func (f *feed) session(ctx context.Context, up func()) error {
	conn, err := f.dial(ctx)
	if err != nil {
		return err
	}
	lost := conn.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: f.onMessage, OnSubscription: f.onSubscription})
	defer func() {
		conn.Close()
		for range lost { // until no hook is under way
		}
	}()
	f.begin()
	var retry <-chan time.Time
	for {
		refused, err := f.flush(ctx, conn)
		if err != nil {
			f.interrupted(err)
			return err
		}
		if up != nil {
			up()
			up = nil
		}
		if refused {
			retry = time.After(retryAfter)
		}
		select {
		case <-f.kick:
		case <-retry:
			f.again()
		case err := <-lost:
			if err == nil {
				err = errors.New("the connection was closed")
			}
			f.interrupted(err)
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// begin wants all subscriptions, on a new connection.
func (f *feed) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.changed)
	f.last, f.served = "", nil
	for s, sub := range f.subjects {
		sub.sent, sub.confirmed = false, false
		f.changed[s] = struct{}{}
	}
}

// unsent records that another node has a subject.
func (f *feed) unsent(s subject) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if sub := f.subjects[s]; sub != nil {
		sub.sent = false
	}
}

// again wants those that the server refused or ended.
func (f *feed) again() {
	defer f.wake()
	f.mu.Lock()
	defer f.mu.Unlock()
	for s, sub := range f.subjects {
		if !sub.sent && len(sub.receivers) > 0 {
			f.changed[s] = struct{}{}
		}
	}
}

// interrupted records that messages of all confirmed subscriptions may be missed from now on.
func (f *feed) interrupted(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, sub := range f.subjects {
		sub.interrupt(err)
	}
}

// commandsPerBatch limits a pipeline of subscriptions.
const commandsPerBatch = 512

// flush makes the subscriptions what is wanted. refused says that the server denied some.
func (f *feed) flush(ctx context.Context, conn rueidis.DedicatedClient) (refused bool, err error) {
	subjects, wanted := f.pendingChanges()
	gaps := make(map[receiver]error)
	moved := false
	for len(subjects) > 0 {
		batch := subjects[:min(len(subjects), commandsPerBatch)]
		subjects = subjects[len(batch):]
		commands := make([]rueidis.Completed, len(batch))
		for i, s := range batch {
			commands[i] = f.command(conn.B(), s.subject, s.subscribe)
		}
		for i, r := range conn.DoMulti(ctx, commands...) {
			err := r.Error()
			answer, isAnswer := rueidis.IsRedisErr(err)
			switch {
			case rueidis.IsRedisNil(err):
				err = nil
			case err != nil && !isAnswer:
				return false, err
			case isAnswer && f.moved != nil && isMoved(answer):
				moved = true
				f.unsent(batch[i].subject)
				continue
			}
			if batch[i].subscribe && !f.subscribed(batch[i].subject, err, gaps) {
				refused = true
			}
		}
	}
	f.answered(wanted)
	if len(gaps) > 0 {
		f.c.gaps.Add(1)
	}
	for r, err := range gaps {
		r.gap(err)
	}
	if moved {
		f.moved()
	}
	return refused, nil
}

var errMoved = errors.New("the slot of a channel has moved to another node")

// isMoved reports whether an error says that another node has the slot.
func isMoved(err *rueidis.RedisError) bool {
	_, moved := err.IsMoved()
	return moved
}

// change is a subscription to make or to end.
type change struct {
	subject   subject
	subscribe bool
}

// pendingChanges returns what to send to the server, and forgets what nobody wants any more.
func (f *feed) pendingChanges() (changes []change, wanted uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.changed {
		sub := f.subjects[s]
		wanted := sub != nil && len(sub.receivers) > 0
		if sub != nil && wanted != sub.sent {
			changes = append(changes, change{s, wanted})
			sub.sent = wanted
		}
		if sub != nil && !wanted {
			delete(f.subjects, s)
		}
	}
	clear(f.changed)
	return changes, f.wanted
}

// answered records that the server has answered to all that was wanted then.
func (f *feed) answered(wanted uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flushed = wanted
	if f.progress != nil {
		close(f.progress)
		f.progress = nil
	}
}

// settled reports whether all subscriptions that are wanted have been made.
func (f *feed) settled() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.flushed >= f.wanted
}

// late implements subscriptions.
func (f *feed) late(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, sub := range f.subjects {
		if !sub.confirmed && sub.missed == nil {
			sub.missed = err
		}
	}
}

// settle waits until the subscriptions that are wanted now have been made, or until ctx ends.
func (f *feed) settle(ctx context.Context) {
	f.mu.Lock()
	wanted := f.wanted
	for f.flushed < wanted {
		if f.progress == nil {
			f.progress = make(chan struct{})
		}
		progress := f.progress
		f.mu.Unlock()
		select {
		case <-progress:
		case <-ctx.Done():
			return
		}
		f.mu.Lock()
	}
	f.mu.Unlock()
}

// subscribed records the answer to a subscription. It reports whether the server accepted it.
func (f *feed) subscribed(s subject, err error, gaps map[receiver]error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	sub := f.subjects[s]
	if sub == nil {
		return true
	}
	for _, w := range sub.waiters {
		w.confirm(err)
	}
	if err != nil {
		sub.sent = false
		if len(sub.waiters) == 0 && !sub.refused {
			sub.refused = true
			f.c.report(fmt.Errorf("%w: no subscription to %q of %s: %s",
				adapter.ErrBroker, s.name, f.name, brokers.OneLine(err)))
		}
		sub.waiters = nil
		return false
	}
	sub.waiters, sub.refused, sub.confirmed = nil, false, true
	if sub.missed != nil {
		for _, r := range sub.receivers {
			gaps[r] = sub.missed
		}
		sub.missed = nil
	}
	return true
}

func (f *feed) command(b rueidis.Builder, s subject, subscribe bool) rueidis.Completed {
	switch {
	case s.pattern && subscribe:
		return b.Psubscribe().Pattern(s.name).Build()
	case s.pattern:
		return b.Punsubscribe().Pattern(s.name).Build()
	case f.sharded && subscribe:
		return b.Ssubscribe().Channel(s.name).Build()
	case f.sharded:
		return b.Sunsubscribe().Channel(s.name).Build()
	case subscribe:
		return b.Subscribe().Channel(s.name).Build()
	default:
		return b.Unsubscribe().Channel(s.name).Build()
	}
}

// onMessage passes a message on. One that a channel and a pattern both match comes twice, that of the
// pattern directly after that of the channel: who got the first one does not get the second one.
func (f *feed) onMessage(m rueidis.PubSubMessage) {
	s := subject{m.Channel, false}
	if m.Pattern != "" {
		s = subject{m.Pattern, true}
	}
	f.mu.Lock()
	var receivers []receiver
	if sub := f.subjects[s]; sub != nil {
		receivers = sub.receivers
	}
	if !s.pattern {
		f.last, f.served = m.Channel, receivers
	} else if m.Channel == f.last {
		receivers = slices.DeleteFunc(slices.Clone(receivers), func(r receiver) bool { return slices.Contains(f.served, r) })
	}
	f.mu.Unlock()
	for _, r := range receivers {
		r.receive(m.Channel, m.Message)
	}
}

// onSubscription notices that the server ended a subscription by itself: the slot has moved.
func (f *feed) onSubscription(p rueidis.PubSubSubscription) {
	s := subject{p.Channel, false}
	f.mu.Lock()
	f.last, f.served = "", nil // what follows is another message
	sub := f.subjects[s]
	ended := p.Kind == "sunsubscribe" && f.moved != nil && sub != nil && sub.sent
	if ended {
		sub.interrupt(errMoved)
	}
	f.mu.Unlock()
	if ended {
		f.moved()
	}
}

// leave ends all subscriptions of a receiver, without waiting.
func (f *feed) leave(r receiver) { f.remove(r, f.all()...) }

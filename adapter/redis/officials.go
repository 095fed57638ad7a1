package redis

import (
	"context"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/internal/brokers"
)

// officials looks for official servers. These emit to a room right after they have told sockets to
// join it, and rely on a subscription to all rooms. While there is one, each link is subscribed to all
// rooms too. Only Go servers subscribe to a marker: more subscribers of the channel for requests than
// of the marker mean that there is an official server.
type officials struct {
	c    *connection
	kick chan struct{} // look at once
	stop context.CancelFunc
	done chan struct{} // run has returned

	mu    sync.Mutex
	links map[*classicLink]struct{}
}

// Bounds of officials.
const (
	lookEvery   = 500 * time.Millisecond // the time between two looks
	lookPause   = 100 * time.Millisecond // the shortest one
	lookTimeout = 2 * time.Second
)

func newOfficials(c *connection) *officials {
	ctx, stop := context.WithCancel(context.Background())
	o := &officials{
		c: c, kick: make(chan struct{}, 1), stop: stop, done: make(chan struct{}), links: make(map[*classicLink]struct{}),
	}
	go o.run(ctx)
	return o
}

func (o *officials) run(ctx context.Context) {
	defer close(o.done)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-o.kick:
		case <-ctx.Done():
			return
		}
		o.look(ctx)
		_ = brokers.Sleep(ctx, lookPause)
	}
}

// heard looks at once if the sender of a message for l seems to be an official server, and l is not
// subscribed to all rooms yet.
func (o *officials) heard(l *classicLink, uid string) {
	const official = 6 // characters
	if o != nil && len(uid) == official && !l.allRooms.Load() {
		select {
		case o.kick <- struct{}{}:
		default:
		}
	}
}

func (o *officials) add(l *classicLink) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.links[l] = struct{}{}
}

func (o *officials) remove(l *classicLink) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.links, l)
}

// look counts, and subscribes or unsubscribes. It changes nothing when Redis does not answer.
func (o *officials) look(ctx context.Context) {
	var channels []string
	o.mu.Lock()
	for l := range o.links {
		channels = append(channels, l.requests, l.marker)
	}
	o.mu.Unlock()
	if len(channels) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	counts, err := o.c.subscribers(ctx, channels)
	if err != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for l := range o.links {
		wanted := counts[l.requests] > counts[l.marker]
		switch had := l.allRooms.Swap(wanted); {
		case wanted && !had:
			l.subs.add(l, nil, l.pattern())
		case !wanted && had:
			l.subs.remove(l, l.pattern())
		}
	}
}

func (o *officials) close() {
	o.stop()
	<-o.done
}

// subscribers returns the number of subscribers of channels, on all nodes of a cluster.
func (c *connection) subscribers(ctx context.Context, channels []string) (map[string]int64, error) {
	nodes := map[string]rueidis.Client{"": c.client}
	if c.client.Mode() == rueidis.ClientModeCluster {
		nodes = c.client.Nodes()
	}
	sums := make(map[string]int64, len(channels))
	for _, node := range nodes {
		counts, err := node.Do(ctx, node.B().PubsubNumsub().Channel(channels...).Build()).AsIntMap()
		if err != nil {
			return nil, err
		}
		for channel, n := range counts {
			sums[channel] += n
		}
	}
	return sums, nil
}

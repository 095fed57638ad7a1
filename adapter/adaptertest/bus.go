package adaptertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
)

// Bus joins the servers of one process, as a broker joins those of many: for tests of what is done
// with an adapter, and of adapters. It encodes and decodes each message (package clusterwire), so that
// servers share no memory. Its methods simulate the faults of a broker.
//
// The fields must be set before there are servers. The zero value is ready: its servers know each
// other by heartbeats.
type Bus struct {
	// Counted makes the bus count its servers (adapter.Counter).
	Counted bool
	// Kept makes it keep broadcasts and sessions, for recovery (adapter.Log). It counts, too.
	Kept bool
	// MaxKept limits the broadcasts that are kept. Default 10,000.
	MaxKept int
	// Reorders makes messages overtake each other, at random.
	Reorders bool
	// Doubles makes each message arrive twice.
	Doubles bool
	// Outbox has the limits of each server's outbox.
	Outbox adapter.OutboxConfig

	mu       sync.Mutex
	servers  []*connection
	links    []*link // of all servers
	err      error
	stopped  bool
	changed  chan struct{} // closed when Stop, Cut or Kill, or their end, changes something
	log      []kept
	first    uint64 // position of log[0], when there is one
	sessions map[string]session
	sent     int
	arrived  int
}

// NewBus returns a bus without servers.
func NewBus() *Bus { return new(Bus) }

// Adapter returns the Factory of one more server.
func (b *Bus) Adapter(c adapter.ClusterConfig) adapter.Factory {
	return adapter.NewNode(b.Broker(), c).Adapter
}

// Broker returns the connection of one more server. Servers have the numbers 0, 1, 2... in the order
// of the calls.
func (b *Bus) Broker() adapter.Broker {
	c := &connection{bus: b, connected: true}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.servers = append(b.servers, c)
	return c
}

// Fail makes each Publish and Reply return err from now on, and delivers nothing. Nil undoes it.
func (b *Bus) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// Stop makes the bus neither accept nor deliver messages until Continue. Nothing is lost.
func (b *Bus) Stop() { b.change(func() { b.stopped = true }) }

// Continue undoes Stop.
func (b *Bus) Continue() { b.change(func() { b.stopped = false }) }

// change calls f under the lock and wakes the callers of waitLocked.
func (b *Bus) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// waitLocked waits for the next change. It unlocks meanwhile.
func (b *Bus) waitLocked(ctx context.Context) error {
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	changed := b.changed
	b.mu.Unlock()
	defer b.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", adapter.ErrBrokerDown, context.Cause(ctx))
	}
}

// Cut ends the connections of servers until [Bus.Restore], by their numbers; none means all. Messages
// from them fail with ErrBrokerDown and messages to them are lost. With Kept both arrive later.
func (b *Bus) Cut(servers ...int) {
	for _, c := range b.of(servers) {
		was := false
		b.change(func() { was, c.connected = c.connected, false })
		if was {
			c.report(fmt.Errorf("%w: it was cut", adapter.ErrBrokerDown))
		}
	}
}

// Restore connects servers again, and tells them that messages may have been lost, unless these are kept.
func (b *Bus) Restore(servers ...int) {
	for _, c := range b.of(servers) {
		var links []*link
		b.change(func() {
			if c.connected {
				return
			}
			c.connected = true
			links = slices.DeleteFunc(slices.Clone(b.links), func(l *link) bool { return l.connection != c })
			if !b.Kept {
				c.gaps++
			}
		})
		for _, l := range links {
			l.restored()
		}
	}
}

// Kill ends servers as if their processes were killed: they send and receive nothing any more, and
// are not counted.
func (b *Bus) Kill(servers ...int) {
	for _, c := range b.of(servers) {
		b.change(func() {
			c.connected, c.killed = false, true
			b.links = slices.DeleteFunc(b.links, func(l *link) bool { return l.connection == c })
		})
	}
}

// Messages returns the numbers of messages sent and received so far, by all servers together.
func (b *Bus) Messages() (sent, received int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sent, b.arrived
}

// of returns servers by their numbers, all for none.
func (b *Bus) of(numbers []int) (list []*connection) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(numbers) == 0 {
		return slices.Clone(b.servers)
	}
	for _, i := range numbers {
		list = append(list, b.servers[i])
	}
	return list
}

// connection is one server on the bus.
type connection struct {
	bus    *Bus
	uid    string
	report func(error)
	outbox *adapter.Outbox

	// Guarded by bus.mu.
	connected bool
	killed    bool
	received  uint64
	stats     adapter.BrokerStats // what Send counts
	gaps      uint64
}

// Start implements adapter.Broker.
func (c *connection) Start(_ context.Context, uid string, report func(error)) error {
	c.uid, c.report = uid, report
	cfg := c.bus.Outbox
	cfg.Send, cfg.Report = c.send, report
	c.outbox = adapter.NewOutbox(cfg)
	return nil
}

// Join implements adapter.Broker.
func (c *connection) Join(_ context.Context, m adapter.Member) (adapter.Link, error) {
	l := &link{connection: c, member: m}
	l.idle = sync.NewCond(&l.mu)
	b := c.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	b.links = append(b.links, l)
	switch {
	case b.Kept:
		l.reached = b.newestLocked()
		return logLink{countedLink{l}}, nil
	case b.Counted:
		return countedLink{l}, nil
	}
	return l, nil
}

// Stats implements adapter.Broker.
func (c *connection) Stats() adapter.BrokerStats {
	c.bus.mu.Lock()
	defer c.bus.mu.Unlock()
	s := c.stats
	s.Broker, s.Connected, s.Received, s.Gaps = "bus", c.connected, c.received, c.gaps
	if c.outbox != nil {
		s.QueuedBytes = c.outbox.Bytes()
	}
	return s
}

// Close implements adapter.Broker.
func (c *connection) Close(ctx context.Context) error { return c.outbox.Close(ctx) }

// send hands a batch to the servers that it is for.
func (c *connection) send(ctx context.Context, batch []adapter.Item) error {
	b := c.bus
	b.mu.Lock() // so that messages arrive everywhere in the same order
	defer b.mu.Unlock()
	for b.stopped || b.Kept && !c.connected && !c.killed {
		if err := b.waitLocked(ctx); err != nil {
			c.stats.Failed += uint64(len(batch))
			return err
		}
	}
	if !c.connected {
		c.stats.Failed += uint64(len(batch))
		return fmt.Errorf("%w: it was cut with %d messages under way", adapter.ErrBrokerDown, len(batch))
	}
	for _, it := range batch {
		b.sent++
		c.stats.Sent++
		m := parcel{data: it.Data}
		if b.Kept && it.Key == "" && it.Message.Type == adapter.MessageBroadcast && it.Message.RequestID == "" {
			m.position = b.keepLocked(it)
		}
		for _, l := range b.links {
			if l.member.Namespace() == it.Message.Namespace && (it.Key == "" || it.Key == l.uid) {
				l.putLocked(m)
			}
		}
	}
	return nil
}

// link is one namespace of a server: what is on its way to it, and the goroutine that hands it over
// while there is something.
type link struct {
	*connection
	member adapter.Member

	mu      sync.Mutex // bus.mu may be held
	idle    *sync.Cond
	queue   []parcel
	running bool
	closed  bool
	reached uint64 // position of the last broadcast handed over
}

// parcel is a message on its way. Its position is 0 unless it is kept.
type parcel struct {
	data     []byte
	position uint64
}

// Publish implements adapter.Link.
func (l *link) Publish(m *adapter.Message) error { return l.put("", m) }

// Reply implements adapter.Link.
func (l *link) Reply(to, m *adapter.Message) error { return l.put(to.UID, m) }

func (l *link) put(to string, m *adapter.Message) error {
	data, _, err := clusterwire.Encode(m)
	if err != nil {
		return err
	}
	b := l.bus
	b.mu.Lock()
	err = b.err
	if err == nil && !l.connected && (!b.Kept || l.killed) {
		err = adapter.ErrBrokerDown
	}
	b.mu.Unlock()
	if err != nil {
		return err
	}
	return l.outbox.Put(adapter.Item{Key: to, Data: data, Message: m})
}

// Close implements adapter.Link.
func (l *link) Close() error {
	b := l.bus
	b.mu.Lock()
	b.links = slices.DeleteFunc(b.links, func(other *link) bool { return other == l })
	b.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue, l.closed = nil, true
	for l.running {
		l.idle.Wait()
	}
	return nil
}

// putLocked queues a message. The caller must hold bus.mu.
func (l *link) putLocked(m parcel) {
	if !l.connected && m.position == 0 {
		return // it is lost
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.queue = append(l.queue, m)
	if l.bus.Doubles {
		l.queue = append(l.queue, m)
	}
	l.runLocked(l.connected)
}

func (l *link) runLocked(connected bool) {
	if !l.running && connected && len(l.queue) > 0 {
		l.running = true
		go l.run()
	}
}

// restored goes on after Cut.
func (l *link) restored() {
	if !l.bus.Kept {
		l.member.Gap(adapter.ErrBrokerDown)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runLocked(true)
}

func (l *link) run() {
	for {
		l.bus.mu.Lock()
		connected := l.connected
		l.bus.mu.Unlock()
		l.mu.Lock()
		if len(l.queue) == 0 || !connected {
			l.running = false
			l.idle.Broadcast()
			l.mu.Unlock()
			return
		}
		i := 0
		if l.bus.Reorders {
			i = rand.IntN(len(l.queue)) // #nosec G404 -- any order will do
		}
		next := l.queue[i]
		l.queue = slices.Delete(l.queue, i, i+1)
		l.mu.Unlock()
		l.bus.mu.Lock()
		l.bus.arrived++
		l.received++
		l.bus.mu.Unlock()
		l.member.Receive(next.message())
		l.mu.Lock()
		l.reached = max(l.reached, next.position)
		l.mu.Unlock()
	}
}

// message reads a message.
func (p parcel) message() *adapter.Message {
	m, err := clusterwire.Read(string(p.data))
	if err != nil {
		panic(err) // the bus wrote it
	}
	if p.position > 0 {
		m.Position = format(p.position)
	}
	return m
}

// countedLink is a link of a bus that counts.
type countedLink struct{ *link }

// Count implements adapter.Counter.
func (l countedLink) Count(ctx context.Context) (int, error) {
	b := l.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.stopped {
		if err := b.waitLocked(ctx); err != nil {
			return 0, err
		}
	}
	if b.err != nil {
		return 0, b.err
	}
	if !l.connected {
		return 0, adapter.ErrBrokerDown
	}
	n := 0
	for _, other := range b.links {
		if other.connected && other.member.Namespace() == l.member.Namespace() {
			n++
		}
	}
	return n, nil
}

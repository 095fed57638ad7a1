package adaptertest

import (
	"context"
	"sync"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
)

// Bus joins the servers of one process, as a broker joins those of many: for tests of what is done
// with an adapter, and of adapters. What arrives has been written and read (package clusterwire),
// so that nothing is shared.
type Bus struct {
	mu    sync.Mutex
	links []*link // of all servers
	err   error
}

// NewBus returns a bus without servers.
func NewBus() *Bus { return &Bus{} }

// Adapter returns what makes the adapters of one server.
func (b *Bus) Adapter(c adapter.ClusterConfig) adapter.Factory {
	return adapter.NewNode(b.Broker(), c).Adapter
}

// Broker returns the connection of one more server.
func (b *Bus) Broker() adapter.Broker {
	return &connection{bus: b}
}

// Fail makes each Publish and Reply from now on return an error, and nothing arrive; nil ends that.
func (b *Bus) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// connection is one server on the bus.
type connection struct {
	bus *Bus
	uid string
}

func (c *connection) Start(_ context.Context, uid string, _ func(error)) error {
	c.uid = uid
	return nil
}

func (c *connection) Join(_ context.Context, m adapter.Member) (adapter.Link, error) {
	l := &link{connection: c, member: m}
	l.idle = sync.NewCond(&l.mu)
	c.bus.mu.Lock()
	defer c.bus.mu.Unlock()
	c.bus.links = append(c.bus.links, l)
	return l, nil
}

func (c *connection) Stats() adapter.BrokerStats {
	return adapter.BrokerStats{Broker: "bus", Connected: true}
}

func (c *connection) Close(context.Context) error { return nil }

// link is one namespace of a server: what is on its way to it, and the goroutine that hands it over
// while there is something.
type link struct {
	*connection
	member adapter.Member

	mu      sync.Mutex
	idle    *sync.Cond
	queue   [][]byte
	running bool
	closed  bool
}

// Publish sends a message to the namespace on all servers, the sender's included.
func (l *link) Publish(m *adapter.Message) error {
	return l.carry(m, func(*link) bool { return true })
}

// Reply sends a message to one server.
func (l *link) Reply(to, m *adapter.Message) error {
	return l.carry(m, func(other *link) bool { return other.uid == to.UID })
}

// Close ends the subscription.
func (l *link) Close() error {
	b := l.bus
	b.mu.Lock()
	for i, other := range b.links {
		if other == l {
			b.links = append(b.links[:i:i], b.links[i+1:]...)
			break
		}
	}
	b.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue, l.closed = nil, true
	for l.running {
		l.idle.Wait()
	}
	return nil
}

func (l *link) carry(m *adapter.Message, to func(*link) bool) error {
	data, _, err := clusterwire.Encode(m)
	if err != nil {
		return err
	}
	b := l.bus
	b.mu.Lock() // so that messages arrive everywhere in the same order
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	for _, other := range b.links {
		if other.member.Namespace() == m.Namespace && to(other) {
			other.put(data)
		}
	}
	return nil
}

func (l *link) put(data []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.queue = append(l.queue, data)
	if !l.running {
		l.running = true
		go l.run()
	}
}

func (l *link) run() {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.running = false
			l.idle.Broadcast()
			l.mu.Unlock()
			return
		}
		data := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		m, err := clusterwire.Read(string(data))
		if err != nil {
			panic(err) // the bus wrote it
		}
		l.member.Receive(m)
	}
}

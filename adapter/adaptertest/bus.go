package adaptertest

import (
	"sync"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
)

// Bus joins the servers of one process, as a broker joins those of many: for tests of what is done
// with an adapter, and of adapters. What arrives has been written and read (package clusterwire),
// so that nothing is shared.
type Bus struct {
	mu      sync.Mutex
	members []*member
	err     error
}

// NewBus returns a bus without servers.
func NewBus() *Bus { return &Bus{} }

// Adapter returns what makes the adapters of one server.
func (b *Bus) Adapter(c adapter.ClusterConfig) adapter.Factory {
	return func(h adapter.Host) (adapter.Adapter, error) {
		m := &member{bus: b}
		x, err := adapter.NewCluster(h, m, c)
		if err != nil {
			return nil, err
		}
		m.cluster = x
		b.mu.Lock()
		b.members = append(b.members, m)
		b.mu.Unlock()
		return x, x.Start()
	}
}

// Fail makes each Publish and PublishResponse from now on return an error, and nothing arrive; nil
// ends that.
func (b *Bus) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// member is one adapter on the bus: what is on its way to it, and the goroutine that hands it over
// while there is something.
type member struct {
	bus     *Bus
	cluster *adapter.Cluster

	mu      sync.Mutex
	queue   [][]byte
	running bool
}

// Publish sends a message to all adapters, the sender's included.
func (m *member) Publish(msg *adapter.Message) error {
	return m.bus.carry(msg, func(*member) bool { return true })
}

// PublishResponse sends a message to one adapter.
func (m *member) PublishResponse(uid string, msg *adapter.Message) error {
	return m.bus.carry(msg, func(to *member) bool { return to.cluster.UID() == uid })
}

func (b *Bus) carry(msg *adapter.Message, to func(*member) bool) error {
	data, _, err := clusterwire.Encode(msg)
	if err != nil {
		return err
	}
	b.mu.Lock() // so that messages arrive everywhere in the same order
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	for _, m := range b.members {
		if to(m) {
			m.put(data)
		}
	}
	return nil
}

func (m *member) put(data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queue = append(m.queue, data)
	if !m.running {
		m.running = true
		go m.run()
	}
}

func (m *member) run() {
	for {
		m.mu.Lock()
		if len(m.queue) == 0 {
			m.running = false
			m.mu.Unlock()
			return
		}
		data := m.queue[0]
		m.queue = m.queue[1:]
		m.mu.Unlock()
		msg, err := clusterwire.Decode(data)
		if err != nil {
			panic(err) // the bus wrote it
		}
		m.cluster.Receive(msg)
	}
}

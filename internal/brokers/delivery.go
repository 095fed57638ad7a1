package brokers

import (
	"sync"

	"github.com/gosocketio/socketio/adapter"
)

// Delivery is the way to a namespace. It passes on one message at a time, and none once it is closed.
type Delivery struct {
	To adapter.Member

	mu     sync.Mutex // held while To receives
	closed bool
}

// Receive passes on a message.
func (d *Delivery) Receive(m *adapter.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.To.Receive(m)
	}
}

// Gap passes on that messages were lost.
func (d *Delivery) Gap(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.To.Gap(err)
	}
}

// Close ends delivery. None is under way when it returns.
func (d *Delivery) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
}

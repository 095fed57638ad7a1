package nats

import (
	"errors"
	"sync"

	"github.com/nats-io/nats.go"
)

// inbox is the queue of what the subscriptions of a process have received, in the order of arrival.
// When it is full messages are dropped, until it is half empty, and that is a gap.
type inbox struct {
	in     chan *nats.Msg // of all subscriptions
	limit  int            // of bytes
	handle func(*nats.Msg)
	gap    func(error)
	stop   chan struct{}
	ended  sync.WaitGroup

	mu     sync.Mutex
	filled sync.Cond // something was queued, or missed, or the inbox was closed
	queue  []received
	bytes  int   // of the queue and of what is being handled
	full   bool  // messages are dropped
	missed error // why messages were missed since the last one in the queue
	down   bool  // the connection is lost: it is not over yet
	closed bool
}

// received is a message, or a gap.
type received struct {
	message *nats.Msg
	gap     error
}

const (
	// maxReceived limits the bytes that wait, with those of inboxChannel besides.
	maxReceived = 64 << 20
	// inboxChannel is the number of messages that the connection may be ahead of take.
	inboxChannel = 1 << 15
	// takeBatch limits the messages that take queues under one lock.
	takeBatch = 256
	// messageSize is what a message counts for besides its data.
	messageSize = 256
)

// errSlow is why messages were dropped.
var errSlow = errors.New("this server does not handle them quickly enough")

func newInbox(limit int, handle func(*nats.Msg), gap func(error)) *inbox {
	x := &inbox{
		in: make(chan *nats.Msg, inboxChannel), limit: limit, handle: handle, gap: gap, stop: make(chan struct{}),
	}
	x.filled.L = &x.mu
	x.ended.Go(x.take)
	x.ended.Go(x.run)
	return x
}

// close ends both goroutines. Nothing is handled when it returns.
func (x *inbox) close() {
	x.mu.Lock()
	x.closed = true
	x.filled.Signal()
	x.mu.Unlock()
	close(x.stop)
	x.ended.Wait()
}

// take takes from the connection's channel. NATS drops messages when that is full.
func (x *inbox) take() {
	for {
		select {
		case m := <-x.in:
			x.put(m)
		case <-x.stop:
			return
		}
	}
}

// put queues a message, and those behind it that are there.
func (x *inbox) put(m *nats.Msg) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.putLocked(m)
	for range takeBatch {
		select {
		case m := <-x.in:
			x.putLocked(m)
		default:
			return
		}
	}
}

func (x *inbox) putLocked(m *nats.Msg) {
	size := len(m.Data) + messageSize
	if x.full && x.bytes <= x.limit/2 {
		x.full = false
	}
	if x.full || x.bytes > 0 && x.bytes+size > x.limit {
		x.full = true
		x.missLocked(errSlow)
		return
	}
	x.nameLocked()
	x.queue = append(x.queue, received{message: m})
	x.bytes += size
	x.filled.Signal()
}

// nameLocked queues the gap, if there is one and it is over.
func (x *inbox) nameLocked() {
	if x.missed != nil && !x.down {
		x.queue = append(x.queue, received{gap: x.missed})
		x.missed = nil
	}
}

func (x *inbox) missLocked(err error) {
	if x.missed == nil {
		x.missed = err
	}
	x.filled.Signal()
}

// lost records that messages were missed.
func (x *inbox) lost(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.missLocked(err)
}

// disconnected records that messages are missed until reconnected is called.
func (x *inbox) disconnected(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.down = true
	x.missLocked(err)
}

// reconnected is called when the server has all subscriptions again.
func (x *inbox) reconnected() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.down = false
	if !x.full {
		x.nameLocked()
	}
	x.filled.Signal()
}

// next returns what to handle next, nil when the inbox is closed.
func (x *inbox) next(spare []received) []received {
	x.mu.Lock()
	defer x.mu.Unlock()
	for {
		switch {
		case x.closed:
			return nil
		case len(x.queue) > 0:
			list := x.queue
			x.queue = spare
			return list
		case x.missed != nil && !x.down:
			list := append(spare, received{gap: x.missed})
			x.missed, x.full = nil, false
			return list
		}
		x.filled.Wait()
	}
}

// keptItems is the capacity of a queue that is used again.
const keptItems = 1024

// run handles what is queued.
func (x *inbox) run() {
	var spare []received
	for {
		list := x.next(spare)
		if list == nil {
			return
		}
		for i := range list {
			r := list[i]
			list[i] = received{} // what was handled must not be kept alive
			if r.message == nil {
				x.gap(r.gap)
				continue
			}
			x.handle(r.message)
			x.mu.Lock()
			x.bytes -= len(r.message.Data) + messageSize
			closed := x.closed
			x.mu.Unlock()
			if closed {
				return
			}
		}
		if spare = list[:0]; cap(spare) > keptItems {
			spare = nil
		}
	}
}

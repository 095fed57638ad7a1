package adapter

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Item is one command in an [Outbox].
type Item struct {
	// Key is the destination: a channel, a subject or a stream.
	Key string
	// Data is the encoded message.
	Data []byte
	// Message is the message that Data encodes, for reports and for brokers that need its fields.
	Message *Message
}

// size returns the size of an item in the queue, in bytes.
func (it *Item) size() int { return len(it.Key) + len(it.Data) + 64 }

// Defaults of OutboxConfig.
const (
	DefaultOutboxBytes = 64 << 20
	DefaultBatchBytes  = 256 << 10
	DefaultBatchItems  = 512
)

// OutboxConfig configures an [Outbox].
type OutboxConfig struct {
	// MaxBytes limits the items that are queued or being sent: their keys, their data and 64 bytes for
	// each. Default 64 MiB.
	MaxBytes int
	// MaxItemBytes limits one item. Default MaxBytes.
	MaxItemBytes int
	// BatchBytes and BatchItems end a batch. Default 256 KiB and 512.
	BatchBytes, BatchItems int
	// Send sends a batch, in order, and returns when it has been sent or has failed for good: retries
	// are up to Send. It is called for one batch at a time and must not keep it. ctx ends when Close
	// gives up.
	Send func(ctx context.Context, batch []Item) error
	// Report gets the errors of Send. It must not block. Default: none.
	Report func(error)
}

// Outbox is the bounded queue in front of a broker's connection. It keeps the order and sends in
// batches: items that are put while one batch is being sent are the next one. It has no timer.
//
// Its goroutine exists only while there is something to send.
type Outbox struct {
	cfg OutboxConfig

	mu      sync.Mutex
	queue   []batch
	spare   []Item // empty, for the next batch
	bytes   int    // of the queue and of the batch being sent
	running bool
	closed  bool
	idle    chan struct{} // closed when nothing is queued or being sent; nil unless Close waits

	ctx  context.Context // of Send
	stop context.CancelFunc
}

// batch is what Send gets at once.
type batch struct {
	items []Item
	bytes int
}

// NewOutbox returns an empty outbox.
func NewOutbox(c OutboxConfig) *Outbox {
	setDefault(&c.MaxBytes, DefaultOutboxBytes)
	setDefault(&c.MaxItemBytes, c.MaxBytes)
	setDefault(&c.BatchBytes, DefaultBatchBytes)
	setDefault(&c.BatchItems, DefaultBatchItems)
	if c.Report == nil {
		c.Report = func(error) {}
	}
	o := &Outbox{cfg: c}
	o.ctx, o.stop = context.WithCancel(context.Background())
	return o
}

func setDefault(v *int, to int) {
	if *v <= 0 {
		*v = to
	}
}

// Put queues an item. It returns ErrTooLarge, ErrBrokerStalled when the outbox is full, or
// ErrBrokerDown after Close.
func (o *Outbox) Put(it Item) error {
	size := it.size()
	if size > o.cfg.MaxItemBytes {
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, size, o.cfg.MaxItemBytes)
	}
	o.mu.Lock()
	switch {
	case o.closed:
		o.mu.Unlock()
		return fmt.Errorf("%w: it is closed", ErrBrokerDown)
	case o.bytes+size > o.cfg.MaxBytes:
		waiting := o.bytes
		o.mu.Unlock()
		return fmt.Errorf("%w: %d bytes are queued, the limit is %d", ErrBrokerStalled, waiting, o.cfg.MaxBytes)
	}
	o.addLocked(it, size)
	start := !o.running
	o.running = true
	o.mu.Unlock()
	if start {
		go o.run()
	}
	return nil
}

// addLocked adds an item to the last batch, or to a new one when that is full.
func (o *Outbox) addLocked(it Item, size int) {
	o.bytes += size
	if n := len(o.queue); n > 0 {
		last := &o.queue[n-1]
		if len(last.items) < o.cfg.BatchItems && last.bytes+size <= o.cfg.BatchBytes {
			last.items = append(last.items, it)
			last.bytes += size
			return
		}
		o.spare = slices.Grow(o.spare, len(last.items))
	}
	o.queue = append(o.queue, batch{append(o.spare, it), size})
	o.spare = nil
}

// Bytes returns the size of the items that are queued or being sent.
func (o *Outbox) Bytes() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes
}

func (o *Outbox) run() {
	o.mu.Lock()
	for len(o.queue) > 0 {
		all := o.queue
		b := all[0]
		all[0] = batch{}
		if o.queue = o.queue[1:]; len(o.queue) == 0 {
			o.queue = all[:0]
		}
		o.mu.Unlock()
		if err := o.cfg.Send(o.ctx, b.items); err != nil {
			o.cfg.Report(err)
		}
		clear(b.items) // keeps no sent item alive
		o.mu.Lock()
		o.bytes -= b.bytes
		o.spare = b.items[:0]
	}
	o.running = false
	if o.idle != nil {
		close(o.idle)
		o.idle = nil
	}
	o.mu.Unlock()
}

// Close refuses further items. It returns when those queued have been sent, or when ctx ends: then it
// cancels Send and returns an error that matches ErrBrokerDown.
func (o *Outbox) Close(ctx context.Context) error {
	o.mu.Lock()
	o.closed = true
	var idle chan struct{}
	if o.running {
		if o.idle == nil {
			o.idle = make(chan struct{})
		}
		idle = o.idle
	}
	o.mu.Unlock()
	defer o.stop()
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		o.stop()
		<-idle
		return fmt.Errorf("%w: %w", ErrBrokerDown, context.Cause(ctx))
	}
}

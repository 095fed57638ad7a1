package adapter

import (
	"context"
	"fmt"
	"sync"
)

// Item is one command in an [Outbox].
type Item struct {
	// Key is where to: a channel, a subject, a stream.
	Key string
	// Data is the encoded message.
	Data []byte
	// Message is what Data encodes, for reports and for brokers that need more of it than Data.
	Message *Message
}

// size is what an item counts for, with its place in the queue.
func (it *Item) size() int { return len(it.Key) + len(it.Data) + 64 }

// Defaults of OutboxConfig.
const (
	DefaultOutboxBytes = 64 << 20
	DefaultBatchBytes  = 256 << 10
	DefaultBatchItems  = 512
)

// OutboxConfig configures an [Outbox].
type OutboxConfig struct {
	// MaxBytes limits what waits, with about 64 bytes for each message. Default 64 MiB.
	MaxBytes int
	// MaxItemBytes limits one message; 0 means MaxBytes.
	MaxItemBytes int
	// BatchBytes and BatchItems end a batch. Default 256 KiB and 512.
	BatchBytes, BatchItems int
	// Send sends a batch, in order, and returns when that is done or has failed for good. It decides
	// itself what may be sent again. One batch is under way at a time. ctx ends when the outbox is
	// closed and its time is up. The batch must not be kept.
	Send func(ctx context.Context, batch []Item) error
	// Report gets the errors of Send. It must not block. Default: none.
	Report func(error)
}

// Outbox is the queue in front of a broker's connection: bounded, in order, in batches. What
// gathers while one batch is sent is the next batch; nothing waits for a timer.
//
// Its goroutine exists only while there is something to send.
type Outbox struct {
	cfg OutboxConfig

	mu      sync.Mutex
	queue   []Item
	bytes   int // of the queue and of the batch under way
	running bool
	closed  bool
	idle    chan struct{} // closed when nothing is queued or under way; nil unless Close waits

	ctx  context.Context // of Send
	stop context.CancelFunc
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
		return fmt.Errorf("%w: %d bytes wait, the limit is %d", ErrBrokerStalled, waiting, o.cfg.MaxBytes)
	}
	o.queue = append(o.queue, it)
	o.bytes += size
	start := !o.running
	o.running = true
	o.mu.Unlock()
	if start {
		go o.run()
	}
	return nil
}

// Bytes returns what waits or is under way.
func (o *Outbox) Bytes() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes
}

func (o *Outbox) run() {
	var all, spare []Item
	for {
		o.mu.Lock()
		if len(o.queue) == 0 {
			o.running = false
			if o.idle != nil {
				close(o.idle)
				o.idle = nil
			}
			o.mu.Unlock()
			return
		}
		all, o.queue = o.queue, spare
		o.mu.Unlock()
		for rest := all; len(rest) > 0; {
			n, bytes := 0, 0
			for n < len(rest) && n < o.cfg.BatchItems && (n == 0 || bytes+rest[n].size() <= o.cfg.BatchBytes) {
				bytes += rest[n].size()
				n++
			}
			if err := o.cfg.Send(o.ctx, rest[:n:n]); err != nil {
				o.cfg.Report(err)
			}
			rest = rest[n:]
			o.mu.Lock()
			o.bytes -= bytes
			o.mu.Unlock()
		}
		clear(all) // what was sent must not be kept alive
		spare = all[:0]
		if cap(spare) > 4*o.cfg.BatchItems { // what a stall let grow
			spare = nil
		}
	}
}

// Close refuses further items and returns when those queued have been sent, or when ctx ends: then
// Send is told to give up.
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

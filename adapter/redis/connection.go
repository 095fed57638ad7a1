package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
)

// connection is what the brokers of all wires share: the client, the queue in front of it, and
// figures.
type connection struct {
	cfg     Config
	command func(b rueidis.Builder, it *adapter.Item) rueidis.Completed // what sends an item

	client rueidis.Client // set by start
	uid    string
	report func(error)
	outbox *adapter.Outbox

	unsent    atomic.Int64 // when the broker became unreachable for the outbox, in ns; 0 while it is not
	lostFeeds atomic.Int32 // feeds without a connection

	sent, received, failed, gaps, invalid atomic.Uint64
}

// start connects and sets up the outbox. The error names the server, never a password.
func (c *connection) start(ctx context.Context, uid string, report func(error)) error {
	c.uid, c.report = uid, report
	if err := c.connect(ctx); err != nil {
		return fmt.Errorf("%w: redis at %s: %s", adapter.ErrBrokerDown, c.cfg.where(), oneLine(err))
	}
	c.outbox = adapter.NewOutbox(adapter.OutboxConfig{
		MaxBytes: c.cfg.MaxQueuedBytes, Send: c.send, Report: c.report,
	})
	return nil
}

func (c *connection) connect(ctx context.Context) error {
	if c.client = c.cfg.Client; c.client == nil {
		type result struct {
			client rueidis.Client
			err    error
		}
		done := make(chan result, 1)
		go func() { // NewClient has no context; it ends by itself, after the timeouts of dialling
			client, err := rueidis.NewClient(c.cfg.options())
			done <- result{client, err}
		}()
		select {
		case r := <-done:
			if r.err != nil {
				return r.err
			}
			c.client = r.client
		case <-ctx.Done():
			go func() {
				if r := <-done; r.err == nil {
					r.client.Close()
				}
			}()
			return context.Cause(ctx)
		}
	}
	err := c.client.Do(ctx, c.client.B().Ping().Build()).Error()
	if err != nil {
		c.closeClient()
	}
	return err
}

func (c *connection) closeClient() {
	if c.cfg.Client == nil && c.client != nil {
		c.client.Close()
	}
}

// oneLine returns the text of an error, without the line breaks that errors of several have.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// put queues a message.
func (c *connection) put(channel string, data []byte, m *adapter.Message) error {
	return c.outbox.Put(adapter.Item{Key: channel, Data: data, Message: m})
}

// holdFor is how long the outbox keeps what it cannot send because nobody listens at the server's
// address. After that it is lost.
const holdFor = 30 * time.Second

// send sends a batch. It sends a command again only if the first attempt cannot have reached the
// server: when no connection could be made.
func (c *connection) send(ctx context.Context, batch []adapter.Item) error {
	builder := c.client.B()
	commands := make([]rueidis.Completed, 0, len(batch))
	for delay := 20 * time.Millisecond; ; delay = min(2*delay, time.Second) {
		commands = commands[:0]
		for i := range batch {
			commands = append(commands, c.command(builder, &batch[i]))
		}
		// An own context, because a connection of its own would be opened for one that can end.
		results := c.client.DoMulti(ctx, commands...)
		lost, refused := 0, 0
		var cause error
		for _, r := range results {
			if err := r.Error(); err != nil && !rueidis.IsRedisNil(err) {
				lost++
				cause = err
				if notSent(err) {
					refused++
				}
			}
		}
		c.sent.Add(uint64(len(batch) - lost))
		if refused < len(batch) {
			c.unsent.Store(0)
		} else if c.hold(ctx, delay) {
			continue
		}
		if lost == 0 {
			return nil
		}
		c.failed.Add(uint64(lost))
		return fmt.Errorf("%w: %d of %d messages were lost: %s", adapter.ErrBrokerDown, lost, len(batch), oneLine(cause))
	}
}

// hold waits before another attempt to send a batch that was not sent. It returns false if there is
// to be none.
func (c *connection) hold(ctx context.Context, delay time.Duration) bool {
	now := time.Now()
	c.unsent.CompareAndSwap(0, now.UnixNano())
	if now.Sub(time.Unix(0, c.unsent.Load())) > holdFor {
		return false
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// notSent reports whether a command cannot have reached the server.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// Stats implements adapter.Broker.
func (c *connection) Stats() adapter.BrokerStats {
	s := adapter.BrokerStats{
		Broker:    "redis " + c.cfg.Wire.String() + " at " + c.cfg.where(),
		Connected: c.client != nil && c.unsent.Load() == 0 && c.lostFeeds.Load() == 0,
		Sent:      c.sent.Load(), Received: c.received.Load(), Failed: c.failed.Load(),
		Gaps: c.gaps.Load(), Invalid: c.invalid.Load(),
	}
	if c.outbox != nil {
		s.QueuedBytes = c.outbox.Bytes()
	}
	return s
}

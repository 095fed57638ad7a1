package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
)

// connection is what the brokers of all wires share: the client, the queue in front of it, and
// figures.
type connection struct {
	cfg     Config
	command func(b rueidis.Builder, it *adapter.Item) rueidis.Completed // what sends an item

	started atomic.Bool     // start has succeeded
	client  rueidis.Client  // set by start
	open    context.Context // of dialling; ended by hangUp
	hangUp  context.CancelFunc
	uid     string
	report  func(error)
	outbox  *adapter.Outbox
	subs    subscriptions

	unsent    atomic.Int64          // when the broker became unreachable for the outbox, in ns; 0 while it is not
	lostFeeds atomic.Int32          // feeds without a connection
	feedErr   atomic.Pointer[error] // why one could not connect, or was lost
	backAt    atomic.Int64          // when a feed that was lost was back the last time, in ns
	suspect   atomic.Bool           // a feed was lost, so that the connections for sending may be dead too

	sent, received, failed, gaps, invalid atomic.Uint64
}

// start connects and sets up the outbox and the subscriptions, to shard channels or to others.
func (c *connection) start(ctx context.Context, uid string, report func(error), sharded bool) (err error) {
	c.uid, c.report = uid, report
	if err := c.connect(ctx); err != nil {
		return err
	}
	c.outbox = adapter.NewOutbox(adapter.OutboxConfig{
		MaxBytes: c.cfg.MaxQueuedBytes, Send: c.send, Report: c.report,
	})
	if c.subs, err = newSubscriptions(ctx, c, sharded); err != nil {
		c.closeClient()
	}
	c.started.Store(err == nil)
	return err
}

// connect connects. The error names the server, never a password.
func (c *connection) connect(ctx context.Context) error {
	c.open, c.hangUp = context.WithCancel(context.Background())
	if err := c.dial(ctx); err != nil {
		c.hangUp()
		text := brokers.OneLine(err)
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
			text = "it does not answer as a Redis (is TLS the same on both sides?): " + text
		}
		return fmt.Errorf("%w: redis at %s: %s", adapter.ErrBroker, c.cfg.where(), text)
	}
	return nil
}

func (c *connection) dial(ctx context.Context) error {
	if c.client = c.cfg.Client; c.client == nil {
		type result struct {
			client rueidis.Client
			err    error
		}
		done := make(chan result, 1)
		go func() { // NewClient has no context; it ends by itself, after the timeouts of dialling
			client, err := rueidis.NewClient(c.options())
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

// end sends what is queued, until ctx ends, and disconnects.
func (c *connection) end(ctx context.Context) error {
	if !c.started.Load() {
		return nil
	}
	err := c.outbox.Close(ctx)
	c.hangUp()
	c.subs.close()
	c.closeClient()
	return err
}

func (c *connection) closeClient() {
	if c.cfg.Client == nil && c.client != nil {
		c.client.Close()
	}
}

// options returns those of the client. A connection under way ends with hangUp.
func (c *connection) options() rueidis.ClientOption {
	o := c.cfg.options()
	o.DialCtxFn = func(ctx context.Context, addr string, d *net.Dialer, config *tls.Config) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(c.open, cancel)()
		if config != nil {
			return (&tls.Dialer{NetDialer: d, Config: config}).DialContext(ctx, "tcp", addr)
		}
		return d.DialContext(ctx, "tcp", addr)
	}
	return o
}

// dialAny returns a connection of its own to a server that has all channels.
func (c *connection) dialAny(context.Context) (rueidis.DedicatedClient, error) {
	conn, _ := c.client.Dedicate()
	return conn, nil
}

// count returns the number of servers that are subscribed to a channel, this one included. After a
// loss of connections it waits, until ctx ends: those of other servers come back within maxDelay.
func (c *connection) count(ctx context.Context, command func(rueidis.Builder) rueidis.Completed) (int, error) {
	for {
		n, err := c.countNow(ctx, command)
		if err != nil || n > 0 && c.steady() {
			return n, err
		}
		if err := brokers.Sleep(ctx, minDelay); err != nil {
			return 0, fmt.Errorf("%w: redis: the subscriptions are not back: %w", adapter.ErrBrokerDown, err)
		}
	}
}

// steady reports whether the subscriptions of all servers can be there, after a loss of this one's.
// In a Redis Cluster a node may be away for long, and only the others count.
func (c *connection) steady() bool {
	return c.client.Mode() == rueidis.ClientModeCluster ||
		c.lostFeeds.Load() == 0 && time.Since(time.Unix(0, c.backAt.Load())) > maxDelay
}

// countNow returns the number of subscribers, of the answers to PUBSUB NUMSUB and the like. On a
// Redis Cluster that is the sum over the nodes, because each knows its own. A master that does not
// answer is an error.
func (c *connection) countNow(ctx context.Context, command func(rueidis.Builder) rueidis.Completed) (int, error) {
	nodes := map[string]rueidis.Client{c.cfg.where(): c.client}
	if c.client.Mode() == rueidis.ClientModeCluster {
		nodes = c.client.Nodes()
	}
	sum := 0
	failed := make(map[string]error)
	for addr, node := range nodes {
		counts, err := node.Do(ctx, command(node.B())).AsIntMap()
		if err != nil {
			failed[addr] = err
		}
		for _, n := range counts {
			sum += int(n)
		}
	}
	if len(failed) > 0 && len(failed) < len(nodes) {
		table, err := c.slotTable(ctx)
		if err != nil {
			return 0, fmt.Errorf("%w: redis: %s", adapter.ErrBrokerDown, brokers.OneLine(err))
		}
		maps.DeleteFunc(failed, func(addr string, _ error) bool { return !slices.Contains(table.masters(), addr) })
	}
	for addr, err := range failed {
		return 0, fmt.Errorf("%w: redis at %s: %s", adapter.ErrBrokerDown, addr, brokers.OneLine(err))
	}
	return sum, nil
}

// put queues a message, for c.command. What m refers to is not kept.
func (c *connection) put(channel string, data []byte, m *adapter.Message) error {
	if err := checkDepth(m); err != nil {
		return err
	}
	return c.outbox.Put(adapter.Item{Key: channel, Data: data})
}

// How long a batch waits that cannot be sent. After that it is lost, and so is what follows, until
// one can be sent again. On a Redis Cluster others wait behind what only one node would take.
const (
	holdFor        = 30 * time.Second
	holdForCluster = 5 * time.Second
)

// send sends a batch. It sends that again only if no command of it has been executed: when no
// connection could be made, or when the server says so.
func (c *connection) send(ctx context.Context, batch []adapter.Item) error {
	c.recover(ctx)
	c.settle(ctx)
	builder := c.client.B()
	commands := make([]rueidis.Completed, 0, len(batch))
	for delay := minDelay; ; delay = min(2*delay, maxDelay) {
		commands = commands[:0]
		for i := range batch {
			commands = append(commands, c.command(builder, &batch[i]))
		}
		lost, refused := 0, 0
		var cause error
		for _, r := range c.client.DoMulti(ctx, commands...) {
			if err := r.Error(); err != nil && !rueidis.IsRedisNil(err) {
				lost++
				cause = err
				if notSent(err) {
					refused++
				}
			}
		}
		if refused == len(batch) && c.hold(ctx, delay) {
			continue
		}
		if refused < len(batch) {
			c.unsent.Store(0)
		}
		c.sent.Add(uint64(len(batch) - lost))
		c.failed.Add(uint64(lost))
		if lost == 0 {
			for i := range batch { // all have been answered
				putBuffer(batch[i].Data)
			}
			return nil
		}
		return fmt.Errorf("%w: %d of %d messages were lost: %s",
			adapter.ErrBrokerDown, lost, len(batch), brokers.OneLine(cause))
	}
}

// The shortest and the longest delay between two attempts to connect.
const (
	minDelay = 20 * time.Millisecond
	maxDelay = time.Second
)

// recover waits, after a loss of connections, until the subscriptions of all servers are back: what is
// sent before that is lost. Then it makes rueidis notice which connections are dead, for the same reason.
func (c *connection) recover(ctx context.Context) {
	if !c.suspect.Load() {
		return
	}
	for !c.steady() && c.hold(ctx, minDelay) {
	}
	c.suspect.Store(false)
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for _, node := range c.client.Nodes() {
		_ = node.Do(ctx, node.B().Ping().Build()).Error() // what follows finds out again
	}
}

// settleFor limits the wait for subscriptions.
const settleFor = time.Second

// settle waits for the subscriptions to rooms that sockets have joined, so that nobody who learns of
// that by what is sent next can answer before they are made. It reports whether all are.
func (c *connection) settle(ctx context.Context) bool {
	if c.subs == nil || c.subs.settled() { // an Emitter has none
		return true
	}
	if c.lostFeeds.Load() > 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	c.subs.settle(ctx)
	return c.subs.settled()
}

// settleRooms is settle for sockets that have joined rooms: what they miss after it is a gap.
func (c *connection) settleRooms(ctx context.Context) {
	if !c.settle(ctx) {
		c.subs.late(errLate)
	}
}

var errLate = fmt.Errorf("%w: the subscription to a room was confirmed late", adapter.ErrBrokerStalled)

// hold waits before another attempt to send a batch that was not sent. It returns false if there is
// to be none.
func (c *connection) hold(ctx context.Context, delay time.Duration) bool {
	limit, now := holdFor, time.Now()
	if c.client.Mode() == rueidis.ClientModeCluster {
		limit = holdForCluster
	}
	c.unsent.CompareAndSwap(0, now.UnixNano())
	if now.Sub(time.Unix(0, c.unsent.Load())) > limit {
		return false
	}
	return brokers.Sleep(ctx, delay) == nil
}

// notSent reports whether a command cannot have been executed.
func notSent(err error) bool {
	if answer, ok := rueidis.IsRedisErr(err); ok {
		code, _, _ := strings.Cut(answer.Error(), " ")
		return slices.Contains([]string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY"}, code)
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// Stats implements adapter.Broker.
func (c *connection) Stats() adapter.BrokerStats {
	s := adapter.BrokerStats{
		Broker:    "redis " + c.cfg.Wire.String() + " at " + c.cfg.where(),
		Connected: c.started.Load() && c.unsent.Load() == 0 && c.lostFeeds.Load() == 0,
		Sent:      c.sent.Load(), Received: c.received.Load(), Failed: c.failed.Load(),
		Gaps: c.gaps.Load(), Invalid: c.invalid.Load(),
	}
	if c.started.Load() {
		s.QueuedBytes = c.outbox.Bytes()
	}
	return s
}

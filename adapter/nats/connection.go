package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
)

// connection is what the brokers of both wires share: the NATS connection, the queue in front of it,
// what comes from it, and figures.
type connection struct {
	cfg    Config
	where  string // for logs and errors
	uid    string
	report func(error)

	nc      *nats.Conn // set by start
	restore func()     // the handlers of a connection of the user's
	outbox  *adapter.Outbox
	inbox   *inbox
	subs    *subscriptions
	barrier *barrier
	closing chan struct{} // closed by end
	back    func()        // called when the connection was made again; nil for nothing

	connected  atomic.Bool
	maxPayload atomic.Int64 // of one message, as the server says

	// Of the outbox's goroutine.
	downSince time.Time // when send found no connection
	copies    uint64    // messages that were published more than once

	mu    sync.RWMutex
	links map[string]*link // by the token of the namespace

	sent, received, failed, gaps, invalid atomic.Uint64
}

// start connects. The error names the server, never a password.
func (c *connection) start(
	ctx context.Context, uid string, report func(error), send func(context.Context, []adapter.Item) error,
) error {
	c.uid, c.report, c.where = uid, report, c.cfg.where()
	c.links, c.closing = make(map[string]*link), make(chan struct{})
	nc, err := c.dial(ctx)
	if err == nil {
		if c.barrier, err = newBarrier(c, nc); err == nil {
			err = flush(ctx, nc)
		}
		if err != nil {
			c.barrier.close()
		}
		if err != nil && c.cfg.Conn == nil {
			nc.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("%w: nats at %s: %s", adapter.ErrBroker, c.where, oneLine(err))
	}
	c.nc = nc
	c.inbox = newInbox(maxReceived, c.receive, c.gap)
	c.setHandlers()
	c.update()
	c.outbox = adapter.NewOutbox(adapter.OutboxConfig{MaxBytes: c.cfg.MaxQueuedBytes, Send: send, Report: report})
	c.subs = newSubscriptions(c)
	return nil
}

// dial returns the user's connection, or a new one.
func (c *connection) dial(ctx context.Context) (*nats.Conn, error) {
	if c.cfg.Conn != nil {
		return c.cfg.Conn, nil
	}
	servers := make([]string, len(c.cfg.Addrs))
	for i, addr := range c.cfg.Addrs {
		servers[i] = "nats://" + addr
	}
	type result struct {
		nc  *nats.Conn
		err error
	}
	done := make(chan result, 1)
	go func() { // Connect has no context; it ends by itself, after dialTimeout for each server
		nc, err := nats.Connect(strings.Join(servers, ","), c.cfg.options(c.uid)...)
		done <- result{nc, err}
	}()
	select {
	case r := <-done:
		return r.nc, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.err == nil {
				r.nc.Close()
			}
		}()
		return nil, context.Cause(ctx)
	}
}

// flush waits until the server has handled everything that was sent to it.
func flush(ctx context.Context, nc *nats.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	return nc.FlushWithContext(ctx)
}

// flushTimeout is longer than it takes to find that the server does not answer.
const flushTimeout = 30 * time.Second

// setHandlers sets those of the connection. They run one at a time, on a goroutine of it.
func (c *connection) setHandlers() {
	nc := c.nc
	failed, lost, back := nc.ErrorHandler(), nc.DisconnectErrHandler(), nc.ReconnectHandler()
	found, closed := nc.DiscoveredServersHandler(), nc.ClosedHandler()
	nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		c.onError(sub, err)
		if failed != nil {
			failed(nc, sub, err)
		}
	})
	nc.SetDisconnectErrHandler(func(nc *nats.Conn, err error) {
		c.onDisconnect(err)
		if lost != nil {
			lost(nc, err)
		}
	})
	nc.SetReconnectHandler(func(nc *nats.Conn) {
		c.onReconnect()
		if back != nil {
			back(nc)
		}
	})
	nc.SetDiscoveredServersHandler(func(nc *nats.Conn) {
		c.onDiscovered()
		if found != nil {
			found(nc)
		}
	})
	nc.SetClosedHandler(func(nc *nats.Conn) {
		c.onClosed()
		if closed != nil {
			closed(nc)
		}
	})
	c.restore = func() {
		nc.SetClosedHandler(closed)
		nc.SetDiscoveredServersHandler(found)
		nc.SetErrorHandler(failed)
		nc.SetDisconnectErrHandler(lost)
		nc.SetReconnectHandler(back)
	}
}

// onReconnect waits until the server has the subscriptions, which were sent to it.
func (c *connection) onReconnect() {
	if flush(context.Background(), c.nc) == nil { // else it is called again
		c.update()
		c.inbox.reconnected()
		if c.back != nil {
			c.back()
		}
	}
}

// onClosed is called when the connection is closed for good: by its owner, or by the library after an
// error of the server that it does not know.
func (c *connection) onClosed() {
	if c.isClosing() {
		return
	}
	cause := "by its owner"
	if err := c.nc.LastError(); err != nil {
		cause = oneLine(err)
	}
	c.report(fmt.Errorf("%w: nats at %s: the connection was closed for good, restart this server: %s",
		adapter.ErrBrokerDown, c.where, cause))
}

// onDiscovered is called when there is another NATS server. What its clients said before that did not
// come here: the processes ask each other again who there is.
func (c *connection) onDiscovered() {
	if m, wants := c.process().(adapter.Discoverer); wants {
		m.Discovered()
	}
}

// servers returns the other servers.
func (c *connection) servers(ctx context.Context) []adapter.Server {
	if m, knows := c.process().(adapter.ServerLister); knows {
		return m.Servers(ctx)
	}
	return nil
}

// process returns the member of the name "", nil if there is none.
func (c *connection) process() adapter.Member {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if l := c.links[token("")]; l != nil {
		return l.to.To
	}
	return nil
}

func (c *connection) update() {
	c.connected.Store(c.nc.IsConnected())
	c.maxPayload.Store(c.nc.MaxPayload())
}

func (c *connection) onDisconnect(err error) {
	if c.isClosing() {
		return
	}
	if err == nil {
		err = errors.New("it was closed")
	}
	c.connected.Store(false)
	err = fmt.Errorf("%w: nats at %s: %s", adapter.ErrBrokerDown, c.where, oneLine(err))
	c.inbox.disconnected(err)
	c.report(err)
}

// onError handles what the server refused, and messages that the connection has dropped.
func (c *connection) onError(sub *nats.Subscription, err error) {
	switch {
	case c.isClosing():
	case errors.Is(err, nats.ErrSlowConsumer):
		if sub != nil && sub != c.barrier.sub && strings.HasPrefix(sub.Subject, c.cfg.Prefix+".") {
			c.inbox.lost(errSlow)
		}
	case c.cfg.Conn != nil && !strings.Contains(err.Error(), `"`+c.cfg.Prefix+"."): // no concern of ours
	default:
		if isPermission(err) && strings.Contains(err.Error(), " Publish to ") {
			c.failed.Add(1)
		}
		c.report(fmt.Errorf("%w: nats at %s: %s", adapter.ErrBroker, c.where, oneLine(err)))
	}
}

func isPermission(err error) bool { return errors.Is(err, nats.ErrPermissionViolation) }

// oneLine returns the text of an error, without line breaks and the name of the library, and with what
// can be done about it.
func oneLine(err error) string {
	text := strings.TrimPrefix(brokers.OneLine(err), "nats: ")
	if api, is := errors.AsType[*jetstream.APIError](err); is && api.Description != "" {
		return api.Description
	}
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return "JetStream: " + errNoAnswer.Error()
	case errors.Is(err, nats.ErrAuthorization):
		return text + ": the server does not accept this user, password, token or file of credentials"
	case errors.Is(err, nats.ErrSecureConnWanted):
		return text + ": the NATS server has no TLS, the URL must begin with nats"
	case errors.Is(err, nats.ErrSecureConnRequired):
		return text + ": the NATS server wants TLS, the URL must begin with tls"
	}
	return text
}

// end sends what is queued, until ctx ends, and disconnects.
func (c *connection) end(ctx context.Context) error {
	if c.nc == nil || c.isClosing() { // it has not been started, or was closed
		return nil
	}
	err := c.outbox.Close(ctx)
	close(c.closing)
	c.connected.Store(false)
	if c.cfg.Conn == nil {
		c.nc.Close() // it may be stuck: first of all
	}
	c.subs.close()
	c.barrier.close()
	c.inbox.close()
	c.restore()
	return err
}

func (c *connection) isClosing() bool {
	select {
	case <-c.closing:
		return true
	default:
		return false
	}
}

// join adds a link and subscribes to its subjects.
func (c *connection) join(ctx context.Context, l *link, subjects ...string) error {
	c.mu.Lock()
	c.links[l.token] = l
	c.mu.Unlock()
	c.subs.add(subjects...)
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if err := c.subs.confirm(ctx, subjects...); err != nil {
		c.leave(l)
		return fmt.Errorf("%w: nats at %s: namespace %s: %s", adapter.ErrBroker, c.where, l.namespace, oneLine(err))
	}
	return nil
}

// leave removes a link. Its Member gets nothing when it returns.
func (c *connection) leave(l *link) {
	c.mu.Lock()
	if c.links[l.token] == l {
		delete(c.links, l.token)
	}
	c.mu.Unlock()
	c.subs.leave(l.prefix)
	l.close()
}

// receive passes a message on to its namespace.
func (c *connection) receive(m *nats.Msg) {
	rest, _ := strings.CutPrefix(m.Subject, c.cfg.Prefix+".")
	namespace, _, _ := strings.Cut(rest, ".")
	c.mu.RLock()
	l := c.links[namespace]
	c.mu.RUnlock()
	if l != nil {
		l.receive(m)
	}
}

// gap names a gap to all namespaces.
func (c *connection) gap(err error) {
	c.gaps.Add(1)
	c.mu.RLock()
	links := make([]*link, 0, len(c.links))
	for _, l := range c.links {
		links = append(links, l)
	}
	c.mu.RUnlock()
	for _, l := range links {
		l.gap(err)
	}
}

// holdFor is how long a batch waits for a connection. After that it is lost, and so is what follows,
// until there is one.
const holdFor = 30 * time.Second

// send publishes a batch and has the server confirm it. When the connection is lost meanwhile,
// nobody knows what has arrived: that is lost. What was not sent waits for the next connection.
func (c *connection) send(ctx context.Context, batch []adapter.Item) error {
	lost, total := 0, len(batch)
	var cause error
	for len(batch) > 0 {
		if !c.hold(ctx) {
			lost += len(batch)
			cause = errors.New("there is no connection")
			break
		}
		n, err := c.attempt(ctx, batch)
		if err != nil {
			lost += n
			cause = err
		}
		batch = batch[n:]
	}
	c.sent.Add(uint64(total - lost))
	c.failed.Add(uint64(lost))
	if lost == 0 {
		return nil
	}
	return fmt.Errorf("%w: nats at %s: %d of %d messages were lost: %s",
		adapter.ErrBrokerDown, c.where, lost, total, oneLine(cause))
}

// attempt publishes items, until one is not sent at all for want of a connection. It returns how many
// were published. With an error all of these are lost.
func (c *connection) attempt(ctx context.Context, batch []adapter.Item) (n int, err error) {
	c.subs.apply()
	before := c.nc.Stats().Reconnects
	if !c.nc.IsConnected() {
		return 0, nil
	}
	for i := range batch {
		if err = c.publish(&batch[i]); err != nil {
			break
		}
		n++
	}
	switch {
	case errors.Is(err, nats.ErrReconnectBufExceeded):
	case err != nil:
		n++ // that one is lost, too
	}
	if n == 0 {
		return 0, nil
	}
	if lost := flush(ctx, c.nc); lost != nil {
		return n, lost
	}
	if c.nc.Stats().Reconnects != before {
		return n, errors.New("the connection was lost")
	}
	if err != nil && !errors.Is(err, nats.ErrReconnectBufExceeded) {
		return n, err
	}
	return n, nil
}

// hold waits for a connection. It returns false if there is none for too long.
func (c *connection) hold(ctx context.Context) bool {
	for !c.nc.IsConnected() {
		now := time.Now()
		if c.downSince.IsZero() {
			c.downSince = now
		}
		if now.Sub(c.downSince) > holdFor || c.nc.IsClosed() {
			return false
		}
		if brokers.Sleep(ctx, 20*time.Millisecond) != nil {
			return false
		}
	}
	c.downSince = time.Time{}
	return true
}

// put queues a message.
func (c *connection) put(it adapter.Item) error {
	if limit := int(c.maxPayload.Load()); len(it.Data)+maxHeader > limit {
		return fmt.Errorf("%w: %d bytes, max_payload of the NATS server is %d", adapter.ErrTooLarge, len(it.Data), limit)
	}
	return c.outbox.Put(it)
}

// Stats implements adapter.Broker.
func (c *connection) stats(wire string) adapter.BrokerStats {
	s := adapter.BrokerStats{
		Broker: "nats " + wire + " at " + c.cfg.where(), Connected: c.connected.Load(),
		Sent: c.sent.Load(), Received: c.received.Load(), Failed: c.failed.Load(),
		Gaps: c.gaps.Load(), Invalid: c.invalid.Load(),
	}
	if c.outbox != nil {
		s.QueuedBytes = c.outbox.Bytes()
	}
	return s
}

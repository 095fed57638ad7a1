package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gosocketio/socketio/adapter"
)

// broker is the connection of a process.
type broker struct {
	cfg    Config
	server *pgx.ConnConfig // nil with Config.Pool
	where  string

	uid      string
	report   func(error)
	outbox   *adapter.Outbox
	sender   sender
	listener *listener

	hasTable atomic.Bool

	// With Config.Recovery.
	logTables *strings.Replacer
	reader    *logReader
	pool      *pgxpool.Pool // of sessions and of clients that come back

	sent, received, failed, gaps, invalid atomic.Uint64
}

func newBroker(c Config) (*broker, error) {
	c, server, err := c.resolve()
	if err != nil {
		return nil, err
	}
	b := &broker{cfg: c, server: server}
	b.sender.b = b
	b.logTables = logTables(c.LogTable)
	if server == nil {
		server = c.Pool.Config().ConnConfig
	}
	b.where = where(server)
	return b, nil
}

// connectTimeout limits an attempt to connect.
const connectTimeout = 10 * time.Second

// connect returns a new connection, which the caller owns.
func (b *broker) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if b.cfg.Pool == nil {
		return pgx.ConnectConfig(ctx, b.server.Copy())
	}
	conn, err := b.cfg.Pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return conn.Hijack(), nil
}

// closeConn closes a connection, which may be broken. It does not take long.
func closeConn(conn *pgx.Conn) {
	if conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}
}

// Start implements adapter.Broker.
func (b *broker) Start(ctx context.Context, uid string, report func(error)) error {
	b.uid, b.report = uid, report
	listening, err := b.connect(ctx)
	if err == nil {
		if err = b.sender.connect(ctx); err == nil {
			err = b.findTable(ctx, b.sender.conn)
		}
	}
	if err == nil && b.cfg.Recovery {
		err = b.startLog(ctx)
	}
	if err != nil {
		closeConn(listening)
		closeConn(b.sender.conn)
		return fmt.Errorf("%w: postgres at %s: %s", adapter.ErrBroker, b.where, oneLine(err))
	}
	if !b.hasTable.Load() {
		report(fmt.Errorf("%w: %w", adapter.ErrBroker, b.noTable()))
	}
	b.sender.cleanup = time.Now().Add(b.cfg.CleanupInterval)
	b.outbox = adapter.NewOutbox(adapter.OutboxConfig{MaxBytes: b.cfg.MaxQueuedBytes, Send: b.sender.send, Report: report})
	b.listener = newListener(b, listening)
	return nil
}

// startLog prepares what Config.Recovery needs.
func (b *broker) startLog(ctx context.Context) error {
	end, err := b.prepareLog(ctx, b.sender.conn)
	if err != nil {
		return err
	}
	b.sender.log.id = rand.Text()
	b.reader = new(logReader)
	b.reader.end(end)
	b.pool = b.cfg.Pool
	if b.server != nil {
		b.pool, err = b.newPool()
	}
	return err
}

// poolConns is how many connections there are at most for sessions and for clients that come back.
const poolConns = 4

// newPool returns a pool of connections, which are made when they are needed.
func (b *broker) newPool() (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(b.cfg.URL)
	if err != nil {
		return nil, err
	}
	c.ConnConfig, c.MaxConns = b.server.Copy(), poolConns
	c.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return true } // else one that was lost fails
	return pgxpool.NewWithConfig(context.Background(), c)
}

// Join implements adapter.Broker.
func (b *broker) Join(ctx context.Context, m adapter.Member) (adapter.Link, error) {
	channel := b.cfg.Prefix + "#" + m.Namespace()
	switch {
	case len(channel) > maxChannel:
		return nil, fmt.Errorf("%w: postgres: namespace %s: its channel %q has %d bytes, PostgreSQL allows %d",
			adapter.ErrBroker, m.Namespace(), channel, len(channel), maxChannel)
	case !utf8.ValidString(channel) || strings.ContainsRune(channel, 0):
		return nil, fmt.Errorf("%w: postgres: %q is not the name of a channel", adapter.ErrBroker, channel)
	}
	l := newLink(b, m, channel)
	if err := b.listener.add(ctx, l); err != nil {
		return nil, fmt.Errorf("%w: postgres at %s: namespace %s: %s",
			adapter.ErrBroker, b.where, m.Namespace(), oneLine(err))
	}
	if b.cfg.Recovery {
		return logLink{l}, nil
	}
	return l, nil
}

// Stats implements adapter.Broker.
func (b *broker) Stats() adapter.BrokerStats {
	name := "postgres at "
	if b.cfg.Recovery {
		name = "postgres with recovery at "
	}
	s := adapter.BrokerStats{
		Broker: name + b.where, Sent: b.sent.Load(), Received: b.received.Load(), Failed: b.failed.Load(),
		Gaps: b.gaps.Load(), Invalid: b.invalid.Load(),
	}
	if b.listener != nil {
		s.Connected = b.listener.up.Load() && !b.sender.down.Load()
		s.QueuedBytes = b.outbox.Bytes()
	}
	return s
}

// Close implements adapter.Broker.
func (b *broker) Close(ctx context.Context) error {
	if b.listener == nil { // it has not been started
		return nil
	}
	err := b.outbox.Close(ctx)
	b.listener.close()
	closeConn(b.sender.conn)
	if b.pool != nil && b.pool != b.cfg.Pool {
		b.pool.Close()
	}
	return err
}

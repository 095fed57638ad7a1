package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
	"github.com/gosocketio/socketio/protocol"
)

// sender sends what the outbox gives it, over one connection, so that the order is kept. All but the
// atomic fields belong to the goroutine of the outbox.
type sender struct {
	b    *broker
	conn *pgx.Conn // nil while there is none

	backend backend // PostgreSQL's process for conn, or for the connection before it

	suspect atomic.Bool // the connection of the listener was lost, so that this one may be dead too
	down    atomic.Bool // there is no connection

	downSince time.Time
	cleanup   time.Time // when it is due
	uncleaned bool      // the last one failed

	log logWriter
}

// Bounds of a batch.
const (
	holdFor  = 30 * time.Second // how long one waits for a connection; then it is lost, and so is what follows
	minDelay = 20 * time.Millisecond
)

func (b *broker) lost(format string, args ...any) error {
	return fmt.Errorf("%w: postgres at %s: %s", adapter.ErrBrokerDown, b.where, fmt.Sprintf(format, args...))
}

// send sends a batch. What PostgreSQL has refused, or what was not sent at all, is tried again: one by one
// when it was refused, because a transaction fails as a whole.
func (s *sender) send(ctx context.Context, batch []adapter.Item) error {
	lost, single, tries := 0, 0, 0
	var cause error
	for rest := batch; len(rest) > 0; {
		if err := s.connected(ctx); err != nil {
			lost, cause = lost+len(rest), err
			break
		}
		n := s.transactionLen(rest)
		if single > 0 {
			n = 1
		}
		err := s.transaction(ctx, rest[:n])
		refused := err != nil && !s.conn.IsClosed() && isRefused(err)
		if err != nil && !refused {
			s.drop()
		}
		switch {
		case err == nil:
			s.b.sent.Add(uint64(n))
			s.log.waiting = false
		case s.again(ctx, err, tries):
			tries++
			continue
		case refused && n > 1:
			single = n
			continue
		default:
			lost, cause = lost+n, err
		}
		rest = rest[n:]
		single, tries = max(single-n, 0), 0
	}
	s.clean(ctx)
	if lost == 0 {
		return nil
	}
	s.b.failed.Add(uint64(lost))
	return s.b.lost("%d of %d messages were lost: %s", lost, len(batch), oneLine(cause))
}

// isRefused reports whether an error is an answer of PostgreSQL, which has rolled back then.
func isRefused(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.SeverityUnlocalized == "ERROR"
}

// connected waits until there is a connection, and until the listener has one too: other servers
// subscribe again at the same time, and before that messages to them would be lost.
func (s *sender) connected(ctx context.Context) error {
	for delay := minDelay; ; delay = min(2*delay, time.Second) {
		err := s.attempt(ctx)
		if err == nil {
			s.downSince = time.Time{}
			s.down.Store(false)
			return nil
		}
		s.down.Store(true)
		if s.downSince.IsZero() {
			s.downSince = time.Now()
		}
		if time.Since(s.downSince) > holdFor {
			if !s.b.cfg.Recovery {
				return err
			}
			s.reportWaiting(err)
		}
		if brokers.Sleep(ctx, delay) != nil {
			return err
		}
	}
}

var errNotListening = errors.New("the connection that receives is lost")

func (s *sender) attempt(ctx context.Context) (err error) {
	if !s.b.listener.up.Load() {
		return errNotListening
	}
	if s.suspect.Swap(false) && s.conn != nil {
		ping, cancel := context.WithTimeout(ctx, pingTimeout)
		defer cancel()
		if s.conn.Ping(ping) != nil {
			s.drop()
		}
	}
	if s.conn == nil {
		err = s.connect(ctx)
	}
	return err
}

// backend is a process of PostgreSQL for a connection. Process ids come again, with another start.
type backend struct {
	pid   int32
	start time.Time
}

// connect connects, once the process of the connection before has ended. What that was sent last may
// still wait there, for a lock or for time, and must not be sent after what follows.
func (s *sender) connect(ctx context.Context) error {
	conn, err := s.b.connect(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	if err = s.endBefore(ctx, conn); err == nil {
		const own = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
		err = conn.QueryRow(ctx, own).Scan(&s.backend.pid, &s.backend.start)
	}
	if err != nil {
		closeConn(conn)
		return err
	}
	s.conn = conn
	return nil
}

// endBefore ends the process of the connection before.
func (s *sender) endBefore(ctx context.Context, conn *pgx.Conn) error {
	for s.backend.pid != 0 {
		tag, err := conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "+
			"WHERE pid = $1 AND backend_start = $2", s.backend.pid, s.backend.start)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if err := brokers.Sleep(ctx, minDelay); err != nil {
			return err
		}
	}
	return nil
}

// drop closes the connection.
func (s *sender) drop() {
	closeConn(s.conn)
	s.conn = nil
}

// transactionLen returns how many items of a batch one transaction takes. PostgreSQL sends only one
// of equal notifications in a transaction. A copy gets spaces behind it, as long as these fit.
func (s *sender) transactionLen(batch []adapter.Item) int {
	copies := make(map[string]int)
	for i := range batch {
		if it := &batch[i]; !isAttachment(it) {
			n := copies[notification(it)]
			if len(it.Data)+s.b.markLen(it.Message)+n > maxPayload {
				return i
			}
			copies[notification(it)] = n + 1
		}
	}
	return len(batch)
}

// notification identifies what PostgreSQL takes for the same.
func notification(it *adapter.Item) string { return it.Key + "\x00" + string(it.Data) }

// isAttachment reports whether an item goes into the table: it is MessagePack.
func isAttachment(it *adapter.Item) bool { return len(it.Data) > 0 && it.Data[0] != '{' }

// transaction sends items in one transaction and one round trip.
func (s *sender) transaction(ctx context.Context, items []adapter.Item) error {
	ctx, cancel := context.WithTimeout(ctx, holdFor)
	defer cancel()
	var batch pgx.Batch
	keeps := s.queueLog(&batch, items)
	if keeps {
		if done, err := s.committed(ctx); done || err != nil {
			return err
		}
	}
	s.queueNotifications(&batch, items)
	err := s.conn.SendBatch(ctx, &batch).Close()
	if keeps {
		err = s.settle(err)
	}
	return err
}

// queueNotifications adds the notifications of a transaction, and the rows that they refer to.
func (s *sender) queueNotifications(batch *pgx.Batch, items []adapter.Item) {
	var channels, payloads []string
	notify := func() {
		if len(channels) > 0 {
			batch.Queue("SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS n(channel, payload)",
				channels, payloads)
			channels, payloads = nil, nil
		}
	}
	copies := make(map[string]int)
	for i := range items {
		it := &items[i]
		switch {
		case len(it.Data) == 0: // it is for the log alone
		case isAttachment(it):
			notify()
			batch.Queue("WITH row AS (INSERT INTO "+s.b.cfg.TableName+" (payload) VALUES ($1) RETURNING id) "+
				`SELECT pg_notify($2, $3::text || id || '"}') FROM row`, it.Data, it.Key, s.b.mark(it.Message, header(it.Message)))
		default:
			key := notification(it)
			channels = append(channels, it.Key)
			payloads = append(payloads, s.b.mark(it.Message, string(it.Data)+strings.Repeat(" ", copies[key])))
			copies[key]++
		}
	}
	notify()
}

// mark marks the notification of a message that is in the log too.
func (b *broker) mark(m *adapter.Message, notification string) string {
	if b.markLen(m) == 0 {
		return notification
	}
	return copyMark + notification[len("{"):]
}

// markLen is by how much mark makes a notification longer.
func (b *broker) markLen(m *adapter.Message) int {
	if !b.cfg.Recovery || !brokers.InLog(m) {
		return 0
	}
	return len(copyMark) - len("{")
}

// header is the notification for a row, up to its id.
func header(m *adapter.Message) string {
	h := protocol.AppendString([]byte(`{"uid":`), m.UID)
	h = strconv.AppendUint(append(h, `,"type":`...), uint64(m.Type), 10)
	return string(append(h, `,"attachmentId":"`...))
}

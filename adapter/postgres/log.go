package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/internal/brokers"
)

// copyMark begins the notification of a message that is in the log: it is for servers without the log.
const copyMark = `{"log":true,`

// logLink is a namespace's end of a broker with a log.
type logLink struct{ *link }

var _ adapter.Log = logLink{}

// Reached implements adapter.Log.
func (l logLink) Reached() string { return l.b.reader.reached.Load().String() }

// ComparePositions implements adapter.Log.
func (l logLink) ComparePositions(a, b string) int {
	return brokers.ComparePositions(a, b, parsePosition, position.compare)
}

// After implements adapter.Log.
func (l logLink) After(ctx context.Context, from string) iter.Seq2[*adapter.Message, error] {
	return func(yield func(*adapter.Message, error) bool) {
		p, ok := parsePosition(from)
		if unknown := l.unknown.Load(); !ok || unknown != nil && p.compare(*unknown) <= 0 {
			yield(nil, adapter.ErrPosition)
			return
		}
		for end := p; ; { // a log that grows all the time must not keep it
			page, err := l.after(ctx, p, &end)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page {
				row := &page[i]
				own := row.namespace == l.to.To.Namespace()
				if row.seq != p.seq+1 || own && row.size == nil {
					yield(nil, adapter.ErrPosition) // it was deleted in the meantime, or others are not in the log
					return
				}
				if p.seq = row.seq; !own {
					continue
				}
				m, err := l.message(p, row)
				if err == nil && m.Type == adapter.MessageBroadcast && !yield(m, nil) {
					return
				}
			}
			if p.seq >= end.seq {
				return
			}
		}
	}
}

// after returns rows after a position, none at the end of the log, and ErrPosition unless the log has
// everything after it. It sets end to the end of the log.
func (l logLink) after(ctx context.Context, p position, end *position) ([]logged, error) {
	b := l.b
	err := b.pool.QueryRow(ctx, b.sql(readHead), b.cfg.Prefix).Scan(&end.made, &end.seq)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, adapter.ErrPosition
	case err != nil:
		return nil, b.logError("its end", err)
	case end.made != p.made || p.seq > end.seq:
		return nil, adapter.ErrPosition
	case p.seq == end.seq:
		return nil, nil
	}
	page, err := b.page(ctx, b.pool, p, []string{l.to.To.Namespace()})
	switch {
	case err != nil:
		return nil, b.logError("its messages", err)
	case len(page) == 0:
		return nil, adapter.ErrPosition
	}
	return page, nil
}

func (b *broker) logError(what string, err error) error {
	return fmt.Errorf("%w: postgres at %s: table %s: %s: %s",
		adapter.ErrBroker, b.where, b.cfg.LogTable, what, oneLine(err))
}

// message reads a row of the log.
func (l *link) message(p position, row *logged) (*adapter.Message, error) {
	if row.size != nil && row.payload == nil {
		return nil, fmt.Errorf("it has %d bytes, the limit is %d", *row.size, l.b.cfg.MaxQueuedBytes)
	}
	m, err := clusterwire.Read(string(row.payload))
	if err == nil && (m.Namespace != row.namespace || !brokers.InLog(m)) {
		err = clusterwire.ErrMessage
	}
	if err != nil {
		return nil, err
	}
	m.Position = p.String()
	return m, nil
}

// strange notes that a broadcast of a server or an emitter without the log has arrived: clients
// that were away then cannot be recovered. A row without a payload tells the other servers, and
// comes after everything received so far.
func (l *link) strange() {
	at := l.b.reader.reached.Load()
	if before := l.unknown.Swap(at); before != nil && *before == *at {
		return // the row is not back yet
	}
	m := &adapter.Message{UID: l.b.uid, Namespace: l.to.To.Namespace(), Type: adapter.MessageBroadcast}
	if err := l.b.outbox.Put(adapter.Item{Key: l.channel, Message: m}); err != nil {
		l.unknown.Store(nil) // so that the next one tries again
		l.b.report(fmt.Errorf("a broadcast that is not in the log cannot be noted in it: %w", err))
	}
}

// sessionKey tells whether a text, which comes from a client, can be the id of a session.
func sessionKey(pid string) bool {
	const most = 256
	return pid != "" && len(pid) <= most && utf8.ValidString(pid) && !strings.ContainsRune(pid, 0)
}

// PutSession implements adapter.Log.
func (l logLink) PutSession(ctx context.Context, pid string, data []byte, ttl time.Duration) error {
	if !sessionKey(pid) {
		return fmt.Errorf("%w: %.40q cannot be the id of a session", adapter.ErrBroker, pid)
	}
	if _, err := l.b.pool.Exec(ctx, l.b.sql(putSession), l.b.cfg.Prefix, pid, data, ttl.Seconds()); err != nil {
		return l.b.logError("a session cannot be stored", err)
	}
	return nil
}

// TakeSession implements adapter.Log.
func (l logLink) TakeSession(ctx context.Context, pid string) (data []byte, err error) {
	if !sessionKey(pid) {
		return nil, nil
	}
	err = l.b.pool.QueryRow(ctx, l.b.sql(takeSession), l.b.cfg.Prefix, pid).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, l.b.logError("a session cannot be taken", err)
	}
	return data, nil
}

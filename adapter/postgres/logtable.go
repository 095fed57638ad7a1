package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// sql returns SQL with the names of the tables of the log for LOG, HEAD and SESSIONS.
func (b *broker) sql(text string) string { return b.logTables.Replace(text) }

func logTables(log string) *strings.Replacer {
	return strings.NewReplacer("LOG", log, "HEAD", log+"_head", "SESSIONS", log+"_sessions")
}

// createLog makes the tables of the log. A row of HEAD is the end of a cluster's log. A transaction
// that adds to the log updates it first, and so waits until the one before has committed. That is
// why the numbers have no gaps, and why readers see them in order.
//
// It is one transaction with a lock: CREATE TABLE IF NOT EXISTS fails when another server runs it too.
const createLog = `
SELECT pg_advisory_xact_lock(8318825);
CREATE TABLE IF NOT EXISTS LOG (
    prefix     text NOT NULL,
    made       bigint NOT NULL,
    seq        bigint NOT NULL,
    nsp        text NOT NULL,
    batch      text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    payload    bytea,
    PRIMARY KEY (prefix, made, seq)
);
CREATE TABLE IF NOT EXISTS HEAD (
    prefix text PRIMARY KEY,
    made   bigint NOT NULL,
    seq    bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS SESSIONS (
    prefix     text NOT NULL,
    pid        text NOT NULL,
    data       bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (prefix, pid)
)`

// SQL of the log. A position is made, the time in milliseconds at which the log was begun, and seq.
const (
	logExists = `SELECT to_regclass('LOG') IS NOT NULL AND to_regclass('HEAD') IS NOT NULL
		AND to_regclass('SESSIONS') IS NOT NULL`

	beginLog = `INSERT INTO HEAD AS h (prefix, made, seq)
		VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 0)
		ON CONFLICT (prefix) DO UPDATE SET seq = h.seq RETURNING made, seq`

	readHead = `SELECT made, seq FROM HEAD WHERE prefix = $1`

	// appendLog adds payloads in one statement, so that the row of HEAD is not locked during a round
	// trip, and wakes up the readers.
	appendLog = `WITH head AS (
			INSERT INTO HEAD AS h (prefix, made, seq)
			VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, $2::bigint)
			ON CONFLICT (prefix) DO UPDATE SET seq = h.seq + $2 RETURNING made, seq
		), added AS (
			INSERT INTO LOG (prefix, made, seq, nsp, batch, payload)
			SELECT $1, made, seq - $2 + n, nsp, CASE n WHEN 1 THEN $3::text END, payload
			FROM head, unnest($4::text[], $5::bytea[]) WITH ORDINALITY AS e(nsp, payload, n)
		)
		SELECT pg_notify($6, made || '.' || seq) FROM head`

	// readPage reads some rows after a position, with the payloads of some namespaces.
	readPage = `SELECT seq, nsp, octet_length(payload),
			CASE WHEN nsp = ANY($4) AND octet_length(payload) <= $5 THEN payload END
		FROM (
			SELECT *, sum(octet_length(payload)) OVER
				(ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
			FROM (SELECT * FROM LOG WHERE prefix = $1 AND made = $2 AND seq > $3 ORDER BY seq LIMIT $6) AS next
		) AS page
		WHERE coalesce(before, 0) < $7 ORDER BY seq`

	// findBatch tells whether a batch is in the log, and whether it would be if it had been added after a
	// position.
	findBatch = `SELECT EXISTS (SELECT FROM LOG WHERE batch = $4),
		EXISTS (SELECT FROM HEAD WHERE prefix = $1 AND made = $2 AND seq = $3)
		OR EXISTS (SELECT FROM LOG WHERE prefix = $1 AND made = $2 AND seq = $3::bigint + 1)`

	trimLog = `DELETE FROM LOG WHERE (prefix, made, seq) IN (
		SELECT prefix, made, seq FROM (
			SELECT prefix, made, seq, created_at FROM LOG WHERE prefix = $1
			ORDER BY made, seq LIMIT $2 FOR UPDATE SKIP LOCKED
		) AS oldest
		WHERE created_at < now() - make_interval(secs => $3)
			OR seq <= (SELECT h.seq - $4 FROM HEAD AS h WHERE h.prefix = oldest.prefix AND h.made = oldest.made))`

	putSession = `INSERT INTO SESSIONS (prefix, pid, data, expires_at)
		VALUES ($1, $2, $3, now() + make_interval(secs => $4))
		ON CONFLICT (prefix, pid) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at`

	takeSession = `DELETE FROM SESSIONS WHERE prefix = $1 AND pid = $2
		RETURNING CASE WHEN expires_at > now() THEN data END`

	trimSessions = `DELETE FROM SESSIONS WHERE (prefix, pid) IN (SELECT prefix, pid FROM SESSIONS
		WHERE prefix = $1 AND expires_at < now() LIMIT $2 FOR UPDATE SKIP LOCKED)`
)

// querier is a connection or a pool.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// prepareLog looks for the tables of the log, makes them if Config.CreateTable says so, and returns the
// end of the log.
func (b *broker) prepareLog(ctx context.Context, conn *pgx.Conn) (end position, err error) {
	var found bool
	err = conn.QueryRow(ctx, b.sql(logExists)).Scan(&found)
	if err == nil && !found && b.cfg.CreateTable {
		_, err = conn.PgConn().Exec(ctx, b.sql(createLog)).ReadAll()
		found = err == nil
	}
	switch {
	case err != nil:
		return end, err
	case !found || !b.hasTable.Load():
		return end, fmt.Errorf("recovery needs the tables %s, %s and %s; make them, or set Config.CreateTable (create=true)",
			b.cfg.TableName, b.sql("LOG, HEAD"), b.sql("SESSIONS"))
	}
	return b.head(ctx, conn)
}

// head returns the end of the log, which it begins if that is necessary.
func (b *broker) head(ctx context.Context, conn querier) (end position, err error) {
	err = conn.QueryRow(ctx, b.sql(readHead), b.cfg.Prefix).Scan(&end.made, &end.seq)
	if errors.Is(err, pgx.ErrNoRows) {
		err = conn.QueryRow(ctx, b.sql(beginLog), b.cfg.Prefix).Scan(&end.made, &end.seq)
	}
	return end, err
}

// logged is a row of the log. Without a size it stands for broadcasts that are not in the log. The payload
// is nil for other namespaces and when it is too large.
type logged struct {
	seq       int64
	namespace string
	size      *int
	payload   []byte
}

// Bounds of a page.
const (
	pageRows  = 256
	pageBytes = 4 << 20 // but for the last row
)

// page returns rows after a position, with the payloads of some namespaces.
func (b *broker) page(ctx context.Context, conn querier, after position, namespaces []string) ([]logged, error) {
	rows, err := conn.Query(ctx, b.sql(readPage), b.cfg.Prefix, after.made, after.seq, namespaces,
		b.cfg.MaxQueuedBytes, pageRows, pageBytes)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l logged, err error) {
		err = row.Scan(&l.seq, &l.namespace, &l.size, &l.payload)
		return l, err
	})
}

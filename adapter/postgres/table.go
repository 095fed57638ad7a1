package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// findTable looks for the table, and makes it if Config.CreateTable says so.
func (b *broker) findTable(ctx context.Context, conn *pgx.Conn) error {
	exists, err := b.tableExists(ctx, conn)
	if err != nil || exists || !b.cfg.CreateTable {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+b.cfg.TableName+
		" (id bigserial UNIQUE, created_at timestamptz DEFAULT NOW(), payload bytea)")
	exists, findErr := b.tableExists(ctx, conn)
	if exists { // also when another server has made it at the same time, which is an error
		return nil
	}
	return errors.Join(err, findErr)
}

func (b *broker) tableExists(ctx context.Context, conn *pgx.Conn) (exists bool, err error) {
	err = conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", b.cfg.TableName).Scan(&exists)
	if err == nil {
		b.hasTable.Store(exists)
	}
	return exists, err
}

// noTable is the error of a message that needs the table when there is none.
func (b *broker) noTable() error {
	return fmt.Errorf("postgres: there is no table %s, so that binary messages and those of more than "+
		"%d bytes are refused; make it, or set Config.CreateTable (create=true)", b.cfg.TableName, b.cfg.PayloadThreshold)
}

// Bounds of a cleanup.
const (
	cleanupRows    = 1000 // at once, so that messages do not wait long
	cleanupTimeout = 5 * time.Second
)

// clean deletes rows that everybody has read, when it is time for that. Each server does, and leaves out
// the rows that another one is deleting.
func (s *sender) clean(ctx context.Context) {
	now := time.Now()
	if s.conn == nil || now.Before(s.cleanup) {
		return
	}
	s.cleanup = now.Add(s.b.cfg.CleanupInterval)
	ctx, cancel := context.WithTimeout(ctx, cleanupTimeout)
	defer cancel()
	err := s.deleteRows(ctx)
	if err != nil && !s.uncleaned {
		s.b.report(s.b.lost("the table %s is not cleaned up: %s", s.b.cfg.TableName, oneLine(err)))
	}
	s.uncleaned = err != nil
	if s.conn.IsClosed() {
		s.drop()
	}
}

func (s *sender) deleteRows(ctx context.Context) error {
	if !s.b.hasTable.Load() {
		if err := s.b.findTable(ctx, s.conn); err != nil || !s.b.hasTable.Load() {
			return err
		}
	}
	table := s.b.cfg.TableName
	done, err := s.conn.Exec(ctx, "DELETE FROM "+table+" WHERE id IN (SELECT id FROM "+table+
		" WHERE created_at < now() - make_interval(secs => $1) LIMIT $2 FOR UPDATE SKIP LOCKED)",
		s.b.cfg.CleanupInterval.Seconds(), cleanupRows)
	if err == nil && done.RowsAffected() == cleanupRows {
		s.cleanup = time.Time{} // there may be more
	}
	if err == nil && s.b.cfg.Recovery {
		err = s.trim(ctx)
	}
	return err
}

// trim deletes rows of the log that are too old or too many, and expired sessions.
func (s *sender) trim(ctx context.Context) error {
	c := &s.b.cfg
	messages, err := s.conn.Exec(ctx, s.b.sql(trimLog), c.Prefix, cleanupRows, c.Retention.Seconds(), c.MaxLen)
	if err != nil {
		return err
	}
	sessions, err := s.conn.Exec(ctx, s.b.sql(trimSessions), c.Prefix, cleanupRows)
	if err == nil && max(messages.RowsAffected(), sessions.RowsAffected()) == cleanupRows {
		s.cleanup = time.Time{} // there may be more
	}
	return err
}

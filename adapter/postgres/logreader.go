package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// logReader reads the log for all namespaces, in order, on the connection of the listener and in its
// goroutine. It resumes where it was when that connection is lost.
type logReader struct {
	x       *listener
	reached atomic.Pointer[position] // Receive has returned for everything up to it
}

// end moves on what has been read.
func (r *logReader) end(p position) { r.reached.Store(&p) }

// ring reads up to the end of the log that a notification tells.
func (r *logReader) ring(conn *pgx.Conn, payload string) error {
	end, ok := parsePosition(payload)
	if !ok {
		r.x.b.invalid.Add(1)
		return nil
	}
	last := *r.reached.Load()
	if end.made == last.made {
		for last.seq < end.seq {
			n, err := r.page(conn)
			if err != nil {
				return err
			}
			if n == 0 {
				return r.catchUp(conn)
			}
			last = *r.reached.Load()
		}
		return nil
	}
	return r.catchUp(conn)
}

// catchUp compares the log with what was read of it, and reads up to its end.
func (r *logReader) catchUp(conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(r.x.ctx, commandTimeout)
	defer cancel()
	end, err := r.x.b.head(ctx, conn)
	if err != nil {
		return err
	}
	switch last := *r.reached.Load(); {
	case end.made != last.made:
		r.gap(errors.New("it was made again"))
		r.end(position{end.made, 0})
	case end.seq < last.seq:
		r.gap(fmt.Errorf("it ends at %d, and %d has been read", end.seq, last.seq))
		r.end(end)
	}
	for last := *r.reached.Load(); last.seq < end.seq; last = *r.reached.Load() {
		n, err := r.page(conn)
		if err != nil {
			return err
		}
		if n == 0 {
			r.trimmed(last, end.seq+1)
		}
	}
	return nil
}

// page passes some messages to their namespaces, and returns how many rows there were.
func (r *logReader) page(conn *pgx.Conn) (n int, err error) {
	ctx, cancel := context.WithTimeout(r.x.ctx, commandTimeout)
	defer cancel()
	last := *r.reached.Load()
	links := r.x.namespaces()
	names := make([]string, 0, len(links))
	for name := range links {
		names = append(names, name)
	}
	page, err := r.x.b.page(ctx, conn, last, names)
	if err != nil {
		return 0, err
	}
	for i := range page {
		row := &page[i]
		if row.seq != last.seq+1 {
			r.trimmed(last, row.seq)
		}
		last.seq = row.seq
		if l := links[row.namespace]; l != nil && row.size != nil {
			r.pass(l, last, row)
		}
		r.end(last)
	}
	return len(page), nil
}

// pass passes a message to its namespace. Whatever is wrong with it, the next one is read.
func (r *logReader) pass(l *link, at position, row *logged) {
	b := r.x.b
	m, err := l.message(at, row)
	switch {
	case err != nil && row.payload == nil:
		b.gaps.Add(1)
		l.gap(fmt.Errorf("postgres: row %d of %s cannot be read: %w", row.seq, b.cfg.LogTable, err))
	case err != nil:
		b.invalid.Add(1)
	default:
		b.received.Add(1)
		l.to.Receive(m)
	}
}

// trimmed names the gap before the next message that there is.
func (r *logReader) trimmed(last position, next int64) {
	r.gap(fmt.Errorf("%d messages were deleted that were not read", next-last.seq-1))
	last.seq = next - 1
	r.end(last)
}

func (r *logReader) gap(err error) {
	r.x.b.gaps.Add(1)
	for _, l := range r.x.namespaces() {
		l.gap(fmt.Errorf("postgres: table %s: %w", r.x.b.cfg.LogTable, err))
	}
}

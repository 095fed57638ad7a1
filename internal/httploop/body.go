package httploop

import (
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gosocketio/socketio/internal/bufpool"
)

// body is the body of a request. conn.mu guards it.
type body struct {
	conn     *conn
	buf      []byte // what has arrived and was not read
	pooled   *[]byte
	missing  int64 // what has still to arrive
	closed   bool
	deadline time.Time
	arrived  sync.Cond // something, or the end of waiting
}

// begin takes what has arrived together with the head and returns what is behind the body.
func (b *body) begin(data []byte) (rest []byte) {
	if b.missing > int64(len(data)) || b.missing == 0 {
		return b.feed(data)
	}
	n := int(b.missing)
	b.missing = 0
	b.pooled = bufpool.Get(n)
	b.buf = (*b.pooled)[:copy(*b.pooled, data[:n])]
	return data[n:]
}

// feed takes what has arrived and returns what is behind the body.
func (b *body) feed(data []byte) (rest []byte) {
	n := min(int64(len(data)), b.missing)
	if n > 0 {
		b.missing -= n
		if !b.closed {
			b.buf = append(b.buf, data[:n]...)
		}
		b.conn.balance()
		b.arrived.Broadcast()
	}
	return data[n:]
}

// Read reads what has arrived, or waits for it.
func (b *body) Read(p []byte) (int, error) {
	c := b.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case b.closed:
			return 0, http.ErrBodyReadAfterClose
		case len(b.buf) > 0:
			n := copy(p, b.buf)
			b.buf = b.buf[n:]
			c.balance()
			return n, nil
		case b.missing == 0:
			return 0, io.EOF
		case c.ended:
			return 0, io.ErrUnexpectedEOF
		case !b.deadline.IsZero():
			left := time.Until(b.deadline)
			if left <= 0 {
				return 0, os.ErrDeadlineExceeded
			}
			c.expect(left)
		}
		b.arrived.Wait()
		c.due = time.Time{}
	}
}

// Close lets go of what was not read. It is called by handlers that do not want the rest, and when the request is answered.
func (b *body) Close() error {
	b.conn.mu.Lock()
	defer b.conn.mu.Unlock()
	b.closed = true
	b.buf = nil
	b.conn.balance()
	if b.pooled != nil {
		bufpool.Put(b.pooled)
		b.pooled = nil
	}
	return nil
}

package httploop

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gosocketio/socketio/internal/netloop"
	"github.com/gosocketio/socketio/internal/wheel"
)

const (
	// maxHead is how long the head of a plain request is at most, in bytes.
	maxHead = 8 << 10
	// maxKept is how much a connection may be ahead of its handlers, in bytes; then it is not read.
	maxKept = 64 << 10
	// maxSkipped is how much of a body may be missing when the answer is written, in bytes, if the connection is to go on behind it.
	maxSkipped = 256 << 10
	// partWait is how long a peer has to read the last answer before the connection is closed, if it goes on sending.
	partWait = 500 * time.Millisecond
)

// conn is a connection.
type conn struct {
	server *Server
	http   *http.Server
	loop   *netloop.Conn
	base   context.Context // of the contexts of requests
	remote string

	mu      sync.Mutex
	x       *exchange // what is being answered
	in      []byte    // what has arrived and was not looked at
	skip    int64     // of what arrives: the rest of a body that nobody wants
	paused  bool
	ended   bool // End was called
	closing bool // ends behind the answer
	parting bool // our side has ended: what still arrives is not looked at
	leaving bool // goes back to net/http
	posted  bool // the last request was a POST
	due     time.Time
	armed   time.Time // when timer expires, not later than due; zero when it is not set
	timer   wheel.Timer
}

// newConn moves a connection to the loop.
func (s *Server) newConn(srv *http.Server, nc net.Conn, loop *netloop.Loop) (*conn, error) {
	switch nc.(type) { // exactly these: a wrapper may do more than pass bytes on
	case *net.TCPConn, *net.UnixConn:
	default:
		s.unsuited.Store(srv)
		return nil, errors.ErrUnsupported
	}
	c := &conn{server: s, http: srv, remote: nc.RemoteAddr().String()}
	c.base = context.WithValue(context.WithValue(context.Background(), http.ServerContextKey, srv), http.LocalAddrContextKey, nc.LocalAddr())
	var err error
	c.loop, err = loop.Take(nc)
	return c, err
}

// Data takes bytes that arrived.
func (c *conn) Data(b []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.parting:
		return true
	case c.leaving:
		c.in = append(c.in, b...)
		return true
	case c.x != nil:
		c.keep(c.x.body.feed(b))
		return true
	}
	if c.skip > 0 {
		n := min(c.skip, int64(len(b)))
		b = b[n:]
		if c.skip -= n; c.skip == 0 {
			c.expect(c.idleTimeout())
		}
	}
	waited := len(c.in) > 0
	if waited {
		c.in = append(c.in, b...)
		b = c.in
	}
	switch c.next(b) {
	case partial:
		if !waited && len(c.in) > 0 {
			c.expect(c.headerTimeout())
		}
	case foreign:
		c.loop.Detach()
	case whole:
		if c.x.whole() {
			c.loop.Soon(c)
		} else {
			go c.run()
		}
	}
	return true
}

// keep keeps bytes for later. The caller holds the lock.
func (c *conn) keep(b []byte) {
	if len(b) > 0 {
		c.in = append(c.in, b...)
		c.balance()
	}
}

// balance stops or resumes reading. The caller holds the lock.
func (c *conn) balance() {
	full := len(c.in) > maxKept || c.x != nil && len(c.x.body.buf) > maxKept
	if full != c.paused && !c.ended {
		c.paused = full
		c.loop.Pause(full)
	}
}

// next looks for a request in b, all that has arrived. When that is foreign the connection must leave the loop now. The caller
// holds the lock.
func (c *conn) next(b []byte) verdict {
	all := b
	if c.posted { // old browsers send a line end behind a POST, RFC 9112 section 2.2
		b = trimLineEnds(b)
	}
	limit := maxHead
	if m := c.http.MaxHeaderBytes; m > 0 {
		limit = min(limit, m)
	}
	n, lines, v := scan(b, limit)
	if v == whole {
		ctx, cancel := context.WithCancel(c.base)
		r := build(string(b[:n]), lines, ctx)
		if r == nil || r.ContentLength > c.server.MaxBody || !c.server.Plain(r) {
			cancel()
			v = foreign
		} else {
			r.RemoteAddr = c.remote
			c.start(r, cancel)
			b = c.x.body.begin(b[n:])
		}
	}
	if v == foreign {
		c.leaving, c.due = true, time.Time{}
		b = all
	}
	if len(b) == 0 {
		c.in = nil
	} else {
		c.in = append(c.in[:0], b...) // b may be a part of it
	}
	return v
}

// start begins with a request. The caller holds the lock.
func (c *conn) start(r *http.Request, cancel context.CancelFunc) {
	c.due = time.Time{}
	c.posted = r.Method == http.MethodPost
	c.x = newExchange(c, r, cancel)
}

// End is the end of the connection for the loop.
func (c *conn) End(error) {
	c.mu.Lock()
	c.ended = true
	c.server.Wheel.Stop(&c.timer)
	x := c.x
	if x != nil {
		x.body.arrived.Broadcast()
	}
	leaving, in := c.leaving, c.in
	c.in = nil
	c.mu.Unlock()
	if leaving {
		if nc, err := c.loop.NetConn(); err == nil {
			c.server.work.Add(1)
			go c.server.handBack(c.http, nc, in)
		}
	}
	if x != nil {
		x.cancel() // whoever answers forgets the connection
	} else {
		c.server.forget(c)
	}
}

// retire ends the connection, behind the answer if there is one under way.
func (c *conn) retire() {
	c.mu.Lock()
	c.closing = true
	idle := c.x == nil && !c.parting && !c.leaving
	c.mu.Unlock()
	if idle {
		c.loop.Close()
	}
}

// headerTimeout is how long the head of a request may take.
func (c *conn) headerTimeout() time.Duration {
	switch {
	case c.http.ReadHeaderTimeout != 0:
		return c.http.ReadHeaderTimeout
	case c.http.ReadTimeout != 0:
		return c.http.ReadTimeout
	}
	return c.server.HeaderTimeout
}

// idleTimeout is how long the connection may be without a request; 0 or less: for ever.
func (c *conn) idleTimeout() time.Duration {
	if c.http.IdleTimeout != 0 {
		return c.http.IdleTimeout
	}
	return c.http.ReadTimeout
}

// expect sets the deadline of what is waited for: a request, the rest of its head, or of its body. 0 or less is none. The
// caller holds the lock.
func (c *conn) expect(within time.Duration) {
	if within <= 0 {
		c.due = time.Time{}
		return
	}
	c.due = time.Now().Add(within)
	if !c.ended && (c.armed.IsZero() || c.due.Before(c.armed)) {
		c.armed = c.due
		c.server.Wheel.Schedule(&c.timer, within, c)
	}
}

// Expired ends a wait that took too long.
func (c *conn) Expired(*wheel.Timer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = time.Time{}
	switch {
	case c.due.IsZero() || c.ended || c.leaving:
	case time.Now().Before(c.due): // it was moved
		c.expect(time.Until(c.due))
	case c.x != nil:
		c.x.body.arrived.Broadcast()
	default:
		c.loop.Close()
	}
}

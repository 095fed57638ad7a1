package httploop

import (
	"context"
	"errors"
	"log"
	"net/http"
	"runtime/debug"

	"github.com/gosocketio/socketio/internal/stack"
)

// exchange is a request and its answer.
type exchange struct {
	conn     *conn
	request  *http.Request
	cancel   context.CancelFunc
	body     body
	response response
}

func newExchange(c *conn, r *http.Request, cancel context.CancelFunc) *exchange {
	x := &exchange{conn: c, request: r, cancel: cancel}
	x.body.conn, x.body.arrived.L = c, &c.mu
	x.response.conn, x.response.length = c, -1
	if r.ContentLength > 0 {
		x.body.missing = r.ContentLength
		r.Body = &x.body
	}
	return x
}

// whole tells whether the request is one that does not wait for anything: a POST that has arrived.
func (x *exchange) whole() bool { return x.request.Method == http.MethodPost && x.body.missing == 0 }

// Work answers a request on the event loop, and what has arrived behind it elsewhere.
func (c *conn) Work() {
	if c.answer() {
		go c.run()
	}
}

// Stalled is called when Work takes long: it is on a goroutine of its own then.
func (c *conn) Stalled() {}

// run answers the request that there is, and those that have arrived behind it.
func (c *conn) run() {
	stack.Grow()
	for c.answer() {
	}
}

// answer has the request answered and tells whether there is another one.
func (c *conn) answer() (more bool) {
	c.mu.Lock()
	x := c.x
	c.mu.Unlock()
	returned := false
	defer func() {
		if !returned { // also when the handler ended the goroutine
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
				c.logf("http: panic serving %v: %v\n%s", c.remote, p, debug.Stack())
			}
		}
		more = c.finish(x, returned)
	}()
	c.server.Handler.ServeHTTP(&x.response, x.request)
	returned = true
	return
}

// finish is the end of an exchange. It tells whether another one has begun.
func (c *conn) finish(x *exchange, returned bool) (more bool) {
	_ = x.body.Close()
	keep := returned && x.response.finish() == nil
	x.response.release()
	x.cancel()

	c.mu.Lock()
	c.skip = x.body.missing
	c.x = nil
	switch {
	case c.ended:
		c.mu.Unlock()
		c.server.forget(c)
	case !keep:
		c.mu.Unlock()
		c.loop.Close()
	case x.response.last || c.closing:
		c.part()
	default:
		more = c.proceed()
	}
	return more
}

// proceed goes on with what has arrived meanwhile, or waits for it. The caller holds the lock, proceed gives it back.
func (c *conn) proceed() (more bool) {
	defer c.mu.Unlock()
	v := partial
	if len(c.in) > 0 {
		v = c.next(c.in)
	}
	c.balance()
	switch {
	case v == foreign:
		c.loop.Detach()
	case v == whole:
	case len(c.in) > 0 || c.skip > 0:
		c.expect(c.headerTimeout())
	default:
		c.expect(c.idleTimeout())
	}
	return v == whole
}

// part ends our side of the connection and gives the peer a moment to end its own: it would lose the answer if it were still
// sending. The caller holds the lock, part gives it back.
func (c *conn) part() {
	c.parting = true
	c.in = nil
	c.balance()
	c.expect(partWait)
	c.mu.Unlock()
	c.loop.CloseWrite()
}

func (c *conn) logf(format string, args ...any) {
	if l := c.http.ErrorLog; l != nil {
		l.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}

var (
	errShort    = errors.New("httploop: the handler wrote less than it declared")
	errAnswered = errors.New("httploop: the handler has returned")
)

package httploop

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/internal/netloop"
	"github.com/gosocketio/socketio/internal/wheel"
)

// Server answers requests on connections that were taken from a http.Server. Its fields must be set before it is used.
type Server struct {
	// Handler answers the requests. Its ResponseWriter has what a http.ResponseController needs, but for Hijack.
	Handler http.Handler
	// Plain tells whether a request is the Handler's. It is asked on the event loop and must not block. The body is not there
	// yet.
	Plain func(*http.Request) bool
	// MaxBody is the largest Content-Length that is taken here.
	MaxBody int64
	// HeaderTimeout is how long the head of a request may take, if the http.Server does not say.
	HeaderTimeout time.Duration
	// WriteTimeout is how long a write may take for which the Handler has set no deadline.
	WriteTimeout time.Duration
	// Wheel has the deadlines. It must not be closed before Wait returns.
	Wheel *wheel.Wheel

	count    atomic.Int64
	now      atomic.Pointer[second]
	unsuited atomic.Pointer[http.Server] // its connections are not to be had

	work    sync.WaitGroup // connections, and those that are being handed back
	mu      sync.Mutex
	closed  bool
	conns   map[*conn]struct{}
	settled map[net.Addr]struct{} // local addresses, as pointers, of connections that were handed back
}

// Len returns the number of connections.
func (s *Server) Len() int { return int(s.count.Load()) }

// Take takes the connection of a request whose body nobody has begun to read from net/http, has the loop watch it, and the
// request answered on a goroutine of its own. It returns false, and nothing has happened, when that cannot be; otherwise the
// caller must return.
func (s *Server) Take(w http.ResponseWriter, r *http.Request, loop *netloop.Loop) bool {
	srv, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if srv == nil || srv == s.unsuited.Load() || r.TLS != nil || r.ProtoMajor != 1 || r.ProtoMinor != 1 ||
		!plainHeader(r.Header) || r.TransferEncoding != nil || r.ContentLength > s.MaxBody || !unread(r) || !s.begin(local) {
		return false
	}
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.work.Done()
		return false // net/http answers
	}
	rest := Buffered(rw.Reader)
	c, err := s.newConn(srv, nc, loop)
	if err != nil {
		// It is all net/http's again. The head is easily written once more.
		_ = nc.SetDeadline(time.Time{})
		go s.handBack(srv, nc, append(replay(r), rest...))
		return true
	}
	c.mu.Lock()
	ctx, cancel := context.WithCancel(c.base)
	r = r.WithContext(ctx)
	r.Body = http.NoBody
	c.start(r, cancel)
	c.in = c.x.body.begin(rest)
	c.mu.Unlock()
	s.mu.Lock()
	closed := s.closed
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.count.Add(1)
	if closed {
		c.retire()
	}
	if err := c.loop.Start(c); err != nil { // the loop is closed, or has too many connections
		c.End(err)
	}
	go c.run()
	return true
}

// unread tells whether the body of a request is still as net/http made it, and not one that a handler has put in its place,
// perhaps because it has read it: the bytes of the body are to be had only from the connection.
func unread(r *http.Request) bool {
	return r.ContentLength == 0 || fmt.Sprintf("%T", r.Body) == "*http.body"
}

// begin counts one more connection, unless the server is closed or this one has been here before.
func (s *Server) begin(local net.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if pointer(local) {
		if _, settled := s.settled[local]; settled {
			return false
		}
	}
	if s.conns == nil {
		s.conns, s.settled = make(map[*conn]struct{}), make(map[net.Addr]struct{})
	}
	s.work.Add(1)
	return true
}

// forget uncounts a connection that is over.
func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.count.Add(-1)
	s.work.Done()
}

// Close ends connections between two requests, and the others behind their answers. No more are taken.
func (s *Server) Close() { s.each((*conn).retire) }

// Abort ends all connections at once.
func (s *Server) Abort() { s.each(func(c *conn) { c.loop.Close() }) }

func (s *Server) each(do func(*conn)) {
	s.mu.Lock()
	s.closed = true
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		do(c)
	}
}

// Wait waits until all connections have ended and everything has been handed back.
func (s *Server) Wait() { s.work.Wait() }

// Buffered copies what net/http has read beyond the request, so that its buffer can be dropped.
func Buffered(r *bufio.Reader) []byte {
	b, _ := r.Peek(r.Buffered()) // cannot fail: it asks for what is there
	return slices.Clone(b)
}

// second is the time as a Date header has it.
type second struct {
	unix int64
	text string
}

// date returns the value of a Date header.
func (s *Server) date() string {
	t := time.Now()
	if d := s.now.Load(); d != nil && d.unix == t.Unix() {
		return d.text
	}
	d := &second{t.Unix(), t.UTC().Format(http.TimeFormat)}
	s.now.Store(d)
	return d.text
}

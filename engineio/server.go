package engineio

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/gosocketio/socketio/internal/bucket"
	"github.com/gosocketio/socketio/internal/origin"
	"github.com/gosocketio/socketio/internal/refusal"
)

// Server is an Engine.IO server: an http.Handler to mount at Config.Path. It never touches the
// http.Server around it.
type Server struct {
	cfg      Config
	handler  http.Handler
	log      *refusal.Log
	sessions *registry
	origins  *origin.Policy
	began    time.Time // the origin of Server.now
	deflate  *deflater // nil unless PerMessageDeflate is configured
	loops    *loops
	nodes    *nodes // nil without Config.Relay

	pace      *rate.Limiter // of new sessions; nil: none
	addresses *addresses    // of sessions; nil without Admission.MaxPerAddress
	bytes     bucket.Limit  // Config.ByteLimit
	pending   atomic.Int64  // sessions whose client has not sent anything
	opened    atomic.Uint64 // sessions so far
	throttled atomic.Uint64 // pauses by Config.ByteLimit so far

	// work counts sessions and WebSocket readers. mu guards draining, closed, deadlines and
	// wsConn.ended, and orders the first addition to work before the wait of Drain and Shutdown.
	work      sync.WaitGroup
	mu        sync.Mutex
	draining  bool                    // Drain or Shutdown has been called
	closed    bool                    // Shutdown has been called
	deadlines map[*wsConn]*time.Timer // deadlines of peers that were sent a close frame, or have sent nothing yet
}

// New returns a server, or an error that wraps ErrConfig and names the field of c that cannot work.
func New(c Config) (*Server, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	loops, err := newLoops(c.ConnectionMode, c.Turn)
	if err != nil {
		return nil, err
	}
	e := &Server{
		cfg: c, log: refusal.NewLog(c.Logger), loops: loops, sessions: newRegistry(), origins: c.policy(),
		began: time.Now(), pace: c.Admission.limiter(), addresses: newAddresses(&c.Admission),
		bytes: bucket.New(float64(c.ByteLimit.Rate), c.ByteLimit.Burst), deadlines: make(map[*wsConn]*time.Timer),
	}
	if c.PerMessageDeflate != nil {
		e.deflate = newDeflater(c.PerMessageDeflate)
	}
	if c.Relay != nil {
		e.nodes = newNodes(c.Relay.MaxRequests)
	}
	e.handler = http.HandlerFunc(e.serve)
	for i := len(c.Middleware) - 1; i >= 0; i-- {
		e.handler = c.Middleware[i](e.handler)
		if e.handler == nil {
			return nil, fmt.Errorf("%w: Middleware[%d] returned nil, it must return a handler", ErrConfig, i)
		}
	}
	return e, nil
}

// Path returns Config.Path.
func (e *Server) Path() string { return e.cfg.Path }

// Sessions returns the number of sessions.
func (e *Server) Sessions() int { return int(e.sessions.count.Load()) }

// Session returns the session with an id.
func (e *Server) Session(id string) (*Session, bool) {
	s := e.sessions.get(id)
	return s, s != nil
}

// ServeHTTP answers handshakes, polls, uploads and upgrades. For a WebSocket it returns as soon as
// the connection has been hijacked.
func (e *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, e.cfg.Path) {
		e.refuseOutside(w, r)
		return
	}
	if e.cfg.Relay != nil {
		if r = e.route(w, r); r == nil {
			return
		}
	}
	e.serveHere(w, r)
}

// serveHere answers a request that is not to be relayed.
func (e *Server) serveHere(w http.ResponseWriter, r *http.Request) {
	// Before everything else, so that errors carry the CORS headers too.
	if e.setCORS(w, r) {
		return
	}
	if len(e.cfg.Middleware) > 0 && e.isUpgrade(r) {
		w = &upgradeWriter{w}
	}
	e.handler.ServeHTTP(w, r)
}

func (e *Server) serve(w http.ResponseWriter, r *http.Request) {
	if accept := webTransport(r); accept != nil {
		e.serveWebTransport(w, r, accept)
		return
	}
	q := parseQuery(r.URL.RawQuery)
	s, c := e.verify(r, q)
	if c != nil {
		e.refuse(w, r, c)
		return
	}
	if e.isUpgrade(r) {
		e.serveUpgrade(w, r, q, s)
		return
	}
	switch {
	case s == nil:
		e.handshakePolling(w, r, q)
	case r.Method == http.MethodGet:
		e.servePoll(w, r, s)
	case r.Method == http.MethodPost:
		e.serveUpload(w, r, s)
	default:
		e.logRequest(r, &refusal.Refusal{Rule: "method", Value: r.Method, Limit: "GET, POST"}, nil)
		respond(w, http.StatusInternalServerError, nil)
	}
}

// serveUpgrade answers a request that asks for a WebSocket and has been verified.
func (e *Server) serveUpgrade(w http.ResponseWriter, r *http.Request, q query, s *Session) {
	status, text := badUpgrade(r, w.Header())
	if status == 0 {
		var ok bool
		if q.deflate, ok = e.negotiateDeflate(w.Header(), r); !ok {
			status, text = http.StatusBadRequest, "Invalid or unacceptable Sec-WebSocket-Extensions header"
		}
	}
	if status != 0 {
		e.logRequest(r, &refusal.Refusal{Rule: "WebSocket handshake", Value: text}, nil)
		refuseUpgrade(w, r, status, text)
		return
	}
	switch {
	case q.transport != WebSocket.String():
		// The official server answers 101 and closes when the transport cannot be upgraded to.
		conn, _, err := e.hijack(w, r, false, nil)
		if err != nil {
			e.refuseHijack(w, r, err)
			return
		}
		e.logRequest(r, &refusal.Refusal{Rule: "WebSocket handshake", Value: q.transport, Limit: WebSocket}, nil)
		_ = conn.SetDeadline(time.Now().Add(e.cfg.WriteTimeout))
		refuseUpgraded(conn)
	case s != nil:
		e.upgrade(w, r, q, s)
	default:
		e.handshakeWebSocket(w, r, q)
	}
}

// refuseHijack answers a request whose connection cannot be taken over, such as one behind a
// wrapping ResponseWriter.
func (e *Server) refuseHijack(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errHijacked) {
		e.logRequest(r, &refusal.Refusal{Rule: "connection broke", Value: err}, nil)
		return
	}
	c := badRequest("TRANSPORT_HANDSHAKE_ERROR", map[string]any{"error": err.Error()})
	if errors.Is(err, http.ErrNotSupported) {
		c.rule = cannotHijack(w)
	}
	e.refuse(w, r, c)
}

// refuseUpgraded closes a WebSocket that has only just been opened.
func refuseUpgraded(conn net.Conn) {
	_, _ = conn.Write([]byte{0x88, 0})
	_ = conn.Close()
}

// begin counts one more session or reader; false when the server is draining or closed.
func (e *Server) begin() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.draining {
		return false
	}
	e.work.Add(1)
	return true
}

// setDeadline closes the connection after wait, unless its deadline is stopped. It replaces an
// earlier deadline and does nothing for a connection that has ended.
func (e *Server) setDeadline(c *wsConn, wait time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.ended {
		return
	}
	e.clearDeadlineLocked(c)
	e.deadlines[c] = time.AfterFunc(wait, c.stream.close)
}

// clearDeadline stops the deadline of a connection.
func (e *Server) clearDeadline(c *wsConn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clearDeadlineLocked(c)
}

// clearDeadlineLocked is clearDeadline. The caller must hold e.mu.
func (e *Server) clearDeadlineLocked(c *wsConn) {
	if t := e.deadlines[c]; t != nil {
		delete(e.deadlines, c)
		t.Stop()
	}
}

// connEnded is the end of a connection, and of its reader.
func (e *Server) connEnded(c *wsConn) {
	c.stream.close()
	e.mu.Lock()
	c.ended = true
	e.clearDeadlineLocked(c)
	e.mu.Unlock()
	e.work.Done()
}

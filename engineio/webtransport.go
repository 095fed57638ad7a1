package engineio

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/refusal"
)

const (
	// greetingBytes limits the first packet of a WebTransport stream, which holds a session id at most.
	greetingBytes = 4 << 10
	// echoWait is how long a WebTransport peer may take to show that it has read everything.
	echoWait = time.Second
)

// barePing is the last frame before a WebTransport session is closed. Closing it drops what is on its way, and nothing else
// tells that the peer has read it: but clients answer a ping when they come to it.
var barePing = wire.FramesBare(pingFrame)

type acceptKey struct{}

// ServeWebTransport answers a request for a WebTransport session, which is an extended CONNECT of HTTP/3. It is meant for
// package engineio/webtransport: accept is called once the request has passed the middleware and the check of its Origin; it
// accepts the session and returns its first bidirectional stream, which it may wait for in Read. Closing the stream closes
// the session; it must make Read and Write return and must not block. The methods are called as those of a net.Conn are.
func (e *Server) ServeWebTransport(w http.ResponseWriter, r *http.Request, accept func() (io.ReadWriteCloser, error)) {
	e.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), acceptKey{}, accept)))
}

// webTransport returns how to accept the session that ServeWebTransport was asked for; nil for other requests.
func webTransport(r *http.Request) func() (io.ReadWriteCloser, error) {
	if r.Method != http.MethodConnect {
		return nil
	}
	accept, _ := r.Context().Value(acceptKey{}).(func() (io.ReadWriteCloser, error))
	return accept
}

// serveWebTransport accepts a session and reads what it wants to be.
func (e *Server) serveWebTransport(w http.ResponseWriter, r *http.Request, accept func() (io.ReadWriteCloser, error)) {
	no := e.verifySize(r)
	if no == nil {
		no = e.verifyOrigin(r, "")
	}
	if no != nil {
		e.refuse(w, r, no)
		return
	}
	if !e.begin() {
		e.refuse(w, r, shuttingDown())
		return
	}
	if f := e.cfg.Events.Headers; f != nil {
		f(w.Header(), r)
	}
	conn, err := accept()
	if err != nil {
		e.work.Done()
		e.refuseHijack(w, r, err)
		return
	}
	c := &wsConn{stream: &plainStream{conn: conn}, transport: WebTransport, takes: form{bare: true}, in: frameReader{limit: greetingBytes, bare: true}}
	returned := false
	defer func() {
		if c.session != nil {
			c.unlessReturned(&returned)
		} else if !returned {
			e.gone(c)
		}
	}()
	e.await(c, e.cfg.UpgradeTimeout)
	for err == nil && c.session == nil {
		var b []byte
		if b, err = c.stream.read(c.in.inside()); err == nil {
			err = c.in.feed(b, func(op ws.OpCode, payload []byte) error {
				if c.session != nil {
					return c.handle(op, payload)
				}
				if err := e.greet(c, r, op, payload); err != nil {
					return err
				}
				c.in.limit = c.session.maxPayload()
				return nil
			})
			c.stream.release()
		}
	}
	switch {
	case c.session == nil:
		if _, told := errors.AsType[*ConnectionError](err); !told && !errors.Is(err, ErrClosed) {
			e.logRequest(r, &refusal.Refusal{Rule: "WebTransport handshake", Value: err, Limit: e.cfg.UpgradeTimeout, Field: "Config.UpgradeTimeout"}, nil)
		}
		e.gone(c)
	case err != nil:
		_ = c.lost(err)
		c.gone()
	default:
		go c.run(nil)
	}
	returned = true
}

// greet acts on the first packet of a stream (protocol v4, "WebTransport"): an open packet, whose data names the session
// that is to be upgraded.
func (e *Server) greet(c *wsConn, r *http.Request, op ws.OpCode, payload []byte) error {
	refused := func(err *ConnectionError) error {
		e.reportRefused(r, err)
		return err
	}
	p, err := wire.DecodeText(payload)
	if err != nil || op != ws.OpText || p.Type != wire.Open {
		return refused(badRequest("TRANSPORT_HANDSHAKE_ERROR", map[string]any{}))
	}
	if len(p.Data) > 0 {
		var to struct {
			SID string `json:"sid"`
		}
		// What is no such JSON names no session.
		_ = json.Unmarshal(p.Data, &to)
		s := e.sessions.get(to.SID)
		if s == nil {
			return refused(unknownSession(to.SID))
		}
		return c.join(s)
	}
	if err := e.admit(r); err != nil {
		return refused(err)
	}
	if !e.begin() {
		return ErrServerClosed
	}
	s, no := e.open(r, query{eio: "4"}, WebTransport)
	if no != nil {
		e.work.Done()
		return refused(no)
	}
	if err := c.stream.write(wire.AppendFramesBare(nil, e.openFrames(s, WebTransport))); err != nil {
		e.abandon(s, nil)
		return err
	}
	e.parted(c)       // before others can find the connection and part with it
	if !s.attach(c) { // shut down, or timed out, meanwhile
		e.abandon(s, nil)
		return ErrClosed
	}
	e.announce(s)
	return nil
}

// join makes the connection the candidate of a session's upgrade. A refusal does not affect the session.
func (c *wsConn) join(s *Session) error {
	to := &candidate{session: s, ws: c}
	s.server.parted(c) // before others can find the connection and part with it
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.protocol == 3 {
		return errBadProbe
	}
	if why := s.considerLocked(to); why != nil {
		return why
	}
	c.session, c.candidate = s, to
	return nil
}

// echoed tells whether a pong is the answer to the last frame of a closed session, rather than to a heartbeat before it.
func (s *Session) echoed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateClosed {
		return false
	}
	if s.beat.unanswered == 0 {
		return true
	}
	s.beat.unanswered--
	return false
}

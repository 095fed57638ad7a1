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
	// maxOpenBytes limits the first packet of a WebTransport stream, which holds at most a session id.
	maxOpenBytes = 4 << 10
	// pongWait is how long a WebTransport peer may take to answer barePing.
	pongWait = time.Second
)

// barePing is the last frame before a WebTransport session is closed.
//
// Closing drops what is in flight, so the server waits for the pong: the peer has then read
// everything.
var barePing = wire.FramesBare(pingFrame)

type acceptKey struct{}

// ServeWebTransport answers a request for a WebTransport session: an extended CONNECT of HTTP/3.
//
// Package engineio/webtransport calls it. When the request has passed the middleware and the check
// of its Origin, accept accepts the session and returns its first bidirectional stream; Read may
// wait for that. Close closes the session, makes Read and Write return, and must not block. The
// stream's methods are called like those of a net.Conn.
func (e *Server) ServeWebTransport(w http.ResponseWriter, r *http.Request, accept func() (io.ReadWriteCloser, error)) {
	e.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), acceptKey{}, accept)))
}

// webTransport returns the argument accept of ServeWebTransport, nil for other requests.
func webTransport(r *http.Request) func() (io.ReadWriteCloser, error) {
	if r.Method != http.MethodConnect {
		return nil
	}
	accept, _ := r.Context().Value(acceptKey{}).(func() (io.ReadWriteCloser, error))
	return accept
}

// serveWebTransport accepts a WebTransport session and reads its stream until the first packet.
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
	c := &wsConn{
		stream: &plainStream{goroutineStream: goroutineStream{conn: conn}}, transport: WebTransport,
		takes: form{bare: true},
		in:    frameReader{limit: maxOpenBytes, bare: true},
	}
	returned := false
	defer func() {
		if c.session != nil {
			c.endUnless(&returned)
		} else if !returned {
			e.connEnded(c)
		}
	}()
	e.setDeadline(c, e.cfg.UpgradeTimeout)
	for err == nil && c.session == nil {
		var b []byte
		if b, err = c.stream.read(c.in.inside(), true); err == nil {
			err = c.in.feed(b, func(op ws.OpCode, payload []byte) error {
				if c.session != nil {
					return c.handle(op, payload)
				}
				if err := e.openWebTransport(c, r, op, payload); err != nil {
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
		if _, logged := errors.AsType[*ConnectionError](err); !logged && !errors.Is(err, ErrClosed) {
			e.logRequest(r, &refusal.Refusal{
				Rule: "WebTransport handshake", Value: err, Limit: e.cfg.UpgradeTimeout, Field: "Config.UpgradeTimeout",
			}, nil)
		}
		e.connEnded(c)
	case err != nil:
		_ = c.readFailed(err)
		c.end()
	default:
		go c.run(nil)
	}
	returned = true
}

// openWebTransport handles the first packet of a stream (protocol v4, "WebTransport").
//
// It is an open packet, whose data may name a session to upgrade.
func (e *Server) openWebTransport(c *wsConn, r *http.Request, op ws.OpCode, payload []byte) error {
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
		_ = json.Unmarshal(p.Data, &to) // other data names no session
		s := e.sessions.get(to.SID)
		if s == nil {
			return refused(unknownSession(to.SID))
		}
		return c.startUpgrade(s)
	}
	if err := e.admit(r); err != nil {
		return refused(err)
	}
	s, no := e.open(r, query{eio: "4"}, WebTransport)
	if no != nil {
		return refused(no)
	}
	if err := c.stream.write(wire.AppendFramesBare(nil, e.openFrames(s, WebTransport))); err != nil {
		e.abandon(s, nil)
		return err
	}
	e.clearDeadline(c) // before attach lets others set one
	if !s.attach(c) {  // the session has ended: shutdown or timeout
		e.abandon(s, nil)
		return ErrClosed
	}
	e.announce(s)
	return nil
}

// startUpgrade makes the connection the candidate of a session's upgrade.
func (c *wsConn) startUpgrade(s *Session) error {
	to := &candidate{session: s, ws: c}
	s.server.clearDeadline(c) // before others can set one
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.protocol == 3 {
		return errBadProbe
	}
	if why := s.startUpgradeLocked(to); why != nil {
		return why
	}
	c.session, c.candidate = s, to
	return nil
}

// closeConfirmed tells whether a pong answers barePing, and not an earlier heartbeat.
func (s *Session) closeConfirmed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state < stateLingering {
		return false
	}
	if s.beat.unanswered == 0 {
		return true
	}
	s.beat.unanswered--
	return false
}

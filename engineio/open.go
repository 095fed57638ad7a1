package engineio

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/refusal"
)

// open makes a session and registers it, or returns why the request is refused.
//
// The heartbeat runs before other goroutines can find the session, so that the session ends
// whatever happens to its connection.
func (e *Server) open(r *http.Request, q query, t Transport) (s *Session, c *ConnectionError) {
	if !e.begin() {
		return nil, shuttingDown()
	}
	defer func() {
		if c != nil {
			e.work.Done()
		}
	}()
	id := newID(e.tag())
	if e.cfg.GenerateID != nil {
		var err error
		if id, err = e.cfg.GenerateID(r); err != nil {
			return nil, badID(err.Error())
		}
		if !usableID(id) {
			return nil, badID("the id " + strconv.Quote(id) + " is empty or has characters that do not fit a URL and a cookie")
		}
	}
	s = &Session{
		server: e, id: id, handshake: newHandshake(r, e.cfg.TrustedProxies), protocol: q.protocol(),
		b64: q.b64 != "", ctx: context.Background(), transport: t, opening: make(chan struct{}),
	}
	if e.cfg.MaxUntrustedPayload == 0 {
		s.flags.Or(flagTrusted)
	}
	if e.bytes.Limited() {
		s.intake = new(intake)
	}
	if e.cfg.SessionContext != nil {
		s.ctx = e.cfg.SessionContext(r)
	}
	if e.cfg.NewHandler != nil {
		s.handler = e.cfg.NewHandler(Link{s})
	}
	s.startHeartbeat()
	if c = e.register(s); c != nil {
		s.beat.timer.Stop()
		return nil, c
	}
	return s, nil
}

// badID refuses a request because of the id from Config.GenerateID.
func badID(why string) *ConnectionError {
	const name = "ID_GENERATION_ERROR"
	return badRequest(name, map[string]any{"error": why}).
		by(refusal.Refusal{Rule: name, Value: why, Field: "Config.GenerateID"})
}

// usableID tells whether an id needs no escaping in a query, a cookie, or JSON.
func usableID(id string) bool {
	for i := range len(id) {
		c := id[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("-_.~", c) < 0 {
			return false
		}
	}
	return id != ""
}

// handshakePolling answers the first GET of a polling session with its open packet (protocol v4,
// "Handshake").
func (e *Server) handshakePolling(w http.ResponseWriter, r *http.Request, q query) {
	s, c := e.open(r, q, Polling)
	if c != nil {
		e.refuse(w, r, c)
		return
	}
	first := e.openFrames(s, Polling)
	e.announce(s)
	h := w.Header()
	if e.cfg.Cookie != nil {
		cookie := *e.cfg.Cookie
		cookie.Value = s.id
		h.Add("Set-Cookie", strings.Join(append([]string{cookie.String()}, cookie.Unparsed...), "; "))
	}
	if f := e.cfg.Events.InitialHeaders; f != nil {
		f(h, r)
	}
	if err := e.answerPoll(w, r, s, first); err != nil {
		s.mu.Lock()
		s.closeLocked(ReasonTransportError, &TransportError{Message: "write error", Err: err})
		s.mu.Unlock()
	}
}

// handshakeWebSocket opens a session directly on a WebSocket: its open packet leaves together with
// the 101.
func (e *Server) handshakeWebSocket(w http.ResponseWriter, r *http.Request, q query) {
	s, c := e.open(r, q, WebSocket)
	if c != nil {
		e.refuse(w, r, c)
		return
	}
	conn, rest, err := e.hijack(w, r, true, e.openFrames(s, WebSocket))
	if err != nil {
		// Nobody has heard of the session yet.
		e.abandon(s, nil)
		e.refuseHijack(w, r, err)
		return
	}
	ws := newWSConn(s, e.newStream(conn, q), q)
	reading := e.begin()
	if !reading || !s.attach(ws) { // shut down, or timed out, meanwhile
		if reading {
			e.work.Done()
		}
		e.abandon(s, ErrServerClosed)
		ws.reject()
		return
	}
	returned := false
	defer ws.endUnless(&returned) // net/http survives a panic
	e.announce(s)
	ws.start(rest)
	returned = true
}

// attach gives a session that was opened on a connection that connection, and sends what has been
// sent to it meanwhile, for it could be found by its id. It returns false when the session ended
// meanwhile.
func (s *Session) attach(ws *wsConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen {
		return false
	}
	s.ws, ws.session = ws, s
	if s.out.count > 0 {
		s.flushing = true
		go s.flush(ws)
	}
	return true
}

// openFrames returns the first packets of a session.
func (e *Server) openFrames(s *Session, t Transport) []byte {
	frames := wire.AppendText(nil, wire.Open, e.appendOpen(nil, s, t))
	if e.cfg.InitialPacket != "" {
		frames = wire.AppendText(frames, wire.Message, []byte(e.cfg.InitialPacket))
	}
	return frames
}

// announce tells the user of a session. A Close event, from whatever goroutine, comes after it.
func (e *Server) announce(s *Session) {
	defer func() {
		s.opened()
		e.mu.Lock()
		draining, closed := e.draining, e.closed
		e.mu.Unlock()
		switch { // Drain or Shutdown may have looked for sessions before this one could be found
		case closed:
			s.Discard(ErrServerClosed)
		case draining:
			s.closeGracefully(errDraining)
		}
	}()
	if s.handler != nil {
		s.handler.Open()
	}
	if f := e.cfg.Events.Connection; f != nil {
		f(s)
	}
}

func (s *Session) opened() {
	s.mu.Lock()
	close(s.opening)
	s.opening = nil
	s.mu.Unlock()
}

// abandon ends a session that the user has not heard of. Without a cause its request is refused,
// and that is what the log tells.
func (e *Server) abandon(s *Session, cause error) {
	s.mu.Lock()
	s.unannounced = true
	s.closeLocked(ReasonTransportError, cause)
	s.mu.Unlock()
	s.opened()
}

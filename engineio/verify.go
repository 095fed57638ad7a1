package engineio

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/gosocketio/socketio/internal/refusal"
)

// The protocol's error codes for refused requests.
const (
	CodeUnknownTransport   = 0
	CodeUnknownSession     = 1
	CodeBadHandshakeMethod = 2
	CodeBadRequest         = 3
	CodeForbidden          = 4
	CodeUnsupportedVersion = 5
	// CodeUnavailable, not of the protocol, means status 503: a limit of Config.Admission, or
	// shutdown; or status 429: Admission.MaxPerAddress.
	CodeUnavailable = 6
)

var codeMessages = [...]string{
	CodeUnknownTransport:   "Transport unknown",
	CodeUnknownSession:     "Session ID unknown",
	CodeBadHandshakeMethod: "Bad handshake method",
	CodeBadRequest:         "Bad request",
	CodeForbidden:          "Forbidden",
	CodeUnsupportedVersion: "Unsupported protocol version",
	CodeUnavailable:        "Unavailable",
}

// ConnectionError describes a refused request.
type ConnectionError struct {
	// Request is the request, valid during the event.
	Request *http.Request
	// Code is one of the Code constants.
	Code int
	// Message is the official text for Code.
	Message string
	// Context has details under the official server's keys: name, transport, previousTransport, sid,
	// method, origin, protocol, message, error.
	Context map[string]any

	rule   *refusal.Refusal // for the log
	status int              // of the response; 0 is the usual one
}

// Error implements error.
func (e *ConnectionError) Error() string { return "engineio: request refused: " + e.Message }

func refused(code int, context map[string]any) *ConnectionError {
	return &ConnectionError{Code: code, Message: codeMessages[code], Context: context}
}

// by sets the rule of the refusal.
func (e *ConnectionError) by(rule refusal.Refusal) *ConnectionError {
	e.rule = &rule
	return e
}

func unknownSession(sid string) *ConnectionError {
	return refused(CodeUnknownSession, map[string]any{"sid": sid}).
		by(refusal.Refusal{Rule: "unknown session id", Value: refusal.ID(sid)})
}

func badRequest(name string, context map[string]any) *ConnectionError {
	context["name"] = name
	return refused(CodeBadRequest, context).by(refusal.Refusal{Rule: name, Value: context["error"]})
}

func mismatch(requested, current Transport) *ConnectionError {
	const name = "TRANSPORT_MISMATCH"
	return badRequest(name, map[string]any{"transport": requested.String(), "previousTransport": current.String()}).
		by(refusal.Refusal{Rule: name, Value: requested.String(), Limit: current.String()})
}

// query holds the parameters of a request that the engine reads.
type query struct {
	eio, transport, sid, b64 string

	deflate bool // the response to an upgrade accepts permessage-deflate
}

// parseQuery parses a query. The last duplicate of a parameter counts.
func parseQuery(raw string) (q query) {
	for pair := range strings.SplitSeq(raw, "&") {
		k, v, _ := strings.Cut(pair, "=")
		var to *string
		switch unescape(k) {
		case "EIO":
			to = &q.eio
		case "transport":
			to = &q.transport
		case "sid":
			to = &q.sid
		case "b64":
			to = &q.b64
		default:
			continue
		}
		*to = unescape(v)
	}
	return q
}

// unescape decodes a part of a query. What cannot be decoded stays as it is.
func unescape(s string) string {
	if strings.IndexByte(s, '%') >= 0 || strings.IndexByte(s, '+') >= 0 {
		if u, err := url.QueryUnescape(s); err == nil {
			return u
		}
	}
	return s
}

// protocol returns the protocol revision of a request: 3 unless it says 4.
//
// Clients of revision 3 did not always name it; the official server does the same.
func (q query) protocol() uint8 {
	if q.eio == "4" {
		return 4
	}
	return 3
}

// verifySize refuses a request whose URL and headers exceed Config.MaxHeaderBytes.
func (e *Server) verifySize(r *http.Request) *ConnectionError {
	limit := e.cfg.MaxHeaderBytes
	size := len(r.URL.Path) + len(r.URL.RawQuery) + len(r.Host) + headerLen(r.Header)
	if size <= limit {
		return nil
	}
	c := badRequest("HEADERS_TOO_LARGE", map[string]any{"message": "Request headers too large"})
	c.status = http.StatusRequestHeaderFieldsTooLarge
	return c.by(refusal.Refusal{
		Rule: "size of the headers", Value: size, Limit: limit, Field: "Config.MaxHeaderBytes",
		Remedy: "a request had {value} bytes of URL and headers, such as a large token or many cookies: " +
			"have the client send less, or raise Config.MaxHeaderBytes",
	})
}

// verify checks a request in the official order and finds its session, nil for a handshake.
func (e *Server) verify(r *http.Request, q query) (*Session, *ConnectionError) {
	if c := e.verifySize(r); c != nil {
		return nil, c
	}
	var transport Transport
	for _, t := range e.cfg.Transports {
		if t.String() == q.transport && t != WebTransport { // requests for WebTransport have no query
			transport = t
		}
	}
	if transport == 0 {
		return nil, refused(CodeUnknownTransport, map[string]any{"transport": q.transport}).by(refusal.Refusal{
			Rule: "unknown transport", Value: q.transport, Limit: transportList(e.cfg.Transports),
			Field: "Config.Transports",
		})
	}
	if c := e.verifyOrigin(r, q.sid); c != nil {
		return nil, c
	}
	if q.sid == "" {
		return nil, e.verifyHandshake(r, q, transport)
	}
	s := e.sessions.get(q.sid)
	if s == nil || s.overdue() {
		return nil, unknownSession(q.sid)
	}
	if !e.isUpgrade(r) {
		if current := s.Transport(); current != transport {
			return nil, mismatch(transport, current)
		}
		if transport == WebSocket { // the official server never answers this
			return nil, badRequest("TRANSPORT_HANDSHAKE_ERROR", map[string]any{})
		}
	}
	if q.protocol() != s.protocol {
		const name = "PROTOCOL_MISMATCH"
		is, was := int(q.protocol()), s.Protocol()
		return s, badRequest(name, map[string]any{"protocol": is, "previousProtocol": was}).
			by(refusal.Refusal{Rule: name, Value: is, Limit: was})
	}
	return s, nil
}

func (e *Server) verifyHandshake(r *http.Request, q query, transport Transport) *ConnectionError {
	if r.Method != http.MethodGet {
		return refused(CodeBadHandshakeMethod, map[string]any{"method": r.Method}).
			by(refusal.Refusal{Rule: "handshake method", Value: r.Method, Limit: http.MethodGet})
	}
	if transport == WebSocket && !e.isUpgrade(r) {
		return badRequest("TRANSPORT_HANDSHAKE_ERROR", map[string]any{})
	}
	if c := e.admit(r); c != nil {
		return c
	}
	if q.protocol() == 3 && !e.cfg.AllowEIO3 {
		return refused(CodeUnsupportedVersion, map[string]any{"protocol": 3}).by(refusal.Refusal{
			Rule: "protocol version", Value: 3, Limit: Protocol, Field: "Config.AllowEIO3",
			Remedy: "set Config.AllowEIO3 to true to serve clients before Socket.IO 3, or update the client",
		})
	}
	return nil
}

// reportRefused calls Events.ConnectionError and logs a refused request.
func (e *Server) reportRefused(r *http.Request, c *ConnectionError) {
	c.Request = r
	if f := e.cfg.Events.ConnectionError; f != nil {
		f(c)
	}
	e.logRequest(r, c.rule, nil)
}

// refuse answers a request with a protocol error: in JSON, or in plain text to an upgrade request.
func (e *Server) refuse(w http.ResponseWriter, r *http.Request, c *ConnectionError) {
	e.reportRefused(r, c)
	text := c.Message
	if m, _ := c.Context["message"].(string); m != "" {
		text = m
	}
	h := w.Header()
	switch {
	case c.Code == CodeUnavailable:
		endConnection(h, r)
		h.Set("Content-Type", "text/plain; charset=UTF-8")
		h.Set("Retry-After", "1") // browsers' clients do not look at it
		respond(w, cmp.Or(c.status, http.StatusServiceUnavailable), []byte(text))
		return
	case e.isUpgrade(r):
		refuseUpgrade(w, r, cmp.Or(c.status, http.StatusBadRequest), text)
		return
	}
	status := cmp.Or(c.status, http.StatusBadRequest)
	if c.status != 0 {
		endConnection(h, r)
	}
	if c.Code == CodeForbidden {
		status = http.StatusForbidden
	}
	body, err := json.Marshal(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{c.Code, text})
	if err != nil { // an int and a string always encode
		panic(err)
	}
	h.Set("Content-Type", "application/json")
	respond(w, status, body)
}

// refuseOutside answers a request whose path does not begin with Config.Path.
func (e *Server) refuseOutside(w http.ResponseWriter, r *http.Request) {
	why := &refusal.Refusal{Rule: "path", Value: r.URL.Path, Limit: e.cfg.Path, Field: "Config.Path"}
	text := "the request is for " + r.URL.Path
	if r.Pattern != "" {
		text += ", mounted at " + r.Pattern
	}
	text += " but the server answers at " + e.cfg.Path
	if parseQuery(r.URL.RawQuery).eio != "" { // a client, not a scanner
		why.Remedy = "mount the server at Config.Path, " +
			"or set Config.Path and the client's option path to where it is mounted"
	}
	e.logRequest(r, why, errors.New(text))
	http.Error(w, "404 page not found: "+text, http.StatusNotFound)
}

// refuseUpgrade answers a request for a WebSocket with plain text.
func refuseUpgrade(w http.ResponseWriter, r *http.Request, status int, text string) {
	h := w.Header()
	endConnection(h, r)
	h.Set("Content-Type", "text/html")
	respond(w, status, []byte(text))
}

// endConnection closes the connection behind the response. HTTP/2, with other requests, stays open.
func endConnection(h http.Header, r *http.Request) {
	if r.ProtoMajor == 1 {
		h.Set("Connection", "close")
	}
}

// respond writes a whole response.
func respond(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // best effort: the heartbeat notices a broken connection
}

const (
	requestRefused = "engineio: request refused"
	upgradeRefused = "engineio: upgrade refused"
	sessionEnded   = "engineio: session ended"
)

// logRequest logs a refused request. cause, if not nil, has more details than why.
func (e *Server) logRequest(r *http.Request, why *refusal.Refusal, cause error) {
	what := requestRefused
	if e.isUpgrade(r) {
		what = upgradeRefused
	}
	peer := refusal.Peer{Addr: r.RemoteAddr, ID: parseQuery(r.URL.RawQuery).sid}
	e.log.Write(r.Context(), what, peer, why, cause)
}

// logUpgrade logs an upgrade that fails without affecting its session.
func (s *Session) logUpgrade(why *refusal.Refusal, cause error) {
	s.server.log.Write(s.ctx, upgradeRefused, s.peer(), why, cause)
}

// logEnd logs the end of a session. The caller must not hold s.mu.
func (s *Session) logEnd(reason Reason, cause error) {
	s.server.log.Write(s.ctx, sessionEnded, s.peer(), s.server.ruleOf(reason, cause), cause)
}

func (s *Session) peer() refusal.Peer {
	return refusal.Peer{Addr: s.handshake.RemoteAddr, ID: s.id}
}

// ruleOf returns the rule by which a session ends.
func (e *Server) ruleOf(reason Reason, cause error) *refusal.Refusal {
	if known, ok := errors.AsType[*refusal.Refusal](cause); ok {
		return known
	}
	transport, _ := errors.AsType[*TransportError](cause)
	switch {
	case reason == ReasonPingTimeout:
		return &refusal.Refusal{Rule: string(reason), Limit: e.cfg.PingTimeout, Field: "Config.PingTimeout"}
	case transport == nil || !errors.Is(cause, os.ErrDeadlineExceeded):
		return &refusal.Refusal{Rule: string(reason)}
	case transport.Message == "write error":
		return slowPeer(e.cfg.WriteTimeout)
	}
	return &refusal.Refusal{Rule: "slow upload", Limit: e.cfg.ReadTimeout, Field: "Config.ReadTimeout"}
}

// transportList is a list of transports that prints as their names.
type transportList []Transport

// String returns the names.
func (l transportList) String() string {
	names := make([]string, len(l))
	for i, t := range l {
		names[i] = t.String()
	}
	return strings.Join(names, ", ")
}

// cannotHijack is the rule for a connection that net/http does not hand over.
func cannotHijack(w http.ResponseWriter) *refusal.Refusal {
	if u, ok := w.(*upgradeWriter); ok {
		w = u.ResponseWriter
	}
	name := reflect.TypeOf(w).String()
	return &refusal.Refusal{
		Rule: "connection cannot be hijacked", Value: name, Key: name,
		Remedy: "a middleware wraps the ResponseWriter ({value}): give the wrapper an Unwrap or a Hijack method, " +
			"or mount the server outside of that middleware",
	}
}

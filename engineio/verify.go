package engineio

import (
	"net/http"
	"net/url"
	"strings"
)

// query holds the parameters that the engine looks at. Nothing else of a query is parsed.
type query struct {
	eio, transport, sid, b64 string

	deflate bool // of an upgrade: the answer to its header says that messages may be compressed
}

// parseQuery takes the last of duplicates, and a value that cannot be unescaped as it is, as browsers' URLSearchParams do.
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

func unescape(s string) string {
	if strings.IndexByte(s, '%') >= 0 || strings.IndexByte(s, '+') >= 0 {
		if u, err := url.QueryUnescape(s); err == nil {
			return u
		}
	}
	return s
}

func unknownSession(sid string) *ConnectionError {
	return refused(CodeUnknownSession, map[string]any{"sid": sid})
}

func badRequest(name string, context map[string]any) *ConnectionError {
	context["name"] = name
	return refused(CodeBadRequest, context)
}

func mismatch(asked, current Transport) *ConnectionError {
	return badRequest("TRANSPORT_MISMATCH", map[string]any{"transport": asked.String(), "previousTransport": current.String()})
}

// verify checks a request in the official order and finds its session. (nil, nil) is a request for a new one.
func (e *Server) verify(r *http.Request, q query) (*Session, *ConnectionError) {
	transport := e.transportNamed(q.transport)
	if transport == 0 {
		return nil, refused(CodeUnknownTransport, map[string]any{"transport": q.transport})
	}
	if c := e.verifyOrigin(r, q.sid); c != nil {
		return nil, c
	}
	if q.sid != "" {
		return e.verifySession(r, q, transport)
	}
	return nil, e.verifyHandshake(r, q, transport)
}

// admit judges the request for a new session by Config.Admission and Config.AllowRequest.
func (e *Server) admit(r *http.Request) *ConnectionError {
	if c := e.arrivals(); c != nil {
		return c
	}
	if e.cfg.AllowRequest != nil {
		if err := e.cfg.AllowRequest(r); err != nil {
			return refused(CodeForbidden, map[string]any{"message": err.Error()})
		}
	}
	return nil
}

func (e *Server) transportNamed(name string) Transport {
	for _, t := range e.cfg.Transports {
		if t.String() == name && t != WebTransport { // a WebTransport session has no query

			return t
		}
	}
	return 0
}

func (e *Server) verifySession(r *http.Request, q query, transport Transport) (*Session, *ConnectionError) {
	s := e.sessions.get(q.sid)
	if s == nil || s.overdue() {
		return nil, unknownSession(q.sid)
	}
	if e.isUpgrade(r) {
		return s, mixed(q, s)
	}
	if current := s.Transport(); current != transport {
		return nil, mismatch(transport, current)
	}
	if transport == WebSocket {
		// The official server never answers this one.
		return nil, badRequest("TRANSPORT_HANDSHAKE_ERROR", map[string]any{})
	}
	return s, mixed(q, s)
}

// mixed refuses a request of another revision of the protocol than its session's.
func mixed(q query, s *Session) *ConnectionError {
	if q.protocol() != s.protocol {
		return badRequest("PROTOCOL_MISMATCH", map[string]any{"protocol": int(q.protocol()), "previousProtocol": s.Protocol()})
	}
	return nil
}

// protocol is the revision of the protocol that a request asks for: everything but 4 is taken for 3, as in the official
// server, for clients of revision 3 did not always say so.
func (q query) protocol() uint8 {
	if q.eio == "4" {
		return 4
	}
	return 3
}

func (e *Server) verifyHandshake(r *http.Request, q query, transport Transport) *ConnectionError {
	if r.Method != http.MethodGet {
		return refused(CodeBadHandshakeMethod, map[string]any{"method": r.Method})
	}
	if transport == WebSocket && !e.isUpgrade(r) {
		return badRequest("TRANSPORT_HANDSHAKE_ERROR", map[string]any{})
	}
	if c := e.admit(r); c != nil {
		return c
	}
	if q.protocol() == 3 && !e.cfg.AllowEIO3 {
		return refused(CodeUnsupportedVersion, map[string]any{"protocol": 3})
	}
	return nil
}

package engineio

import (
	"errors"
	"net/http"
	"os"
	"reflect"
	"strings"

	"github.com/gosocketio/socketio/internal/refusal"
)

// Each refused request, each upgrade that fails and each session that ends has one line in the log. This
// file writes all of them.

const (
	requestRefused = "engineio: request refused"
	upgradeRefused = "engineio: upgrade refused"
	sessionEnded   = "engineio: session ended"
)

// logRequest writes the line of a request that is refused. cause, if not nil, tells more than why does.
func (e *Server) logRequest(r *http.Request, why *refusal.Refusal, cause error) {
	what := requestRefused
	if e.isUpgrade(r) {
		what = upgradeRefused
	}
	peer := refusal.Peer{Addr: r.RemoteAddr, ID: parseQuery(r.URL.RawQuery).sid}
	e.log.Write(r.Context(), what, peer, why, cause)
}

// logUpgrade writes the line of an upgrade that fails and leaves its session alone.
func (s *Session) logUpgrade(why *refusal.Refusal, cause error) {
	s.server.log.Write(s.ctx, upgradeRefused, s.peer(), why, cause)
}

// logEnd writes the line of a session that ends. Callers must not hold s.mu.
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

// rule returns the rule by which a request is refused with a protocol error.
func (e *Server) rule(c *ConnectionError) *refusal.Refusal {
	if c.rule != nil {
		return c.rule
	}
	value := func(key string) any { return c.Context[key] }
	sid, _ := value("sid").(string)
	switch c.Code {
	case CodeUnknownTransport:
		return &refusal.Refusal{Rule: "unknown transport", Value: value("transport"), Limit: transportList(e.cfg.Transports), Field: "Config.Transports"}
	case CodeUnknownSession:
		return &refusal.Refusal{Rule: "unknown session id", Value: refusal.ID(sid)}
	case CodeBadHandshakeMethod:
		return &refusal.Refusal{Rule: "handshake method", Value: value("method"), Limit: http.MethodGet}
	case CodeUnsupportedVersion:
		return &refusal.Refusal{
			Rule: "protocol version", Value: value("protocol"), Limit: Protocol, Field: "Config.AllowEIO3",
			Remedy: "set Config.AllowEIO3 to true to serve clients before Socket.IO 3, or update the client",
		}
	case CodeForbidden:
		return &refusal.Refusal{Rule: "AllowRequest", Value: value("message"), Field: "Config.AllowRequest"}
	}
	return e.ruleOfBadRequest(c)
}

// ruleOfBadRequest is rule for CodeBadRequest, whose errors have names.
func (e *Server) ruleOfBadRequest(c *ConnectionError) *refusal.Refusal {
	name, _ := c.Context["name"].(string)
	r := &refusal.Refusal{Rule: name, Value: c.Context["error"]}
	switch name {
	case "INVALID_ORIGIN":
		r.Value = c.Context["origin"]
	case "TRANSPORT_MISMATCH":
		r.Value, r.Limit = c.Context["transport"], c.Context["previousTransport"]
	case "PROTOCOL_MISMATCH":
		r.Value, r.Limit = c.Context["protocol"], c.Context["previousProtocol"]
	case "ID_GENERATION_ERROR":
		r.Field = "Config.GenerateID"
	}
	return r
}

// transportList prints as the names of transports.
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
	return &refusal.Refusal{
		Rule: "connection cannot be hijacked", Value: reflect.TypeOf(w).String(), Key: reflect.TypeOf(w).String(),
		Remedy: "a middleware wraps the ResponseWriter ({value}): give the wrapper an Unwrap or a Hijack method, " +
			"or mount the server outside of that middleware",
	}
}

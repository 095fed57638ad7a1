package engineio

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gosocketio/socketio/internal/refusal"
)

// Relay lets the servers of a cluster answer for each other's sessions, so that a load balancer may
// send each request of a client to any server.
//
// The id of a session begins with the tag of its server. A server that gets a request for a session
// of another one relays it there over HTTP, as it is, and streams the answer. The middleware, limits
// and rules for origins are those of the session's server. A WebSocket that a polling session
// upgrades to is relayed too. A server that does not answer has no sessions: the client gets "unknown
// session".
type Relay struct {
	// Tag names this server among the others: TagLen letters, digits, - or _.
	Tag string
	// Secret authenticates the servers to each other. It is the same on all, and has at least
	// MinSecretLen bytes.
	Secret string
	// Lookup returns the address, host:port, at which the server with a tag takes requests over plain
	// HTTP; "" if there is none. It may wait on a fresh server, until the others are known.
	Lookup func(ctx context.Context, tag string) string
	// MaxRequests limits how many requests and WebSockets of clients this server relays at a time.
	// Default 16,384.
	MaxRequests int
}

// Lengths of the fields of Relay.
const (
	TagLen       = 6
	MinSecretLen = 16
)

// DefaultMaxRelayed is the default of Relay.MaxRequests.
const DefaultMaxRelayed = 16_384

// tag returns what the session ids begin with, "" without Config.Relay.
func (e *Server) tag() string {
	if e.cfg.Relay == nil {
		return ""
	}
	return e.cfg.Relay.Tag
}

func (c *Config) validateRelay() error {
	r := c.Relay
	switch {
	case r == nil:
		return nil
	case len(r.Tag) != TagLen || !usableID(r.Tag):
		return badConfig("Relay.Tag is %q, it must be %d letters, digits, - or _", r.Tag, TagLen)
	case len(r.Secret) < MinSecretLen:
		return badConfig("Relay.Secret has %d bytes, it must have at least %d", len(r.Secret), MinSecretLen)
	case r.Lookup == nil:
		return badConfig("Relay.Lookup is nil, it must be a function")
	case r.MaxRequests < 1:
		return badConfig("Relay.MaxRequests is %d, it must be at least 1", r.MaxRequests)
	case c.GenerateID != nil:
		return badConfig("GenerateID cannot go with Relay, which makes the ids: they begin with the server's tag")
	}
	return nil
}

// route returns the request to serve here: r, or the client's that another server relays with r. It
// returns nil when the request has been answered.
func (e *Server) route(w http.ResponseWriter, r *http.Request) *http.Request {
	if stamps, ok := r.Header[relayHeader]; ok {
		original, err := e.unstamp(r, stamps)
		switch {
		case err != nil:
			e.refuseRelayed(w, r, err)
		case r.Header.Get("Upgrade") == muxProtocol && r.URL.RawQuery == "": // the query of a client has an id
			e.acceptMux(w, r)
		default:
			return original // and never relayed again
		}
		return nil
	}
	sid := parseQuery(r.URL.RawQuery).sid
	if len(sid) != idLen || !usableID(sid) || r.Method == http.MethodConnect {
		return r
	}
	tag := sid[:TagLen]
	if tag == e.cfg.Relay.Tag || e.verifySize(r) != nil {
		return r
	}
	address := e.cfg.Relay.Lookup(r.Context(), tag)
	if address == "" || !e.relay(w, r, address) {
		return r // the session is unknown here
	}
	return nil
}

// refuseRelayed answers a request whose relayHeader is not from a server of the cluster.
func (e *Server) refuseRelayed(w http.ResponseWriter, r *http.Request, err error) {
	c := refused(CodeForbidden, map[string]any{"message": "the header " + relayHeader + " is not valid"})
	c.status = http.StatusForbidden
	e.refuse(w, r, c.by(badSignature(err)))
}

// badSignature is the rule for a sender that does not know the secret.
func badSignature(err error) refusal.Refusal {
	return refusal.Refusal{
		Rule: "relay signature", Value: err, Field: "Config.Relay.Secret",
		Remedy: "{value}: give all servers the same Relay.Secret; if a client sent the header " + relayHeader +
			", let the proxy remove it",
	}
}

// relay relays a request to the server at an address and its answer to the client. It returns false,
// and has answered nothing, when that server does not answer.
//
// A relayed request is sent once: to repeat it after an error might lose or double messages.
func (e *Server) relay(w http.ResponseWriter, r *http.Request, address string) (answered bool) {
	if !e.nodes.begin() {
		e.refuse(w, r, shuttingDown())
		return true
	}
	if !e.nodes.enter() {
		e.nodes.work.Done()
		e.refuse(w, r, refused(CodeUnavailable, map[string]any{"message": "too many requests are being relayed"}).
			by(refusal.Refusal{Rule: "relayed requests", Limit: e.cfg.Relay.MaxRequests, Field: "Config.Relay.MaxRequests"}))
		return true
	}
	done := func() {
		e.nodes.leave()
		e.nodes.work.Done()
	}
	if e.isUpgrade(r) || r.ContentLength < 0 || r.ContentLength > maxInlineBody ||
		headerLen(r.Header)+len(r.URL.RequestURI())+len(r.Host) > maxFrameHeaders {
		return e.relayAlone(w, r, address, done)
	}
	defer done()
	return e.relayTogether(w, r, address)
}

// relayFailed answers a request that another server did not answer, unless the session is unknown.
func (e *Server) relayFailed(w http.ResponseWriter, r *http.Request, address string, err error) (answered bool) {
	failed, isBody := errors.AsType[bodyError](err)
	switch {
	case r.Context().Err() != nil:
		return true // nobody waits for an answer
	case isBody:
		e.logRequest(r, &refusal.Refusal{Rule: "slow upload", Limit: e.cfg.ReadTimeout, Field: "Config.ReadTimeout"}, failed)
		endConnection(w.Header(), r)
		respond(w, http.StatusRequestTimeout, nil)
		return true
	case errors.Is(err, errNodesClosed):
		e.refuse(w, r, shuttingDown())
		return true
	}
	e.logRequest(r, &refusal.Refusal{
		Rule: "other server does not answer", Value: address, Key: address,
		Remedy: "the server at {value} is announced in the cluster and cannot be reached from here, " +
			"or has just gone: its sessions are unknown",
	}, err)
	return false
}

// bodyError is an error of the client that sends the body of a request.
type bodyError struct{ error }

// Unwrap returns the error.
func (b bodyError) Unwrap() error { return b.error }

// hopHeaders are the headers that concern one connection only, or that are not relayed as they are.
var hopHeaders = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true, "Upgrade": true, "Content-Length": true, "Expect": true, "Host": true,
	"Proxy-Authenticate": true, "Proxy-Authorization": true,
}

// sentURI returns path and query of a request as its client wrote them.
func sentURI(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

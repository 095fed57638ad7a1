package engineio

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gosocketio/socketio/internal/origin"
	"github.com/gosocketio/socketio/internal/refusal"
)

// CORS lists the web pages of other origins that may connect, and configures the CORS headers.
//
// The zero value serves the server's own pages only. The Origin of such a page has the host and
// port of the request's Host, or of X-Forwarded-Host or Forwarded if the peer is in
// Config.TrustedProxies; a missing port is the default of the Origin's scheme. A page that its
// browser calls same-origin (Sec-Fetch-Site) is the server's own too. So are pages of this machine,
// such as http://localhost:5173, if the request came over the loopback interface and its Host is a
// loopback name. Other pages are refused, on every transport.
//
// Requests without a page pass. Browsers send the Origin with every request to another origin,
// except for scripts, pictures and links, which they mark as cross-site.
type CORS struct {
	// Origins are the other origins that may connect: "https://app.example.com",
	// "capacitor://localhost", "null" and "file://" for local files. A * matches a part of the host,
	// "https://*.example.com", or the port, "http://localhost:*"; "*" alone allows every origin.
	Origins []string
	// AllowOrigin, if set, is called for an origin that Origins does not list. The origin of a page
	// that hides it is "null".
	AllowOrigin func(r *http.Request, origin string) bool
	// Credentials lets pages of the allowed origins send cookies and other credentials. It cannot go
	// with "*".
	Credentials bool
	// Methods are announced to preflight requests. Default GET,HEAD,PUT,PATCH,POST,DELETE.
	Methods []string
	// AllowedHeaders are announced to preflight requests. Default: the headers that the request lists.
	AllowedHeaders []string
}

func (c *CORS) validate() error {
	for _, text := range c.Origins {
		if text == "*" && c.Credentials {
			return badConfig("CORS.Credentials cannot go with the origin \"*\", browsers refuse it: " +
				"list the origins or set CORS.AllowOrigin")
		}
		if _, err := origin.ParsePattern(text); err != nil {
			return badConfig("CORS.Origins has %q: %w", text, err)
		}
	}
	for name, values := range map[string][]string{"Methods": c.Methods, "AllowedHeaders": c.AllowedHeaders} {
		for i, v := range values {
			if !isToken(v) {
				return badConfig("CORS.%s[%d] is %q, it must be a name", name, i, v)
			}
		}
	}
	return nil
}

// policy returns the rules for pages of other origins. c must be valid.
func (c *Config) policy() *origin.Policy {
	p := &origin.Policy{Allow: c.CORS.AllowOrigin, Proxies: c.TrustedProxies, IsScript: func(r *http.Request) bool {
		_, isScript := jsonpCallback(r)
		return isScript
	}}
	for _, text := range c.CORS.Origins {
		pattern, _ := origin.ParsePattern(text)
		p.Patterns = append(p.Patterns, pattern)
	}
	return p
}

// verifyOrigin refuses a request of a page that may not connect.
func (e *Server) verifyOrigin(r *http.Request, sid string) *ConnectionError {
	if o := r.Header.Get("Origin"); !isFieldValue(o) {
		const name = "INVALID_ORIGIN"
		return badRequest(name, map[string]any{"origin": o}).by(refusal.Refusal{Rule: name, Value: o})
	}
	no := e.origins.Check(r)
	if no == nil || no.Rule == origin.RuleForeign && e.isUpgrade(r) && e.openedSameOrigin(sid) {
		return nil
	}
	no.Limit = e.cfg.CORS.Origins
	return refused(CodeForbidden, map[string]any{
		"message": fmt.Sprintf("Origin %q is not allowed: the server's log says why", no.Value),
		"origin":  no.Value, "host": r.Host, "rule": no.Rule, "field": no.Field, "remedy": no.Remedy,
	}).by(*no)
}

// openedSameOrigin tells whether a browser called the request that opened a session same-origin.
//
// Some browsers do not say it of a WebSocket. Behind a proxy that replaces the Host, the handshake
// is then the only evidence; only the page that opened the session knows its id.
func (e *Server) openedSameOrigin(sid string) bool {
	s := e.sessions.get(sid)
	return s != nil && origin.IsSameOrigin(s.handshake.Header())
}

// setCORS sets the CORS headers of a response. It returns true if it answered a preflight request.
func (e *Server) setCORS(w http.ResponseWriter, r *http.Request) (answered bool) {
	c, h, from := &e.cfg.CORS, w.Header(), r.Header.Get("Origin")
	isExposed := from != "" && e.origins.Exposes(r)
	isConfigured := len(c.Origins) > 0 || c.AllowOrigin != nil
	switch {
	case e.origins.IsAny():
		h.Set("Access-Control-Allow-Origin", "*")
	case isExposed:
		h.Set("Access-Control-Allow-Origin", from)
		if c.Credentials {
			h.Set("Access-Control-Allow-Credentials", "true")
		}
		fallthrough
	case isConfigured:
		h.Add("Vary", "Origin")
	default:
		return false
	}
	if r.Method != http.MethodOptions {
		return false
	}
	c.preflight(h, r)
	if why := e.origins.Check(r); why != nil { // the browser will not send the request itself
		e.logRequest(r, why, nil)
	}
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// preflight sets the headers that only the answer to a preflight request has.
func (c *CORS) preflight(h http.Header, r *http.Request) {
	methods := "GET,HEAD,PUT,PATCH,POST,DELETE"
	if len(c.Methods) > 0 {
		methods = strings.Join(c.Methods, ",")
	}
	h.Set("Access-Control-Allow-Methods", methods)
	if len(c.AllowedHeaders) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(c.AllowedHeaders, ","))
		return
	}
	h.Add("Vary", "Access-Control-Request-Headers")
	if list := r.Header.Get("Access-Control-Request-Headers"); list != "" {
		h.Set("Access-Control-Allow-Headers", list)
	}
}

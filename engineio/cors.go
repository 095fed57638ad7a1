package engineio

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gosocketio/socketio/internal/httpfield"
	"github.com/gosocketio/socketio/internal/origin"
	"github.com/gosocketio/socketio/internal/refusal"
)

// CORS says which web pages of other origins may connect, and what their browsers are told.
//
// The zero value serves the server's own pages only: those whose Origin has the host and port of
// the request's Host (a missing port is the default of the Origin's scheme), or of X-Forwarded-Host
// or Forwarded if the peer is in Config.TrustedProxies, and those that the browser calls
// same-origin (Sec-Fetch-Site). It also serves pages of this machine, such as
// http://localhost:5173, if the request came over the loopback interface and its Host is a loopback
// name too. Other pages are refused, on every transport. Requests that show no page pass: browsers
// send the Origin with every request to another origin but those for scripts, pictures and links,
// of which they say that they are cross-site.
type CORS struct {
	// Origins lists other origins that may connect: "https://app.example.com",
	// "capacitor://localhost", "null" and "file://" for local files. A * stands for a part of the
	// host, "https://*.example.com", or for the port, "http://localhost:*"; "*" alone allows every
	// origin.
	Origins []string
	// AllowOrigin, if set, is asked about an origin that Origins does not list. A page that hides
	// its origin has the origin "null".
	AllowOrigin func(r *http.Request, origin string) bool
	// Credentials lets pages of the allowed origins send cookies and other credentials. It cannot
	// go with "*".
	Credentials bool
	// Methods are announced to preflight requests. Default GET,HEAD,PUT,PATCH,POST,DELETE.
	Methods []string
	// AllowedHeaders are announced to preflight requests. Default: those that the request asks for.
	AllowedHeaders []string
}

func (c *CORS) validate() error {
	for _, text := range c.Origins {
		if text == "*" && c.Credentials {
			return fmt.Errorf("%w: CORS.Credentials cannot go with the origin \"*\", browsers refuse it: "+
				"list the origins or set CORS.AllowOrigin", ErrConfig)
		}
		if _, err := origin.ParsePattern(text); err != nil {
			return fmt.Errorf("%w: CORS.Origins has %q: %w", ErrConfig, text, err)
		}
	}
	for _, list := range []struct {
		name   string
		values []string
	}{{"Methods", c.Methods}, {"AllowedHeaders", c.AllowedHeaders}} {
		for i, v := range list.values {
			if !httpfield.IsToken(v) {
				return fmt.Errorf("%w: CORS.%s[%d] is %q, it must be a name", ErrConfig, list.name, i, v)
			}
		}
	}
	return nil
}

// policy returns the rules for pages of other origins. The Config must be valid.
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
	if o := r.Header.Get("Origin"); !httpfield.IsValue(o) {
		return badRequest("INVALID_ORIGIN", map[string]any{"origin": o})
	}
	no := e.origins.Check(r)
	if no == nil || no.Rule == origin.RuleForeign && e.isUpgrade(r) && e.openedSameOrigin(sid) {
		return nil
	}
	c := refused(CodeForbidden, map[string]any{
		"message": fmt.Sprintf("Origin %q is not allowed (see CORS.Origins)", no.Origin),
		"origin":  no.Origin, "host": no.Host, "rule": no.Rule, "field": no.Field, "remedy": no.Remedy,
	})
	c.rule = &refusal.Refusal{
		Rule: no.Rule, Value: no.Origin, Limit: e.cfg.CORS.Origins, Field: no.Field, Key: no.Origin, Remedy: no.Remedy,
	}
	return c
}

// openedSameOrigin tells whether a browser called the request that opened a session same-origin.
// Behind a proxy that does not pass the Host on, that is known of polling requests only: some
// browsers do not say it of a WebSocket. But only the page that opened the session knows its id.
func (e *Server) openedSameOrigin(sid string) bool {
	s := e.sessions.get(sid)
	return s != nil && origin.IsSameOrigin(s.handshake.Header())
}

// decorate sets the CORS headers of a response, errors included, and answers a preflight request:
// it then returns true.
func (e *Server) decorate(w http.ResponseWriter, r *http.Request) (answered bool) {
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
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// preflight sets what only the answer to a preflight request has.
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
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
}

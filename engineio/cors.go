package engineio

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/gosocketio/socketio/internal/httpfield"
)

// CORS says which web pages of other origins may connect, and what their browsers are told.
//
// The zero value refuses every request whose Origin header names another host than the request's own Host, WebSockets
// included; requests without an Origin header, which do not come from a page of another origin, pass.
type CORS struct {
	// Origins lists what may connect besides the server's own origin: full origins ("https://app.example.com"), patterns
	// with * for a part of the host ("https://*.example.com"), or "*" alone for every origin.
	Origins []string
	// AllowOrigin, if set, is asked about an origin that Origins does not list; a regular expression, for instance.
	AllowOrigin func(r *http.Request, origin string) bool
	// Credentials lets pages send cookies and other credentials. It cannot go with "*".
	Credentials bool
	// Methods are announced to preflight requests. Default GET,HEAD,PUT,PATCH,POST,DELETE.
	Methods []string
	// AllowedHeaders are announced to preflight requests. Default: those that the request asks for.
	AllowedHeaders []string
	// ExposedHeaders are the response headers that pages may read.
	ExposedHeaders []string
	// MaxAge is how long a browser may keep the answer to a preflight request, in whole seconds. Default: not said.
	MaxAge time.Duration
	// PreflightStatus is the status of the answer to a preflight request. Default 204.
	PreflightStatus int
	// PreflightContinue hands preflight requests on to Config.Middleware, once their headers are set. The engine itself then
	// refuses those that nobody answers.
	PreflightContinue bool
	// ServeDisallowedOrigins answers requests of origins that are not allowed, only without CORS headers, as the official
	// server does. A page of any origin can then open a WebSocket with the cookies of its visitor.
	ServeDisallowedOrigins bool
}

func (c *CORS) validate() error {
	for _, o := range c.Origins {
		if o == "*" {
			if c.Credentials {
				return fmt.Errorf("%w: CORS.Credentials cannot go with the origin \"*\", browsers refuse it: list the origins or set CORS.AllowOrigin", ErrConfig)
			}
			continue
		}
		u, err := url.Parse(o)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" {
			return fmt.Errorf("%w: CORS.Origins has %q, it must be \"*\" or look like https://example.com, without a path", ErrConfig, o)
		}
		if _, err := path.Match(o, ""); err != nil {
			return fmt.Errorf("%w: CORS.Origins has the bad pattern %q", ErrConfig, o)
		}
	}
	for _, list := range []struct {
		name   string
		values []string
	}{{"Methods", c.Methods}, {"AllowedHeaders", c.AllowedHeaders}, {"ExposedHeaders", c.ExposedHeaders}} {
		for i, v := range list.values {
			if !httpfield.IsToken(v) {
				return fmt.Errorf("%w: CORS.%s[%d] is %q, it must be a name", ErrConfig, list.name, i, v)
			}
		}
	}
	if c.MaxAge < 0 {
		return fmt.Errorf("%w: CORS.MaxAge is %v, it must be at least 0 (not said)", ErrConfig, c.MaxAge)
	}
	if s := c.PreflightStatus; s != 0 && (s < 200 || s > 299) {
		return fmt.Errorf("%w: CORS.PreflightStatus is %d, it must be between 200 and 299", ErrConfig, s)
	}
	return nil
}

// configured tells whether CORS headers are sent at all.
func (c *CORS) configured() bool { return len(c.Origins) > 0 || c.AllowOrigin != nil }

func (c *CORS) anyOrigin() bool {
	for _, o := range c.Origins {
		if o == "*" {
			return true
		}
	}
	return false
}

// lists tells whether the origin is allowed by configuration (the server's own origin is not looked at).
func (c *CORS) lists(r *http.Request, origin string) bool {
	for _, o := range c.Origins {
		if o == "*" || strings.EqualFold(o, origin) {
			return true
		}
		// A * never matches across the slashes between scheme and host, so a pattern cannot be widened by the client.
		if ok, err := path.Match(strings.ToLower(o), strings.ToLower(origin)); err == nil && ok {
			return true
		}
	}
	return c.AllowOrigin != nil && c.AllowOrigin(r, origin)
}

// permits tells whether a request may be served.
func (c *CORS) permits(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || c.ServeDisallowedOrigins || sameOrigin(r, origin) {
		return true
	}
	return c.lists(r, origin)
}

// sameOrigin compares hosts only: behind a proxy that ends TLS the server does not know its own scheme.
func sameOrigin(r *http.Request, origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// decorate sets the CORS headers of a response, errors included, and answers a preflight request: it then returns true.
func (c *CORS) decorate(w http.ResponseWriter, r *http.Request) (answered bool) {
	if !c.configured() {
		return false
	}
	h := w.Header()
	origin := r.Header.Get("Origin")
	if c.anyOrigin() {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Add("Vary", "Origin")
		if origin != "" && c.lists(r, origin) {
			h.Set("Access-Control-Allow-Origin", origin)
		}
	}
	allowed := h.Get("Access-Control-Allow-Origin") != ""
	if c.Credentials && allowed {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if r.Method != http.MethodOptions {
		setList(h, "Access-Control-Expose-Headers", c.ExposedHeaders)
		return false
	}
	c.preflight(h, r)
	if c.PreflightContinue {
		return false
	}
	h.Set("Content-Length", "0")
	status := c.PreflightStatus
	if status == 0 {
		status = http.StatusNoContent
	}
	w.WriteHeader(status)
	return true
}

// preflight sets what only the answer to a preflight request has.
func (c *CORS) preflight(h http.Header, r *http.Request) {
	if len(c.Methods) > 0 {
		setList(h, "Access-Control-Allow-Methods", c.Methods)
	} else {
		h.Set("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE")
	}
	if len(c.AllowedHeaders) > 0 {
		setList(h, "Access-Control-Allow-Headers", c.AllowedHeaders)
	} else {
		h.Add("Vary", "Access-Control-Request-Headers")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
		}
	}
	if c.MaxAge > 0 {
		h.Set("Access-Control-Max-Age", strconv.Itoa(int(c.MaxAge/time.Second)))
	}
	setList(h, "Access-Control-Expose-Headers", c.ExposedHeaders)
}

func setList(h http.Header, name string, values []string) {
	if len(values) > 0 {
		h.Set(name, strings.Join(values, ","))
	}
}

package api

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/refusal"
)

// Document is the OpenAPI document, in YAML.
//
//go:embed openapi.yaml
var Document string

// Defaults and limits of a [Config].
const (
	// MinTokenLen is the shortest token, in characters.
	MinTokenLen = 16
	// DefaultMaxBody is the default of Config.MaxBody, in bytes.
	DefaultMaxBody = 1_000_000
	// DefaultMaxRequests is the default of Config.MaxRequests.
	DefaultMaxRequests = 200
	// DefaultMaxAckTimeout is the default of Config.MaxAckTimeout.
	DefaultMaxAckTimeout = time.Minute
)

// ioTimeout limits how long the body of a request may take, and an answer after the wait for it.
const ioTimeout = 10 * time.Second

// Config configures the handler. Only Token must be set.
type Config struct {
	// Token is what requests must have as "Authorization: Bearer TOKEN": at least MinTokenLen visible
	// ASCII characters.
	Token string
	// MaxBody limits the body of a request, in bytes. Default 1,000,000.
	MaxBody int64
	// MaxRequests limits the requests at a time; more are answered 429. Half of them may wait for
	// acknowledgements or for other servers. Default 200.
	MaxRequests int
	// MaxAckTimeout is the longest time for acknowledgements that a request may ask for. Default 1 min.
	MaxAckTimeout time.Duration
	// Namespace returns the namespace with this name, or false. Default: a namespace that exists on
	// this server. A program with dynamic namespaces may return io.Of(name) for names that it knows, so
	// that a call reaches one that only another server has. io.Of makes a namespace that clients can
	// join: never call it with any name.
	Namespace func(name string) (*socketio.Namespace, bool)
	// Logger gets refused requests. Default slog.Default().
	Logger *slog.Logger
}

// New returns the handler for a server. It returns an error if the Config cannot work.
func New(io *socketio.Server, c Config) (http.Handler, error) {
	c.MaxBody = cmp.Or(c.MaxBody, DefaultMaxBody)
	c.MaxRequests = cmp.Or(c.MaxRequests, DefaultMaxRequests)
	c.MaxAckTimeout = cmp.Or(c.MaxAckTimeout, DefaultMaxAckTimeout)
	switch {
	case len(c.Token) < MinTokenLen:
		return nil, fmt.Errorf("api: Config.Token has %d characters, it must have at least %d", len(c.Token), MinTokenLen)
	case strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("api: Config.Token must be visible ASCII characters, such as from openssl rand -hex 32")
	case c.MaxBody < 0:
		return nil, fmt.Errorf("api: Config.MaxBody is %d, it must be positive", c.MaxBody)
	case c.MaxRequests < 2:
		return nil, fmt.Errorf("api: Config.MaxRequests is %d, it must be at least 2", c.MaxRequests)
	case c.MaxAckTimeout < time.Millisecond:
		return nil, fmt.Errorf("api: Config.MaxAckTimeout is %v, it must be at least 1ms", c.MaxAckTimeout)
	}
	if c.Namespace == nil {
		c.Namespace = func(name string) (*socketio.Namespace, bool) { return existing(io, name) }
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	h := &handler{
		cfg: c, token: sha256.Sum256([]byte(c.Token)), log: refusal.NewLog(c.Logger),
		requests: make(chan struct{}, c.MaxRequests), waiting: make(chan struct{}, c.MaxRequests/2),
	}
	h.endpoints = map[string]endpoint{
		"/api/emit":       {http.MethodPost, h.emit},
		"/api/join":       {http.MethodPost, h.join},
		"/api/leave":      {http.MethodPost, h.leave},
		"/api/disconnect": {http.MethodPost, h.disconnect},
		"/api/sockets":    {http.MethodGet, h.sockets},
	}
	return h, nil
}

// existing returns the namespace with this name if it exists.
func existing(io *socketio.Server, name string) (*socketio.Namespace, bool) {
	all := io.Namespaces()
	i, found := slices.BinarySearchFunc(all, name, func(n *socketio.Namespace, name string) int {
		return strings.Compare(n.Name(), name)
	})
	if !found {
		return nil, false
	}
	return all[i], true
}

type handler struct {
	cfg       Config
	token     [sha256.Size]byte // its hash, so that comparing takes the same time for each length
	log       *refusal.Log
	endpoints map[string]endpoint
	requests  chan struct{} // one for each request that is handled
	waiting   chan struct{} // one for each that waits for clients or other servers
}

// endpoint answers a request with the given body, or returns why not.
type endpoint struct {
	method string
	serve  func(w http.ResponseWriter, r *http.Request, body []byte) *problem
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if p := h.serve(w, r); p != nil {
		h.log.Write(r.Context(), "api: request refused", refusal.Peer{Addr: r.RemoteAddr}, &p.Refusal, nil)
		p.write(w)
	}
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request) *problem {
	if r.URL.Path == "/api/openapi.yaml" && r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = io.WriteString(w, Document) // best effort: the backend may have gone
		return nil
	}
	if !h.authorized(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		return unauthorized()
	}
	e, ok := h.endpoints[r.URL.Path]
	switch {
	case !ok:
		return notFound("unknown path", r.URL.Path, "")
	case r.Method != e.method:
		w.Header().Set("Allow", e.method)
		return methodNotAllowed(r.Method, e.method)
	}
	leave, p := enter(h.requests, "requests at a time")
	if p != nil {
		return p
	}
	defer leave()
	var body []byte
	if e.method == http.MethodPost {
		if body, p = h.body(w, r); p != nil {
			return p
		}
	}
	return e.serve(w, r, body)
}

// authorized tells whether the request has the token.
func (h *handler) authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	given := sha256.Sum256([]byte(token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(given[:], h.token[:]) == 1
}

// enter takes a place until leave is called, or returns the problem that there is none.
func enter(places chan struct{}, what string) (leave func(), p *problem) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	default:
		return nil, busy(what, cap(places))
	}
}

// wait is enter for a request that waits for other servers or clients, for d at most.
func (h *handler) wait(w http.ResponseWriter, d time.Duration) (leave func(), p *problem) {
	if leave, p = enter(h.waiting, "requests that wait"); p == nil {
		limit(w, d+ioTimeout)
	}
	return leave, p
}

// body returns the body of a request.
func (h *handler) body(w http.ResponseWriter, r *http.Request) ([]byte, *problem) {
	given := r.Header.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(given); err != nil || kind != "application/json" {
		return nil, unsupported(given)
	}
	if r.ContentLength > h.cfg.MaxBody { // not read, so the connection ends
		return nil, tooLarge(r.ContentLength, h.cfg.MaxBody)
	}
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(ioTimeout)) // best effort: a test's recorder has none
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.cfg.MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, tooLarge(fmt.Sprintf("more than %d", h.cfg.MaxBody), h.cfg.MaxBody)
	}
	if err != nil {
		return nil, incomplete(len(body))
	}
	_ = c.SetReadDeadline(time.Time{}) // from now on a read only waits for the end of the connection
	return body, nil
}

// limit gives the answer d from now on. It ends with the request.
func limit(w http.ResponseWriter, d time.Duration) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d)) // best effort: a test's recorder has none
}

package socketio

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/namespace"
)

// Server is a Socket.IO server: an http.Handler to be mounted at Config.Path of any router. Its methods that
// concern sockets are those of the namespace "/". All methods are safe for concurrent use.
type Server struct {
	engine *engineio.Server
	hub    *namespace.Hub
	main   *Namespace // "/"
}

// New returns a server. It panics, in one line that names the field, when a field of c has a value that cannot
// work: a configuration written in the program is right or wrong at every start, and there is nothing else to do
// about it. A configuration that comes from outside is for [NewServer].
func New(c Config) *Server {
	s, err := NewServer(c)
	if err != nil {
		panic(err)
	}
	return s
}

// NewServer returns a server, or an error (ErrConfig) that names the field of c whose value cannot work.
func NewServer(c Config) (*Server, error) {
	hub, engine, err := c.build()
	if err != nil {
		return nil, err
	}
	return &Server{engine: engine, hub: hub, main: hub.Of("/")}, nil
}

// ServeHTTP serves the requests of clients, and the client files if there are any. Requests for other paths get
// 404.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Engine returns the engine below.
func (s *Server) Engine() *engineio.Server { return s.engine }

// Of returns the namespace with this name and makes it when it does not exist. A missing leading slash is added; ""
// is "/". Clients can join the namespaces that exist, and no others.
func (s *Server) Of(name string) *Namespace { return s.hub.Of(name) }

// OfRegexp makes a namespace for each name that re matches when the first client asks for it, see [Parent].
func (s *Server) OfRegexp(re *regexp.Regexp) *Parent { return s.hub.OfRegexp(re) }

// OfFunc makes a namespace for each name that match accepts when the first client asks for it, see [Parent]. auth is what the
// client sent to join, or nil. It must not block.
func (s *Server) OfFunc(match func(name string, auth json.RawMessage) bool) *Parent {
	return s.hub.OfFunc(match)
}

// OnNewNamespace adds a function that is called for each namespace made from now on.
func (s *Server) OnNewNamespace(fn func(*Namespace)) { s.hub.OnNewNamespace(fn) }

// Namespaces returns the namespaces in the order of their names.
func (s *Server) Namespaces() []*Namespace { return s.hub.Namespaces() }

// Shutdown ends the server: new connections are refused, every socket is disconnected with the reason "server
// shutting down" (clients will try to reconnect), connections are closed without sending what still waits for them,
// and the handlers that are running are waited for. It returns the context's cause if ctx ends before that. It does
// not touch the http.Server, whose own Shutdown does not see WebSocket connections: call this first.
func (s *Server) Shutdown(ctx context.Context) error { return s.hub.Shutdown(ctx) }

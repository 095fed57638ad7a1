package socketio

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/refusal"
	"github.com/gosocketio/socketio/namespace"
)

// Server is a Socket.IO server: an http.Handler to be mounted at Config.Path of any router. The
// methods that it shares with [Namespace] act on the namespace "/". All methods are safe for
// concurrent use.
type Server struct {
	*core // of the namespace "/"

	cfg    Config
	log    *refusal.Log
	engine *engineio.Server
	relay  *relayDirectory // nil without Config.Relay

	limited    bool        // there are limits on events
	eventLimit *eventLimit // of each connection; nil: none
	began      time.Time   // the origin of the limits' times

	names namespace.Registry[*Namespace, *Parent]

	mu      sync.Mutex
	onNew   []func(*Namespace) // called for each new namespace
	defined []*totals          // of the namespaces and patterns that the program defined

	// What recovery has to know of the engine's configuration.
	unnoticed       time.Duration // how long a connection may be dead before that is noticed
	maxMissedBytes  int           // what may be sent to a client that comes back
	maxMissedEvents int

	closing atomic.Bool // Shutdown has begun: nobody joins any more
	workers workers

	functions atomic.Int32 // calls of OfFunc

	takenIDs takenIDs
	burst    burst

	decoders sync.Pool // of *protocol.Decoder, when Config.Parser is nil
}

// New returns a server. It panics, in one line that names the field, when a field of c has a value
// that cannot work. For a configuration that comes from outside use [NewServer], which returns the
// error.
func New(c Config) *Server {
	srv, err := NewServer(c)
	if err != nil {
		panic(err)
	}
	return srv
}

// NewServer returns a server, or an error (ErrConfig) that names the field of c whose value cannot
// work.
func NewServer(c Config) (*Server, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	srv := &Server{
		cfg: c, log: refusal.NewLog(c.Logger), limited: c.EventLimit.Rate > 0 || len(c.NamespaceEventLimits) > 0,
		eventLimit: newEventLimit(c.EventLimit, ruleConnectionEvents, "Config.EventLimit"), began: time.Now(),
	}
	srv.names.Make, srv.names.Added, srv.names.Removed = srv.newNamespace, srv.added, srv.removed
	srv.names.Cleanup = c.CleanupEmptyChildNamespaces
	main, err := srv.names.Of("/")
	if err != nil {
		return nil, fmt.Errorf("%w: Adapter: %w", ErrConfig, refusal.Inner(err))
	}
	srv.core = &main.core
	if srv.engine, err = srv.newEngine(); err != nil {
		_ = srv.closeAdapter(main) // nobody else will
		return nil, err
	}
	return srv, nil
}

// newEngine makes the engine, whose sessions are the server's clients.
func (srv *Server) newEngine() (*engineio.Server, error) {
	c := srv.cfg.engine()
	if srv.cfg.ClientFiles != nil {
		files, err := srv.cfg.clientFiles(c.Path)
		if err != nil {
			return nil, err
		}
		c.Middleware = append(slices.Clip(c.Middleware), files)
	}
	c.NewHandler = srv.newClient
	c.Turn = srv.burst.turn
	srv.burst.limit(cmp.Or(c.MaxBufferedPackets, engineio.DefaultMaxBufferedPackets),
		cmp.Or(c.MaxBufferedBytes, engineio.DefaultMaxBufferedBytes))
	var err error
	if srv.relay, err = srv.newRelay(&c); err != nil {
		return nil, err
	}
	srv.unnoticed = cmp.Or(c.PingInterval, engineio.DefaultPingInterval) +
		cmp.Or(c.PingTimeout, engineio.DefaultPingTimeout)
	srv.maxMissedBytes = cmp.Or(c.MaxBufferedBytes, engineio.DefaultMaxBufferedBytes) / 2
	srv.maxMissedEvents = cmp.Or(c.MaxBufferedPackets, engineio.DefaultMaxBufferedPackets) / 2
	engine, err := engineio.New(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, refusal.Inner(err))
	}
	if srv.relay != nil {
		if err := srv.relay.Announce(srv.cfg.Relay.Address); err != nil {
			return nil, fmt.Errorf("%w: Relay: %w", ErrConfig, refusal.Inner(err))
		}
	}
	return engine, nil
}

// ServeHTTP serves the requests of clients, and the client files if there are any. Requests for
// other paths get 404.
func (srv *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if srv.cfg.ClientFiles == nil && srv.isClientFile(r.URL.Path) {
		srv.refuseClientFile(w, r)
		return
	}
	srv.engine.ServeHTTP(w, r)
}

// isClientFile tells whether a path is that of a bundle of the client.
func (srv *Server) isClientFile(path string) bool {
	name, below := strings.CutPrefix(path, srv.engine.Path())
	return below && strings.HasPrefix(name, "socket.io.") &&
		(strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".map"))
}

// Engine returns the engine below.
func (srv *Server) Engine() *engineio.Server { return srv.engine }

// Of returns the namespace with this name and makes it when it does not exist. A missing leading
// slash is added; "" is "/". It panics when the adapter of a new namespace cannot be made.
func (srv *Server) Of(name string) *Namespace {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	if strings.Contains(name, ",") {
		panic("socketio: namespace " + name + ": no client can join a name with a comma, " +
			"which ends the name on the wire")
	}
	ns, err := srv.names.Of(name)
	if err != nil {
		panic("socketio: adapter of namespace " + name + ": " + err.Error())
	}
	return ns
}

// Namespaces returns the namespaces in the order of their names.
func (srv *Server) Namespaces() []*Namespace { return srv.names.All() }

// OnNewNamespace adds a function that is called for each namespace made from now on.
func (srv *Server) OnNewNamespace(fn func(*Namespace)) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	srv.onNew = with(srv.onNew, fn)
}

// newNamespace makes a namespace with its adapter, for srv.names.
func (srv *Server) newNamespace(name string, pattern *namespace.Pattern[*Namespace, *Parent]) (*Namespace, error) {
	ns := &Namespace{core{name: name}}
	ns.server, ns.ns = srv, ns
	if pattern != nil {
		ns.totals = pattern.Owner.totals
	} else {
		ns.totals = srv.newTotals(name)
	}
	made, err := srv.cfg.Adapter(host{ns})
	if err == nil && made == nil {
		err = errors.New("it made none")
	}
	if err != nil {
		return nil, err
	}
	ns.adapter = made
	if c := srv.cfg.ConnectionStateRecovery; c != nil {
		ns.recovery = newRecovery(ns, *c)
	}
	if pattern != nil {
		ns.now.Store(pattern.Owner.load())
	} else {
		srv.define(ns.totals)
	}
	return ns, nil
}

// added calls the OnNewNamespace functions.
func (srv *Server) added(ns *Namespace) {
	srv.mu.Lock()
	fns := srv.onNew
	srv.mu.Unlock()
	for _, fn := range fns {
		srv.call(nil, "a function of OnNewNamespace", func() { fn(ns) })
	}
}

// removed closes the adapter of a namespace that is gone.
func (srv *Server) removed(ns *Namespace) {
	if err := srv.closeAdapter(ns); err != nil {
		srv.report(nil, fmt.Errorf("socketio: closing the adapter of namespace %s: %w", ns.name, err))
	}
}

// enter returns the namespace that a client wants to join, which may have to be made; nil when
// there is none. leave must be called when the client's socket is gone from it.
func (srv *Server) enter(name string, auth json.RawMessage) *Namespace {
	ns, ok, err := srv.names.Enter(name, auth)
	if err != nil {
		srv.report(nil, fmt.Errorf("socketio: adapter of namespace %s: %w", name, err))
	}
	if !ok {
		return nil
	}
	return ns
}

// leave ends what enter began. The last socket that leaves a child removes it, with
// CleanupEmptyChildNamespaces.
func (srv *Server) leave(ns *Namespace) { srv.names.Leave(ns.name) }

// report tells OnError, or the log when there is none, what went wrong for a socket. A panic is in
// the log already.
func (srv *Server) report(s *Socket, err error) {
	if _, panicked := errors.AsType[*PanicError](err); srv.cfg.OnError == nil && !panicked {
		srv.cfg.Logger.LogAttrs(s.logContext(), levelOf(s, err), err.Error(), s.logAttrs()...)
		return
	}
	srv.callOnError(s, err)
}

// callOnError is report of what has a line in the log.
func (srv *Server) callOnError(s *Socket, err error) {
	if srv.cfg.OnError == nil {
		return
	}
	_ = srv.contain(s, "OnError", func() error {
		srv.cfg.OnError(s, err)
		return nil
	})
}

// levelOf is where an error that nobody asked for goes: what is an answer to the client, or the
// consequence of its going away, is no fault, and the client decides how often it happens.
func levelOf(s *Socket, err error) slog.Level {
	visible := (*Error)(nil)
	// The connection ends a moment before its sockets hear of it.
	gone := s != nil && (!s.Connected() || s.client.session().Closed())
	if errors.As(err, &visible) || gone && errors.Is(err, ErrClosed) {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// contain runs f and turns a panic into an error; where names the kind of function. A Goexit
// passes: callers clean up in deferred functions.
func (srv *Server) contain(s *Socket, where string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = srv.panicked(s, where, v)
		}
	}()
	return f()
}

// call runs a callback of the user and reports its panic.
func (srv *Server) call(s *Socket, where string, fn func()) {
	err := srv.contain(s, where, func() error {
		fn()
		return nil
	})
	if err != nil {
		srv.report(s, err)
	}
}

// panicked logs a recovered panic with its stack and returns it as an error.
//
// Only deferred functions call it.
func (srv *Server) panicked(s *Socket, where string, v any) error {
	err := &PanicError{Where: where, Value: v, Stack: debug.Stack()}
	attrs := append(s.logAttrs(), slog.String("stack", string(err.Stack)))
	srv.cfg.Logger.LogAttrs(s.logContext(), slog.LevelError, err.Error(), attrs...)
	return err
}

// Drain moves the clients to other servers, as a deploy needs it: new connections are refused with
// status 503, and those that are there are closed over a time ([DrainOptions]), in a way after which
// clients reconnect at once by themselves. Call [Server.Shutdown] afterwards.
//
// A connection is closed when all that is queued for its client has been sent. The events that the
// client sent before it knew are handled, then its sockets disconnect with the reason "server
// shutting down". With [ConnectionStateRecovery] over a broker the client continues on another
// server and misses nothing.
//
// Drain returns when the last connection has ended. It returns ctx's error when that comes first;
// then clients that do not take their data, or that did not have their turn, are still connected.
func (srv *Server) Drain(ctx context.Context, o DrainOptions) error { return srv.engine.Drain(ctx, o) }

// Draining tells whether Drain or Shutdown has been called. A load balancer's readiness check should
// fail then: the server takes no new clients.
func (srv *Server) Draining() bool { return srv.engine.Draining() }

// Shutdown ends the server: new connections are refused, every socket is disconnected with the
// reason "server shutting down" (clients will try to reconnect), connections are closed without
// sending what still waits for them, and the handlers that are running are waited for. Then the
// adapters are closed, which send to the brokers what is queued. Shutdown returns the context's cause
// if ctx ends before that; it goes on, and logs what fails. It does not touch the http.Server, whose
// own Shutdown does not see WebSocket connections: call this first.
func (srv *Server) Shutdown(ctx context.Context) error {
	srv.closing.Store(true)
	for _, ns := range srv.Namespaces() {
		ns.serverSide.drop()
	}
	errs := []error{srv.engine.Shutdown(ctx)}
	for _, ns := range srv.Namespaces() { // those that Drain left to their handlers
		closeSockets(ns.Sockets(), ReasonServerShuttingDown, ErrServerClosed)
	}
	closed, abandoned := make(chan error), make(chan struct{})
	go func() { // ends with the last handler, or when brokers have been waited for long enough
		_ = srv.workers.wait(context.WithoutCancel(ctx))
		err := srv.closeAdapters()
		select {
		case closed <- err:
		case <-abandoned:
			if err != nil {
				srv.report(nil, err)
			}
		}
	}()
	select {
	case err := <-closed:
		errs = append(errs, err)
	case <-ctx.Done():
		close(abandoned)
		errs = append(errs, context.Cause(ctx))
	}
	return errors.Join(errs...)
}

// closeAdapters closes the adapters when nothing runs any more: disconnect callbacks may broadcast.
func (srv *Server) closeAdapters() error {
	var errs []error
	for _, ns := range srv.Namespaces() {
		if ns.recovery != nil {
			ns.recovery.close()
		}
		errs = append(errs, srv.closeAdapter(ns))
	}
	return errors.Join(errs...)
}

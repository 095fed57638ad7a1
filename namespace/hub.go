package namespace

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/wheel"
)

// Hub is all namespaces of a server, fed by one engine. Make it with [New], then make the engine with [Hub.Engine].
type Hub struct {
	cfg    Config
	engine *engineio.Server

	mu      sync.RWMutex
	names   map[string]*Namespace
	parents []*Parent          // in the order in which they are asked
	arrival []func(*Namespace) // told about new namespaces

	// What recovery has to know of the engine's configuration.
	unnoticed       time.Duration // how long a connection may be dead before that is noticed
	maxMissedBytes  int           // what may be sent to a client that comes back
	maxMissedEvents int

	closing atomic.Bool // Shutdown has begun: nobody joins any more
	workers workers

	takenIDs takenIDs

	untrusted int // bytes of a packet of who has joined no namespace

	decoders sync.Pool // of *protocol.Decoder, when Config.Parser is nil
}

// New returns a hub with the namespace "/". It fails when a field of c has a value that cannot work.
func New(c Config) (*Hub, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	h := &Hub{cfg: c, names: make(map[string]*Namespace)}
	if _, err := h.add("/", nil, false); err != nil {
		return nil, fmt.Errorf("%w: Adapter: %w", ErrConfig, err)
	}
	return h, nil
}

// Engine makes the engine that feeds the hub, with the hub's part added to c: its Connection, Message and Close
// events run before those given, the contexts of sessions know the client, and DefaultMaxUntrustedPayload is the default of
// MaxUntrustedPayload: a session is trusted once it has joined a namespace. It must be called once, before anything else happens.
func (h *Hub) Engine(c engineio.Config) (*engineio.Server, error) {
	base := c.SessionContext
	c.SessionContext = func(r *http.Request) context.Context {
		ctx := context.Background()
		if base != nil {
			ctx = base(r)
		}
		return newClient(ctx, h)
	}
	connection, message, closed := c.Events.Connection, c.Events.Message, c.Events.Close
	c.Events.Connection = func(s *engineio.Session) {
		clientOf(s).opened(s)
		if connection != nil {
			connection(s)
		}
	}
	c.Events.Message = func(s *engineio.Session, data []byte, binary bool) {
		clientOf(s).message(data, binary)
		if message != nil {
			message(s, data, binary)
		}
	}
	batch := c.Events.Batch
	c.Events.Batch = func(s *engineio.Session, begins bool) {
		clientOf(s).batched(begins)
		if batch != nil {
			batch(s, begins)
		}
	}
	c.Events.Close = func(s *engineio.Session, reason engineio.Reason, cause error) {
		clientOf(s).closed(reason, cause)
		if closed != nil {
			closed(s, reason, cause)
		}
	}
	c.MaxUntrustedPayload = cmp.Or(c.MaxUntrustedPayload, DefaultMaxUntrustedPayload)
	h.untrusted = c.MaxUntrustedPayload
	h.unnoticed = cmp.Or(c.PingInterval, engineio.DefaultPingInterval) + cmp.Or(c.PingTimeout, engineio.DefaultPingTimeout)
	h.maxMissedBytes = cmp.Or(c.MaxBufferedBytes, engineio.DefaultMaxBufferedBytes) / 2
	h.maxMissedEvents = cmp.Or(c.MaxBufferedPackets, engineio.DefaultMaxBufferedPackets) / 2
	var err error
	if h.engine, err = engineio.New(c); err != nil {
		for _, ns := range h.Namespaces() {
			_ = h.closeAdapter(ns) // nobody else will
		}
		return nil, err
	}
	return h.engine, nil
}

// Of returns the namespace with this name and makes it when it does not exist. A missing leading slash is added; ""
// is "/". It panics when the adapter of a new namespace cannot be made.
func (h *Hub) Of(name string) *Namespace {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	if ns := h.lookup(name); ns != nil {
		return ns
	}
	if strings.Contains(name, ",") {
		panic("socketio: namespace " + name + ": no client can join a name with a comma, which ends the name on the wire")
	}
	ns, err := h.add(name, h.parentOf(name), false)
	if err != nil {
		panic("socketio: adapter of namespace " + name + ": " + err.Error())
	}
	return ns
}

// Namespaces returns the namespaces in the order of their names.
func (h *Hub) Namespaces() []*Namespace {
	h.mu.RLock()
	list := slices.Collect(maps.Values(h.names))
	h.mu.RUnlock()
	slices.SortFunc(list, func(a, b *Namespace) int { return strings.Compare(a.name, b.name) })
	return list
}

func (h *Hub) lookup(name string) *Namespace {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.names[name]
}

// parentOf returns the parent whose child a namespace is that the application makes.
func (h *Hub) parentOf(name string) *Parent {
	h.mu.RLock()
	parents := h.parents
	h.mu.RUnlock()
	for _, p := range parents {
		if p.explicit && p.asked(name, nil) {
			return p
		}
	}
	return nil
}

// OnNewNamespace adds a function that is called for each namespace made from now on.
func (h *Hub) OnNewNamespace(fn func(*Namespace)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.arrival = with(h.arrival, fn)
}

// add makes a namespace, unless somebody else just did. With brief it is removed when its last socket has left.
func (h *Hub) add(name string, parent *Parent, brief bool) (*Namespace, error) {
	ns := &Namespace{name: name, hub: h, parent: parent, brief: brief}
	made, err := h.cfg.Adapter(host{ns})
	if err == nil && made == nil {
		err = errors.New("it made none")
	}
	if err != nil {
		return nil, err
	}
	ns.adapter = made
	if c := h.cfg.ConnectionStateRecovery; c != nil {
		ns.recovery = newRecovery(ns, *c)
	}
	if parent != nil {
		ns.handlers.now.Store(parent.handlers.load())
	}

	h.mu.Lock()
	if first := h.names[name]; first != nil {
		h.mu.Unlock()
		_ = h.closeAdapter(ns) // it held nothing yet
		return first, nil
	}
	h.names[name] = ns
	if parent != nil {
		parent.adopt(ns) // with the lock: it may be joined and left, and disowned, at once
	}
	arrival := h.arrival
	h.mu.Unlock()
	for _, fn := range arrival {
		_ = h.contain(nil, "a function of OnNewNamespace", func() error {
			fn(ns)
			return nil
		})
	}
	return ns, nil
}

// enter returns the namespace that a client wants to join, which may have to be made; nil when there is none. leave must be
// called when the client's socket is gone from it.
func (h *Hub) enter(name string, auth json.RawMessage) *Namespace {
	for {
		ns := h.lookup(name)
		if ns == nil {
			if ns = h.child(name, auth); ns == nil {
				return nil
			}
		}
		if !ns.brief {
			return ns
		}
		h.mu.Lock()
		still := h.names[name] == ns
		if still {
			ns.visitors++
		}
		h.mu.Unlock()
		if still {
			return ns
		}
	}
}

// child makes a namespace for a client if a parent wants it.
func (h *Hub) child(name string, auth json.RawMessage) *Namespace {
	h.mu.RLock()
	parents := h.parents
	h.mu.RUnlock()
	auth = bytes.Clone(auth) // the function may keep it
	for _, p := range parents {
		if !p.asked(name, auth) {
			continue
		}
		ns, err := h.add(name, p, h.cfg.CleanupEmptyChildNamespaces)
		if err != nil {
			h.report(nil, fmt.Errorf("socketio: adapter of namespace %s: %w", name, err))
			return nil
		}
		return ns
	}
	return nil
}

// leave ends what enter began. The last one out of a child removes it.
func (h *Hub) leave(ns *Namespace) {
	if !ns.brief {
		return
	}
	h.mu.Lock()
	ns.visitors--
	last := ns.visitors == 0
	if last {
		delete(h.names, ns.name)
	}
	h.mu.Unlock()
	if last {
		ns.parent.disown(ns)
		if err := h.closeAdapter(ns); err != nil {
			h.report(nil, fmt.Errorf("socketio: closing the adapter of namespace %s: %w", ns.name, err))
		}
	}
}

// schedule runs e on the engine's wheel after d. Expiring must not block.
func (h *Hub) schedule(t *wheel.Timer, d time.Duration, e wheel.Expirer) {
	h.engine.Wheel().Schedule(t, d, e)
}

func (h *Hub) stop(t *wheel.Timer) { h.engine.Wheel().Stop(t) }

// report tells OnError, or the log when there is none, what went wrong for a socket.
func (h *Hub) report(s *Socket, err error) {
	if h.cfg.OnError == nil {
		h.cfg.Logger.LogAttrs(s.logContext(), levelOf(s, err), err.Error(), s.logAttrs()...)
		return
	}
	defer func() {
		if v := recover(); v != nil {
			_ = h.panicked(s, "OnError", v)
		}
	}()
	h.cfg.OnError(s, err)
}

// levelOf is where an error that nobody asked for goes: what is an answer to the client, or the consequence of its
// going away, is no fault, and the client decides how often it happens.
func levelOf(s *Socket, err error) slog.Level {
	visible := (*Error)(nil)
	// The connection ends a moment before its sockets hear of it.
	gone := s != nil && (!s.Connected() || s.client.session.Closed())
	if errors.As(err, &visible) || gone && errors.Is(err, ErrClosed) {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// logPanic logs a contained panic with its stack.
func (h *Hub) logPanic(s *Socket, err *PanicError) {
	attrs := append(s.logAttrs(), slog.String("stack", string(err.Stack)))
	h.cfg.Logger.LogAttrs(s.logContext(), slog.LevelError, err.Error(), attrs...)
}

// contain runs f and turns a panic into an error; where names the kind of function. A Goexit passes: callers clean
// up in deferred functions.
func (h *Hub) contain(s *Socket, where string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = h.panicked(s, where, v)
		}
	}()
	return f()
}

// call runs a callback of the user and reports its panic.
func (h *Hub) call(s *Socket, where string, fn func()) {
	defer func() {
		if v := recover(); v != nil {
			h.report(s, h.panicked(s, where, v))
		}
	}()
	fn()
}

// panicked logs a recovered panic with its stack and makes an error of it. Deferred functions call it.
func (h *Hub) panicked(s *Socket, where string, v any) error {
	err := &PanicError{Where: where, Value: v, Stack: debug.Stack()}
	h.logPanic(s, err)
	return err
}

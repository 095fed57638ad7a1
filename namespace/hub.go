package namespace

import (
	"errors"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/wheel"
)

// Hub is all namespaces of a server, fed by one engine. Make it with [New], give the engine its [Hub.Events], then
// [Hub.Bind] it to the engine.
type Hub struct {
	cfg    Config
	engine *engineio.Server

	mu    sync.RWMutex
	names map[string]*Namespace

	closing atomic.Bool // Shutdown has begun: nobody joins any more
	workers workers
}

// New returns a hub with the namespace "/". It fails when a field of c has a value that cannot work.
func New(c Config) (*Hub, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	h := &Hub{cfg: c, names: make(map[string]*Namespace)}
	if _, err := h.add("/"); err != nil {
		return nil, err
	}
	return h, nil
}

// Bind tells the hub which engine feeds it. It must be called before the engine serves.
func (h *Hub) Bind(e *engineio.Server) { h.engine = e }

// Events returns events with the hub's part added: functions given for Connection,
// Message and Close run after the hub's own.
func (h *Hub) Events(events engineio.Events) engineio.Events {
	connection, message, closed := events.Connection, events.Message, events.Close
	events.Connection = func(s *engineio.Session) {
		h.connected(s)
		if connection != nil {
			connection(s)
		}
	}
	events.Message = func(s *engineio.Session, data []byte, binary bool) {
		if c := clientOf(s); c != nil {
			c.message(data, binary)
		}
		if message != nil {
			message(s, data, binary)
		}
	}
	events.Close = func(s *engineio.Session, reason engineio.Reason, cause error) {
		if c := clientOf(s); c != nil {
			c.closed(reason, cause)
		}
		if closed != nil {
			closed(s, reason, cause)
		}
	}
	return events
}

// Of returns the namespace with this name and makes it when it does not exist. A missing leading slash is added; "" is
// "/". It panics when the adapter of a new namespace cannot be made.
func (h *Hub) Of(name string) *Namespace {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	if ns := h.lookup(name); ns != nil {
		return ns
	}
	ns, err := h.add(name)
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

// add makes a namespace, unless somebody else just did.
func (h *Hub) add(name string) (*Namespace, error) {
	ns := &Namespace{name: name, hub: h}
	made, err := h.cfg.Adapter(host{ns})
	if err != nil {
		return nil, err
	}
	ns.adapter = made

	h.mu.Lock()
	if first := h.names[name]; first != nil {
		h.mu.Unlock()
		_ = h.closeAdapter(ns) // it held nothing yet
		return first, nil
	}
	h.names[name] = ns
	h.mu.Unlock()
	return ns, nil
}

// schedule runs e on the engine's wheel after d. Expiring must not block.
func (h *Hub) schedule(t *wheel.Timer, d time.Duration, e wheel.Expirer) {
	h.engine.Wheel().Schedule(t, d, e)
}

func (h *Hub) stop(t *wheel.Timer) { h.engine.Wheel().Stop(t) }

// report tells OnError, or the log when there is none, what went wrong for a socket.
func (h *Hub) report(s *Socket, err error) {
	if h.cfg.OnError == nil {
		level := slog.LevelWarn
		if visible := (*Error)(nil); errors.As(err, &visible) {
			level = slog.LevelDebug // an answer to the client rather than a fault
		}
		h.cfg.Logger.LogAttrs(s.logContext(), level, err.Error(), s.logAttrs()...)
		return
	}
	defer func() {
		if v := recover(); v != nil {
			_ = h.panicked(s, "OnError", v)
		}
	}()
	h.cfg.OnError(s, err)
}

// logPanic logs a contained panic with its stack.
func (h *Hub) logPanic(s *Socket, err *PanicError) {
	attrs := append(s.logAttrs(), slog.String("stack", string(err.Stack)))
	h.cfg.Logger.LogAttrs(s.logContext(), slog.LevelError, err.Error(), attrs...)
}

// contain runs f and turns a panic into an error; where names the kind of function. A Goexit passes: callers clean up in
// deferred functions.
func (h *Hub) contain(s *Socket, where string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = h.panicked(s, where, v)
		}
	}()
	return f()
}

// panicked logs a recovered panic with its stack and makes an error of it. Deferred functions call it.
func (h *Hub) panicked(s *Socket, where string, v any) error {
	err := &PanicError{Where: where, Value: v, Stack: debug.Stack()}
	h.logPanic(s, err)
	return err
}

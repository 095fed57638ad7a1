package socketio

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/rooms"
)

// handlers are the functions registered on a namespace or on one socket. A value is immutable once published:
// delivery reads it without a lock.
type handlers struct {
	middleware    []func(*Socket) error // namespace only
	connection    []func(*Socket)       // namespace only
	disconnecting []func(*Socket, Reason)
	disconnect    []func(*Socket, Reason)
	incoming      []func(*Event) error // socket only
	events        map[string]*listeners
	any           []*anyListener
	outgoing      []*outgoingListener
	serverSide    []*serverSideListener // namespace only
	rooms         []*rooms.Hooks        // namespace only
}

// listeners are the handlers of one event. The name is here so that an event that has a handler needs no copy of
// it.
type listeners struct {
	name string
	all  []*eventListener
	loop loopPolicy
}

// A listener has an identity, so that it can be removed.
type (
	eventListener    struct{ fn func(*Event) error }
	anyListener      struct{ fn func(*Event) }
	outgoingListener struct {
		fn func(s *Socket, event string, args []any)
	}
)

// handlerSet holds the current handlers: nil until the first registration.
type handlerSet struct {
	mu  sync.Mutex // serialises changes
	now atomic.Pointer[handlers]
}

// none is read where nothing was registered.
var none handlers

func (h *handlerSet) load() *handlers {
	if now := h.now.Load(); now != nil {
		return now
	}
	return &none
}

// change publishes a copy that f changed. f must not write to slices and maps that the copy shares.
func (h *handlerSet) change(f func(*handlers)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := *h.load()
	f(&next)
	h.now.Store(&next)
}

// namespaceHandlers are those of a namespace, or of the namespaces that a parent will make.
type namespaceHandlers struct {
	handlerSet

	server *Server
}

// Use adds a middleware. Middlewares run for each socket that wants to connect, in the order of registration, on a
// goroutine of that socket: they may block. The first error refuses the socket; an [*Error] is shown to the client
// as it is, any other as "internal error".
func (h *namespaceHandlers) Use(fn func(*Socket) error) {
	h.change(func(n *handlers) { n.middleware = with(n.middleware, fn) })
}

// OnConnection adds a function that runs for each socket that connected, before any event of that socket is
// handled.
func (h *namespaceHandlers) OnConnection(fn func(*Socket)) {
	h.change(func(n *handlers) { n.connection = with(n.connection, fn) })
}

// OnDisconnecting adds a function that runs when a socket has disconnected and its rooms can still be read.
func (h *handlerSet) OnDisconnecting(fn func(*Socket, Reason)) {
	h.change(func(n *handlers) { n.disconnecting = with(n.disconnecting, fn) })
}

// OnDisconnect adds a function that runs when a socket has disconnected and left its rooms: once for each socket
// that the OnConnection functions were called with.
func (h *handlerSet) OnDisconnect(fn func(*Socket, Reason)) {
	h.change(func(n *handlers) { n.disconnect = with(n.disconnect, fn) })
}

// Handle adds a handler for an event, behind those that are there; off removes it. An event may have several
// handlers: those of the namespace run before those of the socket, in the order of registration. When all have
// returned, a client that asked for an acknowledgement gets one, unless it has one or [Event.AckLater] was called.
//
// A handler that all sockets of a namespace have in common costs nothing per connection when it is registered on the
// namespace. Handle panics when event is a name that no client can send. [On] is its typed form.
func (h *handlerSet) Handle(event string, fn func(*Event) error) (off func()) {
	if instead := insteadOf(event); instead != "" {
		panic(fmt.Sprintf("socketio: a handler of %q never runs: %s", event, instead))
	}
	if fn == nil {
		panic(fmt.Sprintf("socketio: handler of %q is nil", event))
	}
	l := &eventListener{fn}
	h.change(func(n *handlers) {
		n.setEvent(event, with(n.eventListeners(event), l))
	})
	return func() {
		h.change(func(n *handlers) { n.setEvent(event, without(n.eventListeners(event), l)) })
	}
}

// insteadOf returns what a program should do instead of handling an event that it never gets, "" for
// other events. These are events of the libraries, not of clients.
func insteadOf(event string) string {
	switch event {
	case "connect", "connection":
		return "use OnConnection"
	case "disconnect":
		return "use OnDisconnect"
	case "disconnecting":
		return "use OnDisconnecting"
	}
	if protocol.IsReserved(event) {
		return "it is an event of the client's library"
	}
	return ""
}

// Off removes all handlers that Handle added for an event.
func (h *handlerSet) Off(event string) {
	h.change(func(n *handlers) { n.setEvent(event, nil) })
}

func (n *handlers) eventListeners(event string) []*eventListener {
	if l := n.events[event]; l != nil {
		return l.all
	}
	return nil
}

// setEvent replaces the listeners of an event in a copy of the table.
func (n *handlers) setEvent(event string, all []*eventListener) {
	n.events = maps.Clone(n.events)
	switch {
	case len(all) == 0:
		delete(n.events, event)
	case n.events == nil:
		n.events = make(map[string]*listeners)
		fallthrough
	default:
		n.events[event] = &listeners{name: event, all: all}
	}
}

// OnAny adds a function that sees every event before middlewares and handlers. off removes it.
func (h *handlerSet) OnAny(fn func(*Event)) (off func()) { return h.addAny(fn, false) }

// PrependAny is OnAny in front of the functions that are there.
func (h *handlerSet) PrependAny(fn func(*Event)) (off func()) { return h.addAny(fn, true) }

func (h *handlerSet) addAny(fn func(*Event), first bool) (off func()) {
	l := &anyListener{fn}
	h.change(func(n *handlers) {
		if first {
			n.any = append([]*anyListener{l}, n.any...)
		} else {
			n.any = with(n.any, l)
		}
	})
	return func() { h.change(func(n *handlers) { n.any = without(n.any, l) }) }
}

// OnAnyOutgoing adds a function that sees every event sent to a socket, once for each socket that a broadcast
// reaches; acknowledgements are not seen. Arguments that another server sent are json.RawMessage, unless they hold
// binary data. fn runs on the sender's goroutine and must not block or change args. off removes it.
func (h *handlerSet) OnAnyOutgoing(fn func(s *Socket, event string, args []any)) (off func()) {
	return h.addOutgoing(fn, false)
}

// PrependAnyOutgoing is OnAnyOutgoing in front of the functions that are there.
func (h *handlerSet) PrependAnyOutgoing(fn func(s *Socket, event string, args []any)) (off func()) {
	return h.addOutgoing(fn, true)
}

func (h *handlerSet) addOutgoing(fn func(*Socket, string, []any), first bool) (off func()) {
	l := &outgoingListener{fn}
	h.change(func(n *handlers) {
		if first {
			n.outgoing = append([]*outgoingListener{l}, n.outgoing...)
		} else {
			n.outgoing = with(n.outgoing, l)
		}
	})
	return func() { h.change(func(n *handlers) { n.outgoing = without(n.outgoing, l) }) }
}

// with returns a new slice with v at its end.
func with[T any](s []T, v T) []T { return append(slices.Clip(s), v) }

// without returns a new slice without v.
func without[T comparable](s []T, v T) []T {
	return slices.DeleteFunc(slices.Clone(s), func(x T) bool { return x == v })
}

// OnRooms adds functions that are told about the rooms of the namespace on this server as they come and go, and who joins and
// leaves them: "create-room", "join-room", "leave-room" and "delete-room" of the official server's adapter. The rooms named after
// a socket's id count. off removes them.
//
// Each runs on the goroutine that made the change, once it is made, and must not block. For one change Create runs before Join and
// Leave before Delete; changes made at the same time may interleave.
func (s *namespaceHandlers) OnRooms(h rooms.Hooks) (off func()) {
	l := &rooms.Hooks{
		Create: s.server.roomHook(h.Create), Delete: s.server.roomHook(h.Delete),
		Join: s.server.memberHook(h.Join), Leave: s.server.memberHook(h.Leave),
	}
	s.change(func(n *handlers) { n.rooms = with(n.rooms, l) })
	return func() { s.change(func(n *handlers) { n.rooms = without(n.rooms, l) }) }
}

// roomHook and memberHook contain the panics of a hook: it runs within whatever changed a room.
func (srv *Server) roomHook(fn func(room string)) func(string) {
	if fn == nil {
		return nil
	}
	return func(room string) { srv.call(nil, "a room hook", func() { fn(room) }) }
}

func (srv *Server) memberHook(fn func(room, id string)) func(room, id string) {
	if fn == nil {
		return nil
	}
	return func(room, id string) { srv.call(nil, "a room hook", func() { fn(room, id) }) }
}

// RoomHooks are those registered now.
func (h host) RoomHooks() []*rooms.Hooks { return h.ns.load().rooms }

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

// handlers are the functions registered on a namespace or on one socket.
//
// A value is immutable once published: it is read without a lock.
type handlers struct {
	middleware    []func(*Socket) error // namespace only
	connection    []func(*Socket)       // namespace only
	disconnecting []func(*Socket, Reason)
	disconnect    []func(*Socket, Reason)
	incoming      []func(*Event) error // socket only
	events        map[string]*eventHandlers
	any           []*listener[func(*Event)]
	outgoing      []*listener[func(s *Socket, event string, args []any)]
	serverSide    []*serverSideListener // namespace only
	rooms         []*rooms.Hooks        // namespace only
}

// eventHandlers are the handlers of one event. An event with handlers shares the name.
type eventHandlers struct {
	name string
	all  []*listener[func(*Event) error]
	loop loopScore
}

// listener is a function with an identity, so that it can be removed.
type listener[F any] struct{ fn F }

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

// change publishes a copy that f changed. f must not write to slices and maps of the original.
func (h *handlerSet) change(f func(*handlers)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := *h.load()
	f(&next)
	h.now.Store(&next)
}

// with returns a new slice with v at its end.
func with[T any](s []T, v T) []T { return append(slices.Clip(s), v) }

// without returns a new slice without v.
func without[T comparable](s []T, v T) []T {
	return slices.DeleteFunc(slices.Clone(s), func(x T) bool { return x == v })
}

// namespaceHandlers are those of a namespace, or of the namespaces that a parent will make.
type namespaceHandlers struct {
	handlerSet

	server *Server
}

// Use adds a middleware, which runs for each socket that wants to connect.
//
// Middlewares run in the order of registration, on a goroutine of that socket: they may block. The
// first error refuses the socket; an [*Error] is shown to the client as it is, any other as
// "internal error".
func (h *namespaceHandlers) Use(fn func(*Socket) error) {
	h.change(func(n *handlers) { n.middleware = with(n.middleware, fn) })
}

// OnConnection adds a function that runs for each socket that connected, before its first event.
func (h *namespaceHandlers) OnConnection(fn func(*Socket)) {
	h.change(func(n *handlers) { n.connection = with(n.connection, fn) })
}

// OnDisconnecting adds a function that runs after a disconnect while the rooms can still be read.
func (h *handlerSet) OnDisconnecting(fn func(*Socket, Reason)) {
	h.change(func(n *handlers) { n.disconnecting = with(n.disconnecting, fn) })
}

// OnDisconnect adds a function that runs after a disconnect, when the socket has left its rooms.
//
// It runs once for each socket that the OnConnection functions ran for.
func (h *handlerSet) OnDisconnect(fn func(*Socket, Reason)) {
	h.change(func(n *handlers) { n.disconnect = with(n.disconnect, fn) })
}

// Handle adds a handler for an event; off removes it. [On] is its typed form.
//
// An event may have several handlers: those of the namespace run before those of the socket, in the
// order of registration. When all have returned, a client that asked for an acknowledgement gets
// one, unless it has one or [Event.AckLater] was called.
//
// Handlers that all sockets of a namespace have in common cost nothing per connection when they are
// registered on the namespace. Handle panics when no client can send the event.
func (h *handlerSet) Handle(event string, fn func(*Event) error) (off func()) {
	if instead := insteadOf(event); instead != "" {
		panic(fmt.Sprintf("socketio: a handler of %q never runs: %s", event, instead))
	}
	if fn == nil {
		panic(fmt.Sprintf("socketio: handler of %q is nil", event))
	}
	l := &listener[func(*Event) error]{fn}
	h.change(func(n *handlers) { n.setEvent(event, with(n.eventListeners(event), l)) })
	return func() {
		h.change(func(n *handlers) { n.setEvent(event, without(n.eventListeners(event), l)) })
	}
}

// insteadOf returns what to do instead of handling an event of the libraries, "" for other events.
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
func (h *handlerSet) Off(event string) { h.change(func(n *handlers) { n.setEvent(event, nil) }) }

func (n *handlers) eventListeners(event string) []*listener[func(*Event) error] {
	if l := n.events[event]; l != nil {
		return l.all
	}
	return nil
}

// setEvent replaces the handlers of an event in a copy of the table.
func (n *handlers) setEvent(event string, all []*listener[func(*Event) error]) {
	n.events = maps.Clone(n.events)
	if len(all) == 0 {
		delete(n.events, event)
		return
	}
	if n.events == nil {
		n.events = make(map[string]*eventHandlers)
	}
	n.events[event] = &eventHandlers{name: event, all: all}
}

// OnAny adds a function that sees every event before middlewares and handlers; off removes it.
func (h *handlerSet) OnAny(fn func(*Event)) (off func()) {
	return addListener(h, (*handlers).anyList, fn, false)
}

// PrependAny is OnAny in front of the functions that are there.
func (h *handlerSet) PrependAny(fn func(*Event)) (off func()) {
	return addListener(h, (*handlers).anyList, fn, true)
}

// OnAnyOutgoing adds a function that sees every event sent to a socket; off removes it.
//
// It runs once for each socket that a broadcast reaches, and not for acknowledgements. Arguments
// that another server sent are decoded as those of [Event.Args]. fn runs on the sender's goroutine
// and must not block or change args.
func (h *handlerSet) OnAnyOutgoing(fn func(s *Socket, event string, args []any)) (off func()) {
	return addListener(h, (*handlers).outgoingList, fn, false)
}

// PrependAnyOutgoing is OnAnyOutgoing in front of the functions that are there.
func (h *handlerSet) PrependAnyOutgoing(fn func(s *Socket, event string, args []any)) (off func()) {
	return addListener(h, (*handlers).outgoingList, fn, true)
}

func (n *handlers) anyList() *[]*listener[func(*Event)] { return &n.any }

func (n *handlers) outgoingList() *[]*listener[func(*Socket, string, []any)] { return &n.outgoing }

// addListener adds fn at the beginning or the end of a list; off removes it.
func addListener[F any](h *handlerSet, list func(*handlers) *[]*listener[F], fn F, first bool) (off func()) {
	l := &listener[F]{fn}
	h.change(func(n *handlers) {
		all := list(n)
		if first {
			*all = append([]*listener[F]{l}, *all...)
		} else {
			*all = with(*all, l)
		}
	})
	return func() {
		h.change(func(n *handlers) { *list(n) = without(*list(n), l) })
	}
}

// OnRooms adds functions that are called as rooms change on this server; off removes them.
//
// They are "create-room", "join-room", "leave-room" and "delete-room" of the official server's
// adapter. The rooms named after a socket's id count. Each function runs on the goroutine that made
// the change, after it, and must not block. For one change Create runs before Join, and Leave
// before Delete; concurrent changes may interleave.
func (h *namespaceHandlers) OnRooms(r rooms.Hooks) (off func()) {
	contained := func(fn func(room string)) func(string) {
		if fn == nil {
			return nil
		}
		return func(room string) { h.server.call(nil, "a room hook", func() { fn(room) }) }
	}
	containedMember := func(fn func(room, id string)) func(room, id string) {
		if fn == nil {
			return nil
		}
		return func(room, id string) { h.server.call(nil, "a room hook", func() { fn(room, id) }) }
	}
	l := &rooms.Hooks{
		Create: contained(r.Create), Delete: contained(r.Delete),
		Join: containedMember(r.Join), Leave: containedMember(r.Leave),
	}
	h.change(func(n *handlers) { n.rooms = with(n.rooms, l) })
	return func() { h.change(func(n *handlers) { n.rooms = without(n.rooms, l) }) }
}

// RoomHooks returns the functions registered with OnRooms, and those of recovery.
func (h host) RoomHooks() []*rooms.Hooks {
	list := h.ns.load().rooms
	if r := h.ns.overBroker(); r != nil {
		list = append(slices.Clip(list), &r.hooks)
	}
	return list
}

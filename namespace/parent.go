package namespace

import (
	"container/list"
	"encoding/json"
	"regexp"
	"slices"
	"sync"

	"github.com/gosocketio/socketio/adapter"
)

// Parent makes namespaces when clients ask for them: one for each name that it matches. A new namespace begins with what is
// registered on the parent at that moment; what is registered later does not reach it. Get one from [Hub.OfRegexp] or
// [Hub.OfFunc]. All methods are safe for concurrent use.
type Parent struct {
	hub      *Hub
	matches  func(name string, auth json.RawMessage) bool
	explicit bool // Hub.Of asks it too
	handlers handlerSet

	mu       sync.Mutex
	children list.List // of *Namespace
}

// OfRegexp makes namespaces for the names that re matches anywhere; anchor it with ^ and $ to match whole names, the leading
// slash included. A namespace that [Hub.Of] makes is its child too when the name matches.
func (h *Hub) OfRegexp(re *regexp.Regexp) *Parent {
	return h.parent(&Parent{hub: h, explicit: true, matches: func(name string, _ json.RawMessage) bool { return re.MatchString(name) }})
}

// OfFunc makes namespaces for the names that match accepts; auth is what the client sent with its CONNECT, or nil. It is called
// on the goroutine that reads the client's connection, so that it must not wait for anything: what has to be looked up belongs
// into a middleware. When it panics the name is not matched.
//
// Each name stays a namespace unless Config.CleanupEmptyChildNamespaces is set: do not accept whatever a client makes up.
func (h *Hub) OfFunc(match func(name string, auth json.RawMessage) bool) *Parent {
	return h.parent(&Parent{hub: h, matches: match})
}

func (h *Hub) parent(p *Parent) *Parent {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.parents = append(slices.Clip(h.parents), p)
	return p
}

// asked tells whether the parent makes a namespace with this name.
func (p *Parent) asked(name string, auth json.RawMessage) (yes bool) {
	_ = p.hub.contain(nil, "the function of OfFunc", func() error {
		yes = p.matches(name, auth)
		return nil
	})
	return yes
}

// Children returns the namespaces that the parent made and that exist, in the order in which they were made.
func (p *Parent) Children() []*Namespace {
	p.mu.Lock()
	defer p.mu.Unlock()
	children := make([]*Namespace, 0, p.children.Len())
	for e := p.children.Front(); e != nil; e = e.Next() {
		children = append(children, e.Value.(*Namespace))
	}
	return children
}

func (p *Parent) adopt(n *Namespace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n.child = p.children.PushBack(n)
}

func (p *Parent) disown(n *Namespace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.children.Remove(n.child)
}

// Use adds a middleware to namespaces made from now on, see [Namespace.Use].
func (p *Parent) Use(fn func(*Socket) error) { p.handlers.addMiddleware(fn) }

// OnConnection adds a function to namespaces made from now on, see [Namespace.OnConnection].
func (p *Parent) OnConnection(fn func(*Socket)) { p.handlers.addConnection(fn) }

// OnDisconnecting adds a function to namespaces made from now on, see [Namespace.OnDisconnecting].
func (p *Parent) OnDisconnecting(fn func(*Socket, Reason)) { p.handlers.addDisconnecting(fn) }

// OnDisconnect adds a function to namespaces made from now on, see [Namespace.OnDisconnect].
func (p *Parent) OnDisconnect(fn func(*Socket, Reason)) { p.handlers.addDisconnect(fn) }

// Handle adds a handler to namespaces made from now on, see [Namespace.Handle]. Event.Socket().Namespace() is the one in which
// an event happened. off, as that of every method here, takes it from namespaces made later.
func (p *Parent) Handle(event string, fn func(*Event) error) (off func()) {
	return p.handlers.handle(event, fn)
}

// Off removes the handlers of an event from namespaces made from now on.
func (p *Parent) Off(event string) { p.handlers.off(event) }

// OnAny adds a function to namespaces made from now on, see [Namespace.OnAny].
func (p *Parent) OnAny(fn func(*Event)) (off func()) { return p.handlers.addAny(fn, false) }

// PrependAny is OnAny in front of the functions that are there.
func (p *Parent) PrependAny(fn func(*Event)) (off func()) { return p.handlers.addAny(fn, true) }

// OnAnyOutgoing adds a function to namespaces made from now on, see [Namespace.OnAnyOutgoing].
func (p *Parent) OnAnyOutgoing(fn func(s *Socket, event string, args []any)) (off func()) {
	return p.handlers.addOutgoing(fn, false)
}

// PrependAnyOutgoing is OnAnyOutgoing in front of the functions that are there.
func (p *Parent) PrependAnyOutgoing(fn func(s *Socket, event string, args []any)) (off func()) {
	return p.handlers.addOutgoing(fn, true)
}

// Emit sends an event to every socket of every child, see [Operator.Emit]. The error is that of the first child that fails; the
// others are sent to all the same.
func (p *Parent) Emit(event string, args ...any) error {
	return ParentOperator{p: p}.Emit(event, args...)
}

// Send is Emit of the event "message".
func (p *Parent) Send(args ...any) error { return ParentOperator{p: p}.Send(args...) }

// Local targets the sockets on this server of every child, see [Operator.Local].
func (p *Parent) Local() ParentOperator { return ParentOperator{p: p}.Local() }

// Volatile targets every socket of every child that can be written to at once, see [Operator.Volatile].
func (p *Parent) Volatile() ParentOperator { return ParentOperator{p: p}.Volatile() }

// Compress targets every socket of every child, see [Operator.Compress].
func (p *Parent) Compress(compress bool) ParentOperator {
	return ParentOperator{p: p}.Compress(compress)
}

// To means the sockets in these rooms of every child, see [Operator.To].
func (p *Parent) To(rooms ...string) ParentOperator { return ParentOperator{p: p}.To(rooms...) }

// In is To.
func (p *Parent) In(rooms ...string) ParentOperator { return ParentOperator{p: p}.To(rooms...) }

// Except means the sockets of every child that are in none of these rooms, see [Operator.Except].
func (p *Parent) Except(rooms ...string) ParentOperator { return ParentOperator{p: p}.Except(rooms...) }

// ParentOperator says which sockets of a parent's children are meant. It is an immutable value. Sending is all that it can do:
// for acknowledgements, or to list sockets, go through [Parent.Children].
type ParentOperator struct {
	p  *Parent
	op Operator
}

// To adds rooms, see [Operator.To].
func (o ParentOperator) To(rooms ...string) ParentOperator {
	o.op = o.op.To(rooms...)
	return o
}

// In is To.
func (o ParentOperator) In(rooms ...string) ParentOperator { return o.To(rooms...) }

// Except leaves out rooms, see [Operator.Except].
func (o ParentOperator) Except(rooms ...string) ParentOperator {
	o.op = o.op.Except(rooms...)
	return o
}

// Local targets only sockets on this server.
func (o ParentOperator) Local() ParentOperator {
	o.op = o.op.Local()
	return o
}

// Volatile drops the event for each socket that cannot be written to at once.
func (o ParentOperator) Volatile() ParentOperator {
	o.op = o.op.Volatile()
	return o
}

// Compress says whether the transport may compress the event, see [Operator.Compress].
func (o ParentOperator) Compress(compress bool) ParentOperator {
	o.op = o.op.Compress(compress)
	return o
}

// Emit sends an event, see [Parent.Emit].
func (o ParentOperator) Emit(event string, args ...any) error {
	if err := checkEvent(event); err != nil {
		return err
	}
	var first error
	for _, child := range o.p.Children() {
		if o.op.nobody() {
			return nil
		}
		if err := child.adapter.Broadcast(&adapter.Packet{Event: event, Args: args}, o.op.options); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Send is Emit of the event "message".
func (o ParentOperator) Send(args ...any) error { return o.Emit("message", args...) }

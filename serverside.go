package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/protocol"
)

// ErrServerSideFull means that other servers sent more than the handlers of OnServerSideEmit take, and an event was dropped.
var ErrServerSideFull = errors.New("socketio: too many events of other servers wait to be handled")

// ServerSideEvent is an event that another server sent to this namespace with [Namespace.ServerSideEmit]. It may be kept and
// acknowledged after the handler has returned.
type ServerSideEvent struct {
	ns       *Namespace
	name     string
	args     Reply
	answer   func(value json.RawMessage, attachments [][]byte)
	answered atomic.Bool

	next *ServerSideEvent // in the inbox
	cost int
}

// Name returns the event's name.
func (e *ServerSideEvent) Name() string { return e.name }

// Namespace returns the namespace that the event is for.
func (e *ServerSideEvent) Namespace() *Namespace { return e.ns }

// Len returns the number of arguments.
func (e *ServerSideEvent) Len() int { return e.args.Len() }

// Decode decodes the first arguments, as [Event.Decode] does.
func (e *ServerSideEvent) Decode(pointers ...any) error { return e.args.Decode(pointers...) }

// Args returns the arguments, as [Event.Args] does.
func (e *ServerSideEvent) Args() []any { return e.args.Args() }

// WantsAck tells whether the other server waits for an answer.
func (e *ServerSideEvent) WantsAck() bool { return e.answer != nil }

// Ack answers the event with one value. Only the first call counts, later ones return ErrAnswered. Without WantsAck it does
// nothing.
func (e *ServerSideEvent) Ack(value any) error {
	if e.answer == nil {
		return nil
	}
	// Encoded first: after an error there is still an answer to give.
	raw, attachments, err := protocol.AppendJSON(nil, nil, value)
	if err != nil {
		return err
	}
	if !e.answered.CompareAndSwap(false, true) {
		return ErrAnswered
	}
	e.answer(raw, attachments)
	return nil
}

// failed reports that the handling failed, and answers as [Socket.failed] does.
func (e *ServerSideEvent) failed(err error) {
	e.ns.server.report(nil, &HandlerError{Event: e.name, Err: err})
	visible := shown(err)
	if e.Ack(errorAnswer{visible.wire()}) != nil && visible.Data != nil {
		_ = e.Ack(errorAnswer{errorObject{Message: visible.Message}})
	}
}

// serverSideListener is a handler with an identity, so that it can be removed.
type serverSideListener struct {
	event string
	fn    func(*ServerSideEvent) error
}

// OnServerSideEmit adds a handler for an event that other servers send to this namespace ([Namespace.ServerSideEmit]); off
// removes it. An event may have several handlers. The events of a namespace are handled one at a time in the order in which they
// arrived; a handler may block, and keeps nothing waiting but the later ones of them. An error goes to Config.OnError and, when
// the other server waits, answers it as that of an event's handler answers a client. It panics when event is reserved
// ("connect", "connection", "new_namespace").
//
// What waits is limited by Config.MaxInboxEvents and MaxInboxBytes; beyond them an event is dropped, and ErrServerSideFull reported.
func (h *namespaceHandlers) OnServerSideEmit(event string, fn func(*ServerSideEvent) error) (off func()) {
	if err := checkServerSide(event); err != nil {
		panic(err.Error())
	}
	if fn == nil {
		panic(fmt.Sprintf("socketio: server-side handler of %q is nil", event))
	}
	l := &serverSideListener{event, fn}
	h.change(func(n *handlers) { n.serverSide = with(n.serverSide, l) })
	return func() { h.change(func(n *handlers) { n.serverSide = without(n.serverSide, l) }) }
}

// checkServerSide refuses the names that mean something else to servers.
func checkServerSide(event string) error {
	switch event {
	case "connect", "connection", "new_namespace":
		return fmt.Errorf("%w: %q is a reserved event name", ErrReservedEvent, event)
	}
	return nil
}

// ServerSideEmit sends an event to the same namespace on the other servers, where the functions of
// [Namespace.OnServerSideEmit] get it. It reaches neither clients nor this server; with the in-memory adapter there is no other
// server, so that it reaches nobody. The names "connect", "connection" and "new_namespace" are reserved.
func (n *core) ServerSideEmit(event string, args ...any) error {
	if err := checkServerSide(event); err != nil {
		return err
	}
	return n.adapter.ServerSideEmit(&adapter.Packet{Event: event, Args: args})
}

// ServerSideEmitWithAck is ServerSideEmit that yields the answers of the other servers as they come, each with one argument and
// no socket id. It begins and ends as [Operator.EmitWithAck] does: at once when there is no other server, and with an error that
// holds a [*MissingError] when some did not answer before Config.AckTimeout, or the deadline of ctx. A server that goes meanwhile
// is not waited for.
func (n *core) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return func(yield func(Reply, error) bool) {
		if err := checkServerSide(event); err != nil {
			yield(Reply{}, err)
			return
		}
		present := func(r Reply, err error) bool { // a server that has gone is not missing
			return errors.Is(err, adapter.ErrServerGone) || yield(r, err)
		}
		_, _ = n.server.gather(ctx, n.server.ackTimeout(ctx), present, func(count func(int), answer func(adapter.Answer)) (func(), error) {
			return n.adapter.ServerSideEmitWithAck(&adapter.Packet{Event: event, Args: args}, count, answer)
		})
	}
}

// ServerCount returns the number of servers that the namespace is on, this one included.
func (n *core) ServerCount(ctx context.Context) (int, error) { return n.adapter.ServerCount(ctx) }

// ServerSideEvent queues an event of another server.
func (h host) ServerSideEvent(a adapter.ServerSideEvent) {
	e := &ServerSideEvent{
		ns: h.ns, name: a.Event, answer: a.Answer, cost: len(a.Event) + eventOverhead,
		args: Reply{args: a.Args, attachments: a.Attachments},
	}
	for _, raw := range a.Args {
		e.cost += len(raw)
	}
	for _, data := range a.Attachments {
		e.cost += len(data)
	}
	if err := h.ns.serverSide.put(h.ns, e); err != nil {
		e.failed(err) // so that the other server does not wait
	}
}

// serverSideInbox is where events of other servers wait. Its worker exists only while there are some.
type serverSideInbox struct {
	mu            sync.Mutex
	head, tail    *ServerSideEvent
	events, bytes int
	working       bool
}

func (b *serverSideInbox) put(n *Namespace, e *ServerSideEvent) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case n.server.closing.Load():
		return ErrClosed
	case b.events >= n.server.cfg.MaxInboxEvents || b.events > 0 && b.bytes+e.cost > n.server.cfg.MaxInboxBytes:
		return ErrServerSideFull
	}
	if b.head == nil {
		b.head = e
	} else {
		b.tail.next = e
	}
	b.tail = e
	b.events++
	b.bytes += e.cost
	if !b.working {
		b.working = true
		n.server.workers.begin()
		go b.work(n)
	}
	return nil
}

// next takes the next event. With none left the worker is no longer one.
func (b *serverSideInbox) next() *ServerSideEvent {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.head
	if e == nil {
		b.working = false
		return nil
	}
	if b.head, e.next = e.next, nil; b.head == nil {
		b.tail = nil
	}
	b.events--
	b.bytes -= e.cost
	return e
}

// drop forgets what waits: the server is shutting down, and takes nothing more.
func (b *serverSideInbox) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.head, b.tail, b.events, b.bytes = nil, nil, 0, 0
}

func (b *serverSideInbox) work(n *Namespace) {
	idle := false
	defer func() {
		if idle {
			n.server.workers.end()
			return
		}
		go b.work(n) // a handler ended the goroutine (runtime.Goexit)
	}()
	for {
		e := b.next()
		if e == nil {
			idle = true
			return
		}
		for _, l := range n.load().serverSide {
			if l.event != e.name {
				continue
			}
			if err := n.server.contain(nil, "a server-side handler", func() error { return l.fn(e) }); err != nil {
				e.failed(err)
			}
		}
	}
}

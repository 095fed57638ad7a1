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

// ErrServerSideFull means that an event of another server was dropped: too many of them waited.
var ErrServerSideFull = errors.New("socketio: too many events of other servers wait to be handled")

// ServerSideEvent is an event that another server sent with [Namespace.ServerSideEmit].
//
// It may be kept and acknowledged after the handler has returned.
type ServerSideEvent struct {
	ns       *Namespace
	name     string
	args     Reply
	answer   func(value json.RawMessage, attachments [][]byte)
	answered atomic.Bool
	cost     int
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

// Ack answers the event with one value. It does nothing unless [ServerSideEvent.WantsAck].
//
// Only the first call counts, later ones return ErrAnswered.
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
	answerError(e.Ack, err)
}

// serverSideListener is a handler with an identity, so that it can be removed.
type serverSideListener struct {
	event string
	fn    func(*ServerSideEvent) error
}

// OnServerSideEmit adds a handler for an event of other servers; off removes it.
//
// Other servers send it with [Namespace.ServerSideEmit]. An event may have several handlers. The
// events of a namespace are handled one at a time in the order of arrival; a handler that blocks
// delays only the later ones. An error goes to Config.OnError and, when the other server waits,
// answers it as the error of an event's handler answers a client. OnServerSideEmit panics when
// event is reserved ("connect", "connection", "new_namespace").
//
// Config.MaxInboxEvents and MaxInboxBytes limit the events that wait. Beyond them an event is
// dropped, and ErrServerSideFull reported.
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

// ServerSideEmit sends an event to the same namespace on the other servers.
//
// The functions of [Namespace.OnServerSideEmit] get it there. It reaches neither clients nor this
// server; with the in-memory adapter it reaches nobody. The names "connect", "connection" and
// "new_namespace" are reserved.
func (n *core) ServerSideEmit(event string, args ...any) error {
	if err := checkServerSide(event); err != nil {
		return err
	}
	return n.adapter.ServerSideEmit(&adapter.Packet{Event: event, Args: args})
}

// ServerSideEmitWithAck is ServerSideEmit that yields the answers of the other servers.
//
// Each answer has one argument and no socket id. The loop ends as that of [Operator.EmitWithAck]:
// at once when there is no other server, and with an error that holds a [*MissingError] when some
// did not answer before Config.AckTimeout, or the deadline of ctx. A server that goes away
// meanwhile is not waited for.
func (n *core) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return func(yield func(Reply, error) bool) {
		if err := checkServerSide(event); err != nil {
			yield(Reply{}, err)
			return
		}
		present := func(r Reply, err error) bool { // a server that has gone is not missing
			return errors.Is(err, adapter.ErrServerGone) || yield(r, err)
		}
		ask := func(count func(int), answer func(adapter.Answer)) (func(), error) {
			return n.adapter.ServerSideEmitWithAck(&adapter.Packet{Event: event, Args: args}, count, answer)
		}
		_, _ = n.server.gather(ctx, n.server.ackTimeout(ctx), present, ask)
	}
}

// ServerCount returns the number of servers that the namespace is on, this one included.
//
// It is what the broker counts now (Redis), or the servers whose heartbeats were heard within
// HeartbeatTimeout (10 s): one that was killed counts as long.
func (n *core) ServerCount(ctx context.Context) (int, error) { return n.adapter.ServerCount(ctx) }

// ServerSideEvent queues an event of another server.
func (h host) ServerSideEvent(a adapter.ServerSideEvent) {
	if r := h.ns.overBroker(); r != nil && r.serverSideEvent(a) {
		return
	}
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
	if err := h.ns.serverSide.push(h.ns, e); err != nil {
		e.failed(err) // so that the other server does not wait
	}
}

// serverSideInbox queues events of other servers. Its worker exists only while there are some.
type serverSideInbox struct {
	mu      sync.Mutex
	events  []*ServerSideEvent
	bytes   int
	working bool
}

func (b *serverSideInbox) push(n *Namespace, e *ServerSideEvent) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case n.server.closing.Load():
		return ErrClosed
	case len(b.events) >= n.server.cfg.MaxInboxEvents, len(b.events) > 0 && b.bytes+e.cost > n.server.cfg.MaxInboxBytes:
		return ErrServerSideFull
	}
	b.events = append(b.events, e)
	b.bytes += e.cost
	if !b.working {
		b.working = true
		n.server.workers.begin()
		go b.work(n)
	}
	return nil
}

// pop removes the first event. With none left, the inbox has no worker any more.
func (b *serverSideInbox) pop() *ServerSideEvent {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.events) == 0 {
		b.events, b.working = nil, false
		return nil
	}
	e := b.events[0]
	b.events[0] = nil
	b.events = b.events[1:]
	b.bytes -= e.cost
	return e
}

// drop drops the queued events when the server shuts down.
func (b *serverSideInbox) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events, b.bytes = nil, 0
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
	for e := b.pop(); e != nil; e = b.pop() {
		for _, l := range n.load().serverSide {
			if l.event != e.name {
				continue
			}
			if err := n.server.contain(nil, "a server-side handler", func() error { return l.fn(e) }); err != nil {
				e.failed(err)
			}
		}
	}
	idle = true
}

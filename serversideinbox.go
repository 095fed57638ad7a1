package socketio

import (
	"sync"

	"github.com/gosocketio/socketio/adapter"
)

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

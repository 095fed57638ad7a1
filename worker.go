package socketio

import "github.com/gosocketio/socketio/internal/stack"

// wake starts the socket's worker unless it runs.
func (s *Socket) wake() {
	s.mu.Lock()
	start := !s.working
	s.working = true
	s.mu.Unlock()
	if start {
		s.start()
	}
}

// start runs the worker. The caller has set working.
func (s *Socket) start() {
	s.ns.server.workers.begin()
	go s.work()
}

// startJoin is wake for a socket whose CONNECT has just been read.
func (s *Socket) startJoin() {
	s.mu.Lock()
	s.working = true // nobody knows of it yet
	s.mu.Unlock()
	s.begin()
}

// begin runs the worker, on the event loop if there is one. Only the goroutine that delivers
// messages may call it.
func (s *Socket) begin() {
	s.ns.server.workers.begin()
	if !s.client.session.Soon(prompt{s}) {
		go s.work()
	}
}

// enqueue takes an event that has arrived, for the inbox.
func (s *Socket) enqueue(e *Event) {
	bytes := e.size()
	hook(s.ns.server, s.ns.server.cfg.Hooks.Receive, ReceiveInfo{Socket: s, Bytes: bytes})
	e.cost = s.client.charge(e.memory())
	if b := s.client.batch; b != nil {
		b.add(e)
		return
	}
	s.deliver(e)
}

// batch holds the events of one POST with several packets until all of them have been taken: a
// DISCONNECT among them is known before the first handler runs, as in the official server, and
// takes the events before it along.
type batch struct{ head, tail *Event }

func (b *batch) add(e *Event) {
	if b.head == nil {
		b.head = e
	} else {
		b.tail.next = e
	}
	b.tail = e
}

// batched begins or ends a batch. Only the goroutine that delivers messages calls it.
func (c *client) batched(begins bool) {
	b := c.batch
	c.batch = nil
	switch {
	case begins:
		c.batch = new(batch)
	case b != nil:
		for e := b.head; e != nil; {
			next := e.next
			e.next = nil
			e.socket.deliver(e)
			e = next
		}
	}
}

// deliver puts a charged event into the inbox and wakes the worker.
func (s *Socket) deliver(e *Event) {
	s.mu.Lock()
	if s.state.Load() == stateDisconnected {
		s.mu.Unlock()
		s.client.refund(1, e.cost)
		return
	}
	if s.head == nil {
		s.head = e
	} else {
		s.tail.next = e
	}
	s.tail = e
	start := !s.working
	s.working = true
	if !start {
		s.more.Store(true)
	}
	s.mu.Unlock()
	if start {
		s.begin()
	}
}

// task is what a worker does next.
type task uint8

const (
	taskNone task = iota
	taskAdmit
	taskEvent
	taskEnd
)

// work does what the socket has to do, one thing after the other, and ends when there is nothing
// left.
func (s *Socket) work() {
	stack.Grow()
	s.workFrom(s.next())
}

// workFrom is work whose first task has been taken.
func (s *Socket) workFrom(t task, e *Event) {
	idle := false
	defer func() {
		if idle {
			s.ns.server.workers.end()
			return
		}
		// A handler ended the goroutine (runtime.Goexit, which a failing test assertion does).
		// What waits behind it needs another.
		go s.work()
	}()
	for ; ; t, e = s.next() {
		switch t {
		case taskAdmit:
			s.admit()
		case taskEvent:
			s.handle(e)
		case taskEnd:
			s.finishDisconnect()
		case taskNone:
			idle = true
			return
		}
	}
}

// next takes the next task. With none left the worker is no longer one.
func (s *Socket) next() (task, *Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.opened:
		s.opened = true
		return taskAdmit, nil
	case s.state.Load() == stateDisconnected && s.admitted && !s.over:
		s.over = true
		return taskEnd, nil
	case s.head != nil:
		e := s.head
		s.head, e.next = e.next, nil
		if s.head == nil {
			s.tail = nil
		}
		s.more.Store(s.head != nil)
		return taskEvent, e
	}
	s.working = false
	s.more.Store(false)
	return taskNone, nil
}

// call runs a callback of the user and reports its panic.
func (s *Socket) call(where string, fn func()) { s.ns.server.call(s, where, fn) }

package socketio

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/internal/stack"
)

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

// load is what waits for the handlers of one connection. Over its budget the connection is not read from, so that
// TCP makes the client wait; at half of it reading goes on.
type load struct {
	bytes  atomic.Int64
	events atomic.Int32
	paused atomic.Bool
	stall  *stall // nil until the first pause; client.mu guards the pointer
}

// stall notices handlers that do not end while they keep their client waiting.
type stall struct {
	timer    *time.Timer
	began    time.Time
	progress atomic.Int64 // the time since began at the pause, or when a handler ended after it
}

// watch starts, or restarts, the limit on handlers that do not end.
func (c *client) watch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	limit := c.server.cfg.HandlerStallTimeout
	w := c.load.stall
	if w == nil {
		w = &stall{began: time.Now()}
		w.timer = time.AfterFunc(limit, c.checkStall)
		c.load.stall = w
		return
	}
	w.progress.Store(int64(time.Since(w.began)))
	w.timer.Reset(limit)
}

// stopWatchLocked ends the limit with the connection. The caller must hold c.mu.
func (c *client) stopWatchLocked() {
	if c.load.stall != nil {
		c.load.stall.timer.Stop()
	}
}

// checkStall ends a connection whose handlers have not made progress for HandlerStallTimeout. A timer
// that a pause left behind finds that reading goes on.
func (c *client) checkStall() {
	c.server.workers.begin()
	defer c.server.workers.end()
	limit := c.server.cfg.HandlerStallTimeout
	c.mu.Lock()
	w, left := c.load.stall, time.Duration(0)
	over := c.closing || !c.load.paused.Load()
	if !over {
		left = limit - (time.Since(w.began) - time.Duration(w.progress.Load()))
	}
	if left > 0 {
		w.timer.Reset(left)
	}
	c.mu.Unlock()
	if over || left > 0 {
		return
	}
	c.server.cfg.Logger.Warn("socketio: no event handler of a client ended in time while its events waited: "+
		"make the handlers shorter, start goroutines, or raise Config.HandlerStallTimeout",
		slog.Duration("limit", limit), slog.String("session", c.session.ID()))
	c.shut(ReasonForcedServerClose, fmt.Errorf("%w: none in %v (Config.HandlerStallTimeout)", ErrHandlerStalled, limit))
}

// eventOverhead is what an event costs besides its payload and the places of its arguments, in bytes.
const eventOverhead = 256

// charge adds an event with bytes of payload. Only the goroutine that delivers messages calls it.
func (c *client) charge(bytes int) (cost int64) {
	cost = int64(bytes) + eventOverhead
	l := &c.load
	over := l.bytes.Add(cost) > int64(c.server.cfg.MaxInboxBytes)
	over = int(l.events.Add(1)) > c.server.cfg.MaxInboxEvents || over
	if over && !l.paused.Load() {
		c.batched(false) // what waits for its end could keep the load where it is
		// The flag goes up after the fact and the load is looked at again: whichever of this goroutine and the last
		// refund comes second sees what the other did, and reading goes on.
		c.session.PauseReading()
		c.paused(true)
		c.watch()
		l.paused.Store(true)
		c.resume()
	}
	return cost
}

// refund takes away what charge added, for one event or several.
func (c *client) refund(events int, cost int64) {
	if events == 0 {
		return
	}
	c.load.bytes.Add(-cost)
	c.load.events.Add(-int32(events))
	// It was set before paused was, and not at all for a client that is gone.
	if w := c.stallOf(); w != nil {
		w.progress.Store(int64(time.Since(w.began)))
	}
	c.resume()
}

// stallOf returns the watch of a client that is not read from, or nil.
func (c *client) stallOf() *stall {
	if !c.load.paused.Load() {
		return nil
	}
	return c.load.stall
}

func (c *client) resume() {
	l := &c.load
	if l.paused.Load() && l.bytes.Load() <= int64(c.server.cfg.MaxInboxBytes/2) &&
		int(l.events.Load()) <= c.server.cfg.MaxInboxEvents/2 && l.paused.CompareAndSwap(true, false) {
		c.session.ResumeReading()
		c.paused(false)
	}
}

func (c *client) paused(yes bool) {
	hook(c.server, c.server.cfg.Hooks.Pause, PauseInfo{Conn: c.session, Paused: yes})
}

// workers counts the goroutines that run handlers, so that a shutdown can wait for them.
type workers struct {
	running atomic.Int64
	drain   atomic.Pointer[drain]
}

// drain is closed when, after a shutdown began, no worker is left.
type drain struct {
	once sync.Once
	done chan struct{}
}

func (w *workers) begin() { w.running.Add(1) }

func (w *workers) end() {
	if w.running.Add(-1) == 0 {
		w.settle()
	}
}

func (w *workers) settle() {
	if d := w.drain.Load(); d != nil && w.running.Load() == 0 {
		d.once.Do(func() { close(d.done) })
	}
}

// wait returns when no worker runs, or with the context's error. No worker may begin any more unless one is
// running.
func (w *workers) wait(ctx context.Context) error {
	w.drain.CompareAndSwap(nil, &drain{done: make(chan struct{})})
	w.settle()
	select {
	case <-w.drain.Load().done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

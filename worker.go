package socketio

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// startWorker starts the worker, on the event loop if there is one (loopworker.go). The caller has
// set s.working.
//
// Only the goroutine that delivers messages may call it.
func (s *Socket) startWorker() {
	s.ns.server.workers.begin()
	if !s.client.link.Soon(loopWorker{s}) {
		go s.work()
	}
}

// enqueue charges an event that has arrived, and puts it into the batch or the inbox.
func (s *Socket) enqueue(e *Event) {
	bytes := e.size()
	s.ns.totals.received.Add(1)
	s.ns.totals.receivedBytes.Add(uint64(bytes))
	hook(s.ns.server, s.ns.server.cfg.Hooks.Receive, ReceiveInfo{Socket: s, Bytes: bytes})
	e.cost = s.client.charge(e.memory())
	if b := s.client.batch; b != nil {
		b.push(e)
		return
	}
	s.deliver(e)
}

// Batch begins or ends a batch: the events of one POST with several packets.
//
// They are delivered together at its end. So a DISCONNECT among them is known before the first
// handler runs, and drops the events before it, as in the official server. Only the goroutine that
// delivers messages calls it.
func (c *client) Batch(begins bool) {
	b := c.batch
	c.batch = nil
	if begins {
		c.batch = new(eventQueue)
	} else if b != nil {
		for e := b.pop(); e != nil; e = b.pop() {
			e.socket.deliver(e)
		}
	}
}

// deliver puts a charged event into the inbox and starts the worker unless it runs.
func (s *Socket) deliver(e *Event) {
	s.mu.Lock()
	if s.state.Load() == stateDisconnected {
		s.mu.Unlock()
		s.client.refund(1, e.cost)
		return
	}
	s.inbox.push(e)
	start := !s.working
	s.working = true
	if !start {
		s.more.Store(true)
	}
	s.mu.Unlock()
	if start {
		s.startWorker()
	}
}

// eventQueue is a linked list of events.
type eventQueue struct{ head, tail *Event }

func (q *eventQueue) push(e *Event) {
	if q.head == nil {
		q.head = e
	} else {
		q.tail.next = e
	}
	q.tail = e
}

// pop removes the first event and returns it, or nil.
func (q *eventQueue) pop() *Event {
	e := q.head
	if e != nil {
		if q.head, e.next = e.next, nil; q.head == nil {
			q.tail = nil
		}
	}
	return e
}

// task is what a worker does next.
type task uint8

const (
	taskNext task = iota // take the next task
	taskNone
	taskAdmit
	taskEvent
	taskClose
	taskDisconnect
)

// work runs the socket's tasks one after another, and returns when there are none.
func (s *Socket) work() { s.workFrom(taskNext, nil) }

// workFrom is work that begins with a task that was taken.
func (s *Socket) workFrom(t task, e *Event) {
	growStack(0)
	batching := false
	defer func() {
		if batching {
			s.ns.server.burst.more.Add(-1)
		}
		if t == taskNone {
			s.ns.server.workers.end()
		} else { // a handler ended the goroutine (runtime.Goexit, as failing test assertions do)
			go s.work()
		}
	}()
	start := time.Since(began)
	for ; t != taskNone; t, e = s.next() {
		if more := s.more.Load(); more && !batching {
			batching = true
			s.ns.server.burst.more.Add(1)
		} else if !more && batching {
			batching = false
			s.ns.server.burst.more.Add(-1)
		}
		switch t {
		case taskAdmit:
			s.admit()
			start = time.Since(began)
		case taskEvent:
			start = s.handle(e, start)
		case taskClose:
			s.close(ReasonServerShuttingDown, ErrServerClosed, 0)
		case taskDisconnect:
			s.runDisconnect()
		}
	}
}

// next takes the next task. With none left the socket has no worker any more.
func (s *Socket) next() (task, *Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.admitRun {
		s.admitRun = true
		return taskAdmit, nil
	}
	if s.state.Load() == stateDisconnected && s.admitted && !s.disconnectRun {
		s.disconnectRun = true
		return taskDisconnect, nil
	}
	e := s.inbox.pop()
	s.more.Store(s.inbox.head != nil)
	if e != nil {
		return taskEvent, e
	}
	if s.drained {
		s.drained = false
		return taskClose, nil
	}
	s.working = false
	return taskNone, nil
}

// call runs a callback of the application and reports its panic.
func (s *Socket) call(where string, fn func()) { s.ns.server.call(s, where, fn) }

// load counts the events of one connection that wait for handlers.
//
// Over the limit the connection is not read from, so that TCP makes the client wait. Reading
// resumes at half the limit.
type load struct {
	bytes  atomic.Int64
	events atomic.Int32
	paused atomic.Bool
	stall  *stallTimer // nil until the first pause; client.mu guards the pointer
}

// stallTimer notices handlers that do not return while reading is paused for them.
type stallTimer struct {
	timer    *time.Timer
	began    time.Time
	progress atomic.Int64 // when a handler last returned, or the pause began; since began
}

func (t *stallTimer) mark() { t.progress.Store(int64(time.Since(t.began))) }

// startStallTimer starts, or restarts, the limit on handlers that do not return.
func (c *client) startStallTimer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	limit := c.server.cfg.HandlerStallTimeout
	if t := c.load.stall; t != nil {
		t.mark()
		t.timer.Reset(limit)
		return
	}
	c.load.stall = &stallTimer{began: time.Now(), timer: time.AfterFunc(limit, c.checkStall)}
}

// stopStallTimerLocked stops the timer for good. The caller must hold c.mu.
func (c *client) stopStallTimerLocked() {
	if c.load.stall != nil {
		c.load.stall.timer.Stop()
	}
}

// checkStall closes a connection whose handlers made no progress for HandlerStallTimeout.
//
// It does nothing when reading has resumed meanwhile.
func (c *client) checkStall() {
	c.server.workers.begin()
	defer c.server.workers.end()
	limit := c.server.cfg.HandlerStallTimeout
	c.mu.Lock()
	t, left := c.load.stall, time.Duration(0)
	over := c.closing || !c.load.paused.Load()
	if !over {
		left = limit - (time.Since(t.began) - time.Duration(t.progress.Load()))
	}
	if left > 0 {
		t.timer.Reset(left)
	}
	c.mu.Unlock()
	if over || left > 0 {
		return
	}
	c.server.cfg.Logger.Warn("socketio: no event handler of a client ended in time while its events waited: "+
		"make the handlers shorter, start goroutines, or raise Config.HandlerStallTimeout",
		slog.Duration("limit", limit), slog.String("session", c.session().ID()))
	c.shut(ReasonForcedServerClose, fmt.Errorf("%w: none in %v (Config.HandlerStallTimeout)", ErrHandlerStalled, limit))
}

// eventOverhead is the size of an event besides its payload and spans, in bytes.
const eventOverhead = 256

// charge counts an event with so many bytes of payload, and pauses reading over the limit.
//
// Only the goroutine that delivers messages calls it.
func (c *client) charge(bytes int) (cost int64) {
	cost = int64(bytes) + eventOverhead
	l := &c.load
	maxBytes, maxEvents := c.inboxLimits()
	over := l.bytes.Add(cost) > maxBytes
	over = l.events.Add(1) > maxEvents || over
	if over && !l.paused.Load() {
		c.Batch(false) // events that wait for the end of a batch could keep the load where it is
		// The flag is set last, and then the load is checked again. So whichever comes second, this
		// goroutine or the last refund, sees what the other did, and resumes reading.
		c.link.PauseReading()
		c.reportPause(true)
		c.startStallTimer()
		l.paused.Store(true)
		c.resumeReading()
	}
	return cost
}

// askedFactor is how many times MaxInboxBytes may wait while the client owes an acknowledgement.
const askedFactor = 8

// inboxLimits returns how much may wait.
//
// A handler may wait for an acknowledgement that comes behind
// many events, so more of them are read while there is one to come.
func (c *client) inboxLimits() (bytes int64, events int32) {
	cfg := &c.server.cfg
	switch {
	case c.asked.Load() > 0:
		return askedFactor * int64(cfg.MaxInboxBytes), math.MaxInt32
	case !c.session().Trusted(): // CONNECTs in middlewares
		return int64(min(cfg.MaxInboxBytes, cfg.MaxUntrustedPayload/4)), math.MaxInt32
	}
	return int64(cfg.MaxInboxBytes), int32(min(cfg.MaxInboxEvents, math.MaxInt32))
}

// refund takes back what charge counted, for one event or several.
func (c *client) refund(events int, cost int64) {
	if events == 0 {
		return
	}
	l := &c.load
	l.bytes.Add(-cost)
	l.events.Add(-int32(events))
	// The timer was set before paused was, and not at all for a client that has gone.
	if l.paused.Load() && l.stall != nil {
		l.stall.mark()
	}
	c.resumeReading()
}

// resumeReading resumes reading when half of the limit is free again.
func (c *client) resumeReading() {
	l := &c.load
	maxBytes, maxEvents := c.inboxLimits()
	if l.paused.Load() && l.bytes.Load() <= maxBytes/2 && l.events.Load() <= maxEvents/2 &&
		l.paused.CompareAndSwap(true, false) {
		c.link.ResumeReading()
		c.reportPause(false)
	}
}

func (c *client) reportPause(paused bool) {
	hook(c.server, c.server.cfg.Hooks.Pause, PauseInfo{Conn: c.session(), Paused: paused})
}

// workers counts the goroutines that run handlers, so that Shutdown can wait for them.
type workers struct {
	running atomic.Int64
	drain   atomic.Pointer[drain] // nil until wait is called
}

// drain is closed once no worker is left.
type drain struct {
	once sync.Once
	done chan struct{}
}

func (w *workers) begin() { w.running.Add(1) }

func (w *workers) end() {
	if w.running.Add(-1) == 0 {
		w.closeIfIdle()
	}
}

func (w *workers) closeIfIdle() {
	if d := w.drain.Load(); d != nil && w.running.Load() == 0 {
		d.once.Do(func() { close(d.done) })
	}
}

// wait returns when no worker runs, or the context's cause when ctx ends before that.
//
// From then on a worker may begin only while another one runs.
func (w *workers) wait(ctx context.Context) error {
	w.drain.CompareAndSwap(nil, &drain{done: make(chan struct{})})
	w.closeIfIdle()
	select {
	case <-w.drain.Load().done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// growStack grows the stack of a new goroutine to 8 KB, which most events need.
//
// It would otherwise grow in two steps, each of which copies it: an empty stack grows in a tenth of
// the time.
//
//go:noinline
func growStack(i int) byte {
	var room [5 << 10]byte
	room[i] = 1
	return room[i/2]
}

package socketio

import (
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// Which goroutine runs the handlers of a socket?
//
// A socket has at most one worker at a time, which runs its tasks in order (worker.go). In general
// the worker is a goroutine: it starts when an event arrives, and ends when the inbox is empty.
//
// Starting that goroutine costs more than most handlers do. So where an event loop reads the
// connection, the loop's goroutine is the worker (loopWorker), once it has read all connections
// that were ready. It hands the socket's remaining tasks to a new goroutine before
//
//   - an event whose handlers were slow (loopScore). A run of more than 100 µs adds 100 points to
//     the score of the event's name, a quicker one takes one off. At 300 points the next 1,000
//     events of that name run on goroutines; then the loop tries again;
//   - what is expected to block: middlewares of the namespace, and disconnect callbacks;
//   - the 65th task of a turn, so that other sockets get theirs.
//
// A handler may still block. After 1 to 2 ms another goroutine becomes the loop (internal/netloop)
// and Stalled scores the handler at once, because each socket whose handler blocks delays the loop
// that long. The blocked goroutine finishes the handler and hands the rest over.
//
// While more events wait, the connection is corked: the replies of several handlers leave in one
// write. Stalled uncorks, so that no reply waits for a handler that blocks. It may be called at any
// time. So the worker corks first, then announces the handler in Socket.onLoop, and uncorks if
// Stalled came before the announcement.

const (
	// quick is the longest run of handlers that is not slow.
	quick = 100 * time.Microsecond
	// slowPoints is what a slow run adds to a score, slowLimit the score of slow handlers, and
	// slowFor how many of their events do not run on the event loop.
	slowPoints, slowLimit, slowFor = 100, 300, 1000
	// loopTasks limits the tasks of a socket in one turn of the event loop.
	loopTasks = 64
)

// loopScore tells whether the handlers of an event are quick. All event loops share it, so quick
// handlers do not write to it: the score stays 0. A negative score counts the events that are still
// to run on goroutines.
type loopScore struct{ atomic.Int32 }

// allow tells whether the next event may run on the event loop.
func (p *loopScore) allow() bool {
	if p.Load() >= 0 {
		return true
	}
	p.Add(1)
	return false
}

func (p *loopScore) addQuick() {
	if p.Load() > 0 {
		p.Add(-1)
	}
}

func (p *loopScore) addSlow() {
	if p.Add(slowPoints) >= slowLimit {
		p.Store(-slowFor)
	}
}

// loopWorker runs the tasks of a socket on the event loop.
type loopWorker struct{ s *Socket }

var (
	_ engineio.Work = loopWorker{}

	// stalled is Socket.onLoop of a worker whose goroutine is not the event loop any more.
	stalled loopScore
	// began is for time.Since, which costs half of what time.Now does.
	began = time.Now()
)

// Work runs tasks until none is left, or hands them to a goroutine.
func (w loopWorker) Work() {
	s := w.s
	t, e := taskNext, (*Event)(nil)
	corked := false
	defer func() {
		if corked {
			s.client.link.Uncork()
		}
		if t == taskNone {
			s.ns.server.workers.end()
		} else {
			go s.workFrom(t, e)
		}
	}()
	var score *loopScore
	s.onLoop.Store(nil)
	start := time.Since(began)
	for n := 0; ; n++ {
		if t, e = s.next(); t == taskNone {
			return
		}
		last := score
		if score = s.loopScore(t, e); score == nil || n == loopTasks || !score.allow() {
			return
		}
		if !corked && s.more.Load() {
			corked = true
			s.client.link.Cork()
		}
		if !s.onLoop.CompareAndSwap(last, score) {
			return
		}
		run := t
		t = taskNext // if a handler ends this goroutine
		var now time.Duration
		if run == taskAdmit {
			s.admit()
			now = time.Since(began)
		} else {
			now = s.handle(e, start)
		}
		if now-start > quick {
			score.addSlow()
		} else {
			score.addQuick()
		}
		start = now
	}
}

// Stalled implements [engineio.Work].
func (w loopWorker) Stalled() {
	if score := w.s.onLoop.Swap(&stalled); score != nil {
		score.addSlow()
	}
	w.s.client.link.Uncork()
}

// loopScore returns the score of a task, or nil if the task never runs on an event loop.
func (s *Socket) loopScore(t task, e *Event) *loopScore {
	all, own := s.ns.load(), s.load()
	switch {
	case t == taskAdmit && len(all.middleware) == 0 && s.lease == nil:
		return &s.ns.joins
	case t != taskEvent:
		return nil
	}
	e.resolve(all, own)
	for _, h := range [...]*handlers{all, own} {
		if l := h.events[e.name]; l != nil {
			return &l.loop
		}
	}
	return &s.ns.otherEvents
}

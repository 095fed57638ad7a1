package socketio

import (
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// prompt is a socket whose worker is the goroutine of the event loop: it costs no goroutine, and
// what the handlers of several events send leaves in one write.
//
// It must not take long, for everybody on the loop waits. Whether a handler is quick nobody can
// know before; so each is believed to be until it was not. One that has repeatedly run for longer
// than quick, or was still running when the loop's patience ended (Stalled), has its next events
// handled on goroutines, slowFor of them, before it is given another try. Joining is the same where
// there are no middlewares, which look things up. Leaving is never done here.
type prompt struct{ s *Socket }

var _ engineio.Work = prompt{}

const (
	// quick is how long a handler may run on an event loop: so long that starting a goroutine would
	// not have mattered.
	quick = 100 * time.Microsecond
	// slowFor is how many events a handler that was not quick does not run on the event loop for.
	slowFor = 1000
	// promptEvents is how many events are handled before the rest is left to a goroutine.
	promptEvents = 64
)

// loopPolicy tells whether the handlers of an event are quick. All loops share it, so that it is
// only written to when they are not.
type loopPolicy struct {
	slow     atomic.Int32 // how many more events go to goroutines
	slowRuns atomic.Int32
}

// allow tells whether the next event may be handled on the event loop.
func (p *loopPolicy) allow() bool {
	if p.slow.Load() <= 0 {
		return true
	}
	p.slow.Add(-1)
	return false
}

// addSlowRun remembers that a handler was slow. It may have been the machine that was, so that only
// the third strike counts.
func (p *loopPolicy) addSlowRun() {
	if p.slowRuns.Add(1) >= 3 {
		p.slowRuns.Store(0)
		p.slow.Store(slowFor)
	}
}

// decay forgets a strike for every hundred quick events or so.
func (p *loopPolicy) decay(now time.Duration) {
	if p.slowRuns.Load() > 0 && now&127 == 0 { // as good as a die, and at hand
		p.slowRuns.Add(-1)
	}
}

// loopPolicyOf returns that of a task: of the event's handlers (those of the namespace, or else of
// the socket), or of joining. It is nil for what is never done on an event loop.
func (s *Socket) loopPolicyOf(t task, e *Event) *loopPolicy {
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

// Work does what waits, and leaves to a goroutine what may take long.
func (p prompt) Work() {
	s := p.s
	var t task
	var e *Event
	idle, taken := false, false // nothing waits; t has been taken and not been done
	corked := false
	defer func() {
		if corked {
			s.client.link.Uncork()
		}
		s.stalled.Store(false)
		switch {
		case idle:
			s.ns.server.workers.end()
		case taken:
			go s.workFrom(t, e)
		default: // a handler ended the goroutine
			go s.work()
		}
	}()
	start := monotonic()
	for n := 1; ; n++ {
		if t, e = s.next(); t == taskNone {
			idle = true
			return
		}
		taken = true
		of := s.loopPolicyOf(t, e)
		if of == nil || n > promptEvents || !of.allow() {
			return
		}
		taken = false
		s.handling.Store(of)
		if !corked && s.more.Load() {
			corked = true
			s.cork()
		}
		if t == taskAdmit {
			s.admit()
		} else {
			s.handle(e)
		}
		now := monotonic()
		if now-start > quick {
			of.addSlowRun()
		} else {
			of.decay(now)
		}
		start = now
	}
}

// cork keeps back what the handlers of several events send, so that it leaves in one write.
func (s *Socket) cork() {
	s.client.link.Cork()
	if s.stalled.Load() { // perhaps just before the session was corked
		s.client.link.Uncork()
	}
}

// Stalled writes what was kept back before the handler that blocks, and remembers that it does.
func (p prompt) Stalled() {
	s := p.s
	if of := s.handling.Load(); of != nil {
		of.addSlowRun()
	}
	s.stalled.Store(true)
	s.client.link.Uncork()
}

var began = time.Now()

// monotonic is a time that only moves forward. It costs half of what time.Now does.
func monotonic() time.Duration { return time.Since(began) }

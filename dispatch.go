package socketio

import (
	"errors"
	"time"

	"github.com/gosocketio/socketio/protocol"
)

// handle runs the handlers of an event, counts it and calls the hook. start is the time since began;
// handle returns the time at the end.
func (s *Socket) handle(e *Event, start time.Duration) (end time.Duration) {
	defer s.client.refund(1, e.cost)
	fn := s.ns.server.cfg.Hooks.Handle
	handlers, err := s.dispatch(e)
	end = time.Since(began)
	took := end - start
	s.ns.totals.countHandled(took, err)
	if fn != nil {
		hook(s.ns.server, fn, HandleInfo{Event: e, Took: took, Handlers: handlers, Err: err})
		end = time.Since(began)
	}
	return end
}

// dispatch runs what is registered for an event, and answers the client if no handler did.
//
// The order is: any-listeners, the socket's middlewares, the namespace's handlers, the socket's
// handlers. It returns how many handlers ran, and the first error.
func (s *Socket) dispatch(e *Event) (ran int, first error) {
	all, own := s.ns.load(), s.load()
	e.resolve(all, own)
	if fn := s.ns.server.cfg.Hooks.Begin; fn != nil && (all.events[e.name] != nil || own.events[e.name] != nil) {
		s.call("a hook", func() { e.ctx = fn(e) })
	}

	for _, h := range [...]*handlers{all, own} {
		for _, l := range h.any {
			s.call("an any-listener", func() { l.fn(e) })
		}
	}
	for _, fn := range own.incoming {
		if err := s.ns.server.contain(s, "a socket middleware", func() error { return fn(e) }); err != nil {
			s.failed(e, err)
			return 0, err
		}
	}
	for _, h := range [...]*handlers{all, own} {
		l := h.events[e.name]
		if l == nil {
			continue
		}
		for _, l := range l.all {
			if s.state.Load() == stateDisconnected {
				return ran, first // sent before the disconnect, but not delivered after it
			}
			err := s.guard(l.fn, e)
			if err == errNotRun { //nolint:errorlint // never wrapped
				continue
			}
			ran++
			if err != nil {
				s.failed(e, err)
				if first == nil {
					first = err
				}
			}
		}
	}
	if ran > 0 && first == nil && e.ackDue() {
		if first = e.Ack(); errors.Is(first, ErrAnswered) {
			first = nil // another goroutine was faster
		}
		if first != nil {
			s.failed(e, first)
		}
	}
	return ran, first
}

// guard runs one handler and contains its panic. It is Server.contain without a closure.
func (s *Socket) guard(fn func(*Event) error, e *Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = s.ns.server.panicked(s, "a handler of "+e.name, v)
		}
	}()
	return fn(e)
}

// resolve sets the event's name, without a copy when the name has a handler.
func (e *Event) resolve(tables ...*handlers) {
	if e.name != "" {
		return
	}
	raw := e.span(0)
	if plain, ok := protocol.NameBytes(raw); ok {
		for _, h := range tables {
			if l := h.events[string(plain)]; l != nil {
				e.name = l.name
				return
			}
		}
	}
	e.name = protocol.EventName(raw)
}

// failed reports that the handling of an event failed, and answers a client that waits.
//
// The only argument of the answer is {"error":{"message":...,"data":...}}.
func (s *Socket) failed(e *Event, err error) {
	s.ns.server.report(s, &HandlerError{Event: e.name, Err: err})
	if !e.wantsAck || e.answered.Load() {
		return
	}
	// A deferred acknowledgement is answered too: the handler has failed.
	answerError(func(v any) error { return e.Ack(v) }, err)
}

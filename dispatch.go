package socketio

import (
	"errors"
	"time"

	"github.com/gosocketio/socketio/protocol"
)

// handle handles an event.
func (s *Socket) handle(e *Event) {
	defer s.client.refund(1, e.cost)
	fn := s.ns.server.cfg.Hooks.Handle
	start := clock(fn != nil)
	handlers, err := s.dispatch(e)
	if fn != nil {
		hook(s.ns.server, fn, HandleInfo{Event: e, Took: time.Since(start), Handlers: handlers, Err: err})
	}
}

// dispatch runs everything that is registered for an event: any-listeners, the socket's middlewares, handlers of the
// namespace, handlers of the socket; then it answers the client if nobody else did. It returns how many handlers ran,
// and the first error.
func (s *Socket) dispatch(e *Event) (ran int, first error) {
	all, own := s.ns.load(), s.load()
	e.resolve(all, own)

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
				return ran, first // the event was sent before the disconnect, but is not delivered after it
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
	if ran > 0 && first == nil && e.due() {
		if first = e.Ack(); errors.Is(first, ErrAnswered) {
			first = nil // another goroutine was faster
		}
		if first != nil {
			s.failed(e, first)
		}
	}
	return ran, first
}

// guard runs one handler. It is contain without a closure.
func (s *Socket) guard(fn func(*Event) error, e *Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = s.ns.server.panicked(s, "a handler of "+e.name, v)
		}
	}()
	return fn(e)
}

// resolve finds the event's name, without a copy when it has a handler.
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

// failed reports that the handling of an event failed, and answers the client if it waits:
// {"error":{"message":...,"data":...}} as only argument.
func (s *Socket) failed(e *Event, err error) {
	s.ns.server.report(s, &HandlerError{Event: e.name, Err: err})
	if !e.wantsAck || e.answered.Load() {
		return // the error form answers a deferred acknowledgement too: the handler has failed
	}
	visible := shown(err)
	if e.Ack(errorAnswer{visible.wire()}) != nil && visible.Data != nil {
		// The data cannot be encoded: the message still can.
		_ = e.Ack(errorAnswer{errorObject{Message: visible.Message}})
	}
}

// errorAnswer is the acknowledgement of an event whose handling failed.
type errorAnswer struct {
	Error errorObject `json:"error"`
}

// errorObject is an error as the client sees it.
type errorObject struct {
	Message string `json:"message"`
	Data    any    `json:"data,omitzero"`
}

func (e *Error) wire() errorObject { return errorObject{e.Message, e.Data} }

package socketio

import (
	"context"
	"errors"
	"sync/atomic"
)

// Registrar registers handlers. It is a [*Server], a [*Namespace], a [*Parent] or a [*Socket].
type Registrar interface {
	Handle(event string, fn func(*Event) error) (off func())
}

var (
	_ Registrar = (*Server)(nil)
	_ Registrar = (*Namespace)(nil)
	_ Registrar = (*Parent)(nil)
	_ Registrar = (*Socket)(nil)
)

// On registers a handler for an event with one argument of type T; off removes it.
//
// The argument is decoded as by encoding/json; a []byte at any depth takes a binary value or a
// string in base64, see [Event.Decode]. An event with fewer arguments, or with one that does not
// fit, does not reach the handler: the error (ErrArguments) counts as the handler's. Further
// arguments are ignored.
//
// An event may have several handlers; they run in the order of registration, those of the namespace
// before those of the socket. When all have returned, a client that asked for an acknowledgement
// and has none is answered: with no arguments, or with the first error. [Event.AckLater] prevents
// that.
func On[T any](r Registrar, event string, fn func(e *Event, v T) error) (off func()) {
	return r.Handle(event, func(e *Event) error {
		var v T
		if err := e.Decode(&v); err != nil {
			return err
		}
		return fn(e, v)
	})
}

// On0 is [On] for an event without arguments. It is the Registrar's Handle.
func On0(r Registrar, event string, fn func(e *Event) error) (off func()) { return r.Handle(event, fn) }

// On2 is [On] for an event with two arguments.
func On2[A, B any](r Registrar, event string, fn func(e *Event, a A, b B) error) (off func()) {
	return r.Handle(event, func(e *Event) error {
		var v struct { // one allocation for all
			a A
			b B
		}
		if err := e.Decode(&v.a, &v.b); err != nil {
			return err
		}
		return fn(e, v.a, v.b)
	})
}

// On3 is [On] for an event with three arguments.
func On3[A, B, C any](r Registrar, event string, fn func(e *Event, a A, b B, c C) error) (off func()) {
	return r.Handle(event, func(e *Event) error {
		var v struct {
			a A
			b B
			c C
		}
		if err := e.Decode(&v.a, &v.b, &v.c); err != nil {
			return err
		}
		return fn(e, v.a, v.b, v.c)
	})
}

// OnCall is [On] for a handler whose result answers the client's acknowledgement.
//
// A client that asked for none is not answered. An error answers as the package comment says.
func OnCall[T, R any](r Registrar, event string, fn func(e *Event, v T) (R, error)) (off func()) {
	return On(r, event, func(e *Event, v T) error {
		result, err := fn(e, v)
		return ack(e, result, err)
	})
}

// OnCall0 is [OnCall] for an event without arguments.
func OnCall0[R any](r Registrar, event string, fn func(e *Event) (R, error)) (off func()) {
	return r.Handle(event, func(e *Event) error {
		result, err := fn(e)
		return ack(e, result, err)
	})
}

// OnCall2 is [OnCall] for an event with two arguments.
func OnCall2[A, B, R any](r Registrar, event string, fn func(e *Event, a A, b B) (R, error)) (off func()) {
	return On2(r, event, func(e *Event, a A, b B) error {
		result, err := fn(e, a, b)
		return ack(e, result, err)
	})
}

// OnCall3 is [OnCall] for an event with three arguments.
func OnCall3[A, B, C, R any](r Registrar, event string, fn func(e *Event, a A, b B, c C) (R, error)) (off func()) {
	return On3(r, event, func(e *Event, a A, b B, c C) error {
		result, err := fn(e, a, b, c)
		return ack(e, result, err)
	})
}

// ack answers an event with a handler's result.
func ack[R any](e *Event, result R, err error) error {
	if err != nil {
		return err
	}
	return e.Ack(result)
}

// Once returns a Registrar whose handlers run once: each is removed before it runs.
//
//	socketio.On(socketio.Once(socket), "hello", func(e *socketio.Event, name string) error { ... })
//
// On a namespace that is once for all its sockets, on a [*Parent] once for all its children.
func Once(r Registrar) Registrar { return once{r} }

type once struct{ Registrar }

// errNotRun says that a handler did not run, and does not count.
var errNotRun = errors.New("socketio: handler has run before")

// Handle registers a handler that runs once.
func (o once) Handle(event string, fn func(*Event) error) (off func()) {
	var ran atomic.Bool
	registered := make(chan struct{}) // an event may come before Handle has returned
	defer close(registered)
	off = o.Registrar.Handle(event, func(e *Event) error {
		if !ran.CompareAndSwap(false, true) {
			return errNotRun // another event was faster, or a child of a Parent still has the handler
		}
		<-registered
		off()
		return fn(e)
	})
	return off
}

// EventOf is an event's name with the type of its one argument, so that both are written once.
//
//	const Said = socketio.EventOf[Message]("message")
//
//	Said.On(chat, func(e *socketio.Event, m Message) error { return Said.Emit(chat.To(m.Room), m) })
type EventOf[T any] string

// Emitter sends events: a [*Server], [*Namespace], [Operator], [*Socket], [Sender], [RemoteSocket].
type Emitter interface {
	Emit(event string, args ...any) error
}

var (
	_ Emitter = (*Server)(nil)
	_ Emitter = (*Namespace)(nil)
	_ Emitter = Operator{}
	_ Emitter = (*Socket)(nil)
	_ Emitter = Sender{}
	_ Emitter = RemoteSocket{}
)

// On registers a handler, see [On].
func (name EventOf[T]) On(r Registrar, fn func(e *Event, v T) error) (off func()) {
	return On(r, string(name), fn)
}

// Emit sends the event.
func (name EventOf[T]) Emit(to Emitter, v T) error { return to.Emit(string(name), v) }

// String returns the name.
func (name EventOf[T]) String() string { return string(name) }

// CallOf is an event's name with the types of its one argument and of its answer.
//
//	const Add = socketio.CallOf[Item, int]("add")
//
//	Add.On(io, func(e *socketio.Event, item Item) (int, error) { return cart.Add(item), nil })
//	total, err := Add.Call(ctx, socket, item)
type CallOf[T, R any] string

// On registers a handler whose result answers the client, see [OnCall].
func (name CallOf[T, R]) On(r Registrar, fn func(e *Event, v T) (R, error)) (off func()) {
	return OnCall(r, string(name), fn)
}

// Call sends the event to one client and returns its answer, see [Call].
func (name CallOf[T, R]) Call(ctx context.Context, to Asker, v T) (R, error) {
	return Call[R](ctx, to, string(name), v)
}

// String returns the name.
func (name CallOf[T, R]) String() string { return string(name) }

// Asker asks one client for an acknowledgement: a [*Socket], a [Sender] or a [RemoteSocket].
type Asker interface {
	EmitWithAck(ctx context.Context, event string, args ...any) (Reply, error)
}

var (
	_ Asker = (*Socket)(nil)
	_ Asker = Sender{}
	_ Asker = RemoteSocket{}
)

// Call sends an event to one client and returns the first argument of its acknowledgement as a T.
//
// An argument that is missing or does not fit is an error (ErrArguments). For how the wait ends,
// see [Socket.EmitWithAck].
func Call[T any](ctx context.Context, to Asker, event string, args ...any) (T, error) {
	var v T
	reply, err := to.EmitWithAck(ctx, event, args...)
	if err == nil {
		err = reply.Decode(&v)
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}

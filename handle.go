package socketio

// Registrar is what handlers are registered on: a [*Server] (its namespace "/"), a [*Namespace] or one [*Socket].
type Registrar interface {
	Handle(event string, fn func(*Event) error)
}

var (
	_ Registrar = (*Server)(nil)
	_ Registrar = (*Namespace)(nil)
	_ Registrar = (*Parent)(nil)
	_ Registrar = (*Socket)(nil)
)

// On registers a handler whose event has one argument of type T. Types and their decoding are those of
// encoding/json; a []byte, at any depth, takes a binary value. An event with fewer arguments, or with one that does
// not fit, is not delivered: the error (ErrArguments) is treated like one of the handler. Further arguments are
// ignored.
//
// An event may have several handlers; they run in the order of registration, those of the namespace before those of
// the socket.
func On[T any](r Registrar, event string, fn func(e *Event, v T) error) {
	r.Handle(event, func(e *Event) error {
		var v T
		if err := e.Decode(&v); err != nil {
			return err
		}
		return fn(e, v)
	})
}

// On2 is [On] for an event with two arguments.
func On2[A, B any](r Registrar, event string, fn func(e *Event, a A, b B) error) {
	r.Handle(event, func(e *Event) error {
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
func On3[A, B, C any](r Registrar, event string, fn func(e *Event, a A, b B, c C) error) {
	r.Handle(event, func(e *Event) error {
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

// OnCall registers a handler whose result answers the acknowledgement that the client asked for. A client that did
// not ask for one is not answered. An error answers as the package comment says.
func OnCall[T, R any](r Registrar, event string, fn func(e *Event, v T) (R, error)) {
	On(r, event, func(e *Event, v T) error {
		result, err := fn(e, v)
		if err != nil {
			return err
		}
		return e.Ack(result)
	})
}

// OnCall0 is [OnCall] for an event without arguments.
func OnCall0[R any](r Registrar, event string, fn func(e *Event) (R, error)) {
	r.Handle(event, func(e *Event) error {
		result, err := fn(e)
		if err != nil {
			return err
		}
		return e.Ack(result)
	})
}

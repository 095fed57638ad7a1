package socketio

import "context"

// EventOf is an event's name together with the type of its one argument, so that both are written
// once:
//
//	const Said = socketio.EventOf[Message]("message")
//
//	Said.On(chat, func(e *socketio.Event, m Message) error { return Said.Emit(chat.To(m.Room), m) })
type EventOf[T any] string

// Emitter is what events are sent with: a [*Server], a [*Namespace], an [Operator], a [*Socket], a
// [Sender] or a [RemoteSocket].
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

// CallOf is an event's name together with the type of its one argument and of its answer:
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

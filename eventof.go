package socketio

// EventOf is an event's name together with the type of its one argument, so that both are written once:
//
//	const Said = socketio.EventOf[Message]("message")
//
//	Said.On(chat, func(e *socketio.Event, m Message) error { return Said.Emit(chat.To(m.Room), m) })
type EventOf[T any] string

// Emitter is what events are sent with: a [*Server], a [*Namespace], an [Operator], a [*Socket], a [Sender] or a
// [RemoteSocket].
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
func (name EventOf[T]) On(r Registrar, fn func(e *Event, v T) error) { On(r, string(name), fn) }

// Emit sends the event.
func (name EventOf[T]) Emit(to Emitter, v T) error { return to.Emit(string(name), v) }

// String returns the name.
func (name EventOf[T]) String() string { return string(name) }

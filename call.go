package socketio

import "context"

// Asker is one client that can be asked: a [*Socket], a [Sender] or a [RemoteSocket].
type Asker interface {
	EmitWithAck(ctx context.Context, event string, args ...any) (Reply, error)
}

var (
	_ Asker = (*Socket)(nil)
	_ Asker = Sender{}
	_ Asker = RemoteSocket{}
)

// Call sends an event to one client and returns the first argument of its acknowledgement as a T. It is an error
// (ErrArguments) when there is none or it does not fit. For how the wait ends, see [Socket.EmitWithAck].
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

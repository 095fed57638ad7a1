package socketio

// Key is a typed name for a value that the application keeps with a socket (socket.data of the official server).
// Make it once, with [NewKey]: two keys are different even if their names are equal.
type Key[T any] struct{ name string }

// NewKey returns a key. The name is for people.
func NewKey[T any](name string) *Key[T] { return &Key[T]{name} }

// Set keeps v with the socket, for as long as the socket lives.
func (k *Key[T]) Set(s *Socket, v T) { s.SetValue(k, v) }

// Get returns the value kept with the socket; ok is false, and the value zero, when none was set.
func (k *Key[T]) Get(s *Socket) (v T, ok bool) {
	kept, ok := s.Value(k)
	if ok {
		v, _ = kept.(T) // a nil interface value is kept as nil
	}
	return v, ok
}

// String returns the name.
func (k *Key[T]) String() string { return k.name }

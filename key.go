package socketio

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Key is a typed name for a value that the application keeps with a socket (socket.data in Node).
//
// Make each key once, with [NewKey]: two keys differ even if their names are equal.
type Key[T any] struct {
	name   string
	shared bool
}

// NewKey returns a key. The name is for people; the values stay on this server.
func NewKey[T any](name string) *Key[T] { return &Key[T]{name: name} }

// NewSharedKey returns a key whose values other servers see too, see [Key.GetRemote].
//
// They see them as JSON under the name, which must be the same there.
func NewSharedKey[T any](name string) *Key[T] { return &Key[T]{name: name, shared: true} }

// Set keeps v with the socket for as long as the socket exists.
func (k *Key[T]) Set(s *Socket, v T) { s.SetValue(k, v) }

// Get returns the value kept with the socket; ok is false, and v zero, when none was set.
func (k *Key[T]) Get(s *Socket) (v T, ok bool) {
	kept, ok := s.Value(k)
	if ok {
		v, _ = kept.(T) // a nil interface value is kept as nil
	}
	return v, ok
}

// GetRemote returns the value kept with a socket that may be on another server.
//
// A value from another server is as it was when the socket was fetched; ok is false, and v zero,
// when there is none, the key is not shared, or what the other server sent is no T.
func (k *Key[T]) GetRemote(r RemoteSocket) (v T, ok bool) {
	if s, local := r.Local(); local {
		return k.Get(s)
	}
	var data map[string]json.RawMessage
	if !k.shared || json.Unmarshal(r.Data(), &data) != nil || data[k.name] == nil {
		return v, false
	}
	if json.Unmarshal(data[k.name], &v) != nil {
		var zero T
		return zero, false
	}
	return v, true
}

// sharedName returns the name under which other servers see the values, or "".
func (k *Key[T]) sharedName() string {
	if k.shared {
		return k.name
	}
	return ""
}

// decode decodes a value that another server has encoded. User code may run.
func (k *Key[T]) decode(data json.RawMessage) (any, error) {
	var v T
	err := json.Unmarshal(data, &v)
	return v, err
}

// String returns the name.
func (k *Key[T]) String() string { return k.name }

// value is kept with a socket. Values are few: a slice is smaller than a map and as fast.
type value struct{ key, val any }

// SetValue keeps a value with the socket for as long as the socket exists.
//
// Keys are compared as interface values. Use a type of your own, or the typed [Key].
func (s *Socket) SetValue(key, val any) {
	s.setValue(key, val)
	if k, ok := key.(sharedKey); ok && k.sharedName() != "" {
		if r := s.ns.overBroker(); r != nil {
			r.valueChanged(s)
		}
	}
}

func (s *Socket) setValue(key, val any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.values {
		if s.values[i].key == key {
			s.values[i].val = val
			return
		}
	}
	s.values = append(s.values, value{key, val})
}

// sharedKey is a Key, which may be shared.
type sharedKey interface {
	sharedName() string
	decode(data json.RawMessage) (val any, err error)
}

// restore decodes a shared value of the socket before this one, which was on another server.
func (s *Socket) restore(key any) (val any, ok bool) {
	k, is := key.(sharedKey)
	if !is || s.lease == nil || k.sharedName() == "" {
		return nil, false
	}
	s.mu.Lock()
	data, ok := s.lease.restored[k.sharedName()]
	s.mu.Unlock()
	if !ok {
		return nil, false
	}
	val, err := k.decode(data)
	if err != nil {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.values { // another goroutine may have been faster
		if v.key == key {
			return v.val, true
		}
	}
	s.values = append(s.values, value{key, val})
	return val, true
}

// Value returns what [Socket.SetValue] kept under the key.
func (s *Socket) Value(key any) (val any, ok bool) {
	s.mu.Lock()
	for _, v := range s.values {
		if v.key == key {
			s.mu.Unlock()
			return v.val, true
		}
	}
	s.mu.Unlock()
	return s.restore(key)
}

// sharedValues returns the values under shared keys, as a JSON object.
//
// A value that cannot be encoded is left out and reported.
func (s *Socket) sharedValues() json.RawMessage {
	s.mu.Lock()
	values := slices.Clone(s.values)
	object := make(map[string]json.RawMessage)
	if s.lease != nil {
		maps.Copy(object, s.lease.restored)
	}
	s.mu.Unlock()
	for _, v := range values {
		key, ok := v.key.(sharedKey)
		if !ok || key.sharedName() == "" {
			continue
		}
		data, err := json.Marshal(v.val)
		if err != nil {
			s.ns.server.report(s, fmt.Errorf("socketio: shared value %q: %w", key.sharedName(), err))
			continue
		}
		object[key.sharedName()] = data
	}
	data, _ := json.Marshal(object) // raw JSON always encodes
	return data
}

package socketio

import (
	"encoding/json"
	"fmt"
	"slices"
)

// value is one thing that the application keeps with a socket. They are few: a slice is smaller than a map and as
// fast.
type value struct{ key, val any }

// sharedKey is a [Key] whose values other servers may see, as JSON, see [RemoteSocket.Data].
type sharedKey interface {
	sharedName() string
}

// SetValue keeps a value with the socket, for as long as the socket lives. Keys are compared as interface values;
// use a type of your own, or the typed keys of package socketio.
func (s *Socket) SetValue(key, val any) {
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

// Value returns what [Socket.SetValue] kept under the key.
func (s *Socket) Value(key any) (val any, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.values {
		if s.values[i].key == key {
			return s.values[i].val, true
		}
	}
	return nil, false
}

// shared is the values under shared keys, as a JSON object. One that cannot be encoded is left out, and reported.
func (s *Socket) shared() json.RawMessage {
	s.mu.Lock()
	values := slices.Clone(s.values)
	s.mu.Unlock()
	object := make(map[string]json.RawMessage)
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
	data, _ := json.Marshal(object) // what has been encoded encodes
	return data
}

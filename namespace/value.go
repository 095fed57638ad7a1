package namespace

// value is one thing that the application keeps with a socket. They are few: a slice is smaller than a map and as
// fast.
type value struct{ key, val any }

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

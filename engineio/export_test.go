package engineio

// LinkOf returns the link of a session, which its handler has.
func LinkOf(s *Session) Link { return Link{s} }

// Addresses is the number of addresses that Admission.MaxPerAddress keeps.
func Addresses(e *Server) int {
	e.addresses.mu.Lock()
	defer e.addresses.mu.Unlock()
	return len(e.addresses.sessions)
}

package engineio

// LinkOf returns the link of a session, which its handler has.
func LinkOf(s *Session) Link { return Link{s} }

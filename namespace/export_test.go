package namespace

// PendingCalls is the number of acknowledgements that a socket's table holds.
func PendingCalls(s *Socket) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acks)
}

// OpenPolls is the number of broadcasts that wait for acknowledgements.
func OpenPolls(n *Namespace) int {
	n.polls.mu.Lock()
	defer n.polls.mu.Unlock()
	return len(n.polls.m)
}

// ServerSideWaiting is the number of events of other servers that wait for a handler.
func (n *Namespace) ServerSideWaiting() int {
	n.serverSide.mu.Lock()
	defer n.serverSide.mu.Unlock()
	return n.serverSide.events
}

package adapter

// Pending is the number of requests whose answers are waited for.
func (x *Cluster) Pending() int {
	x.requests.mu.Lock()
	defer x.requests.mu.Unlock()
	return len(x.requests.waiting)
}

// WithVersion returns a configuration for a server that speaks another version of the protocol.
func (c ClusterConfig) WithVersion(protocol, oldest int) ClusterConfig {
	c.version = version{protocol, oldest}
	return c
}

// Told is the memory that what other servers have told is counted with, in bytes, and the rooms in it.
func (x *Cluster) Told() (bytes, rooms int) {
	p := x.node.present
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, servers := range p.there {
		rooms += len(servers)
	}
	return p.bytes, rooms
}

// Untold is how many rooms wait for the hooks of an adapter without a cluster.
func Untold(a Adapter) (rooms int) {
	s := a.(*memory).present
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	for _, w := range s.watchers {
		rooms += len(w.queue) + len(w.queued)
	}
	return rooms
}

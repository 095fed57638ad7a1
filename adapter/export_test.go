package adapter

// Pending is the number of requests whose answers are waited for.
func (x *Cluster) Pending() int {
	x.requests.mu.Lock()
	defer x.requests.mu.Unlock()
	return len(x.requests.waiting)
}

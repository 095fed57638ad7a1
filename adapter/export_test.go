package adapter

// Pending is the number of requests whose answers are waited for, and of those of other servers that wait for this one.
func (x *Cluster) Pending() (requests, asked int) {
	x.requests.mu.Lock()
	requests = len(x.requests.waiting)
	x.requests.mu.Unlock()
	x.asked.mu.Lock()
	asked = len(x.asked.open)
	x.asked.mu.Unlock()
	return requests, asked
}

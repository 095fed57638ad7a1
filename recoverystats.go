package socketio

// RecoveryStats is what a namespace keeps for clients that may come back ([ConnectionStateRecovery]).
type RecoveryStats struct {
	// Waiting is the number of clients that are away and may be recovered.
	Waiting int
	// WaitingBytes is what is kept of them, as ConnectionStateRecovery.MaxSessionBytes counts it.
	WaitingBytes int
	// Events is the number of events that are kept, and EventBytes what they take, as MaxEventBytes counts it.
	Events, EventBytes int
	// Recovered is how many sockets have been recovered since the namespace was made, Refused how many were asked for in vain: their
	// clients are new sockets.
	Recovered, Refused uint64
}

// RecoveryStats returns what the namespace keeps for clients that may come back; ok is false when it keeps nothing, because
// recovery is off.
func (n *Namespace) RecoveryStats() (s RecoveryStats, ok bool) {
	r := n.recovery
	if r == nil {
		return s, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return RecoveryStats{
		Waiting: r.waiting.len, WaitingBytes: r.waiting.bytes,
		Events: len(r.log.events), EventBytes: r.log.bytes,
		Recovered: r.recovered, Refused: r.refused,
	}, true
}

package socketio

import "github.com/gosocketio/socketio/engineio"

// Stats sums up what a server holds at one moment.
type Stats struct {
	// Connections sums up the connections below the sockets.
	Connections engineio.Stats
	// Sockets is the number of sockets in each namespace on this server.
	Sockets map[string]int
	// Recovery is what each namespace keeps for clients that may come back; nil without Config.ConnectionStateRecovery.
	Recovery map[string]RecoveryStats
}

// Stats sums up what the server holds. It looks at every connection: right for a metrics page every few seconds, not for every
// request. For one socket there is Socket.Conn().Stats().
func (srv *Server) Stats() Stats {
	sum := Stats{Connections: srv.engine.Stats(), Sockets: make(map[string]int)}
	for _, n := range srv.server.Namespaces() {
		sum.Sockets[n.Name()] = n.Len()
		if r, on := n.RecoveryStats(); on {
			if sum.Recovery == nil {
				sum.Recovery = make(map[string]RecoveryStats)
			}
			sum.Recovery[n.Name()] = r
		}
	}
	return sum
}

package socketio

import (
	"context"

	"github.com/gosocketio/socketio/protocol"
)

// PendingCalls is the number of acknowledgements that a socket's table holds.
func PendingCalls(s *Socket) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.acks == nil {
		return 0
	}
	return len(s.acks.list)
}

// OwedAcks is the number of acknowledgements that the sockets of a namespace have been asked for.
func OwedAcks(ns *Namespace) (n int) {
	for _, s := range ns.Sockets() {
		n += PendingCalls(s)
	}
	return n
}

// ServerSideWaiting is the number of events of other servers that wait for a handler.
func (n *Namespace) ServerSideWaiting() int {
	n.serverSide.mu.Lock()
	defer n.serverSide.mu.Unlock()
	return len(n.serverSide.events)
}

// StaleSessions is the number of sessions that wait and have not noted that their socket
// disconnected.
func StaleSessions(n *Namespace) (stale int) {
	r := n.recovery.(*memoryRecovery)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.sessions {
		if x.holder == nil && (x.connected != nil || x.disconnectedState == nil) {
			stale++
		}
	}
	return stale
}

// BreakRule ends a socket's connection as a broken rule of the protocol does.
func BreakRule(s *Socket) { s.client.violation(&protocol.Packet{}, "a test") }

// RelayTag is the tag of a server with Config.Relay.
func RelayTag(srv *Server) string { return srv.adapter.(interface{ Tag() string }).Tag() }

// RelayLookup is where a server relays requests for sessions with a tag.
func RelayLookup(srv *Server, tag string) string { return srv.relay.lookup(context.Background(), tag) }

// BurstTurn tells the server that an event loop begins or ends a turn.
func BurstTurn(srv *Server, begins bool) { srv.burst.turn(begins) }

package socketio

import (
	"context"
	"errors"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/refusal"
)

// BrokerInfo is an error of the broker that joins this server to others, and that no call returned.
type BrokerInfo struct {
	// Namespace is where messages of other servers may have been lost (adapter.GapError). It is nil
	// when the error is not about one namespace.
	Namespace *Namespace
	// Err matches ErrBroker. It may also match ErrBrokerDown, ErrBrokerStalled, ErrTooLarge, or be an
	// adapter.GapError or adapter.VersionError.
	Err error
}

// Report logs an error of the broker, once a minute for each kind, and calls the hook.
func (h host) Report(err error) {
	info := BrokerInfo{Err: err}
	if _, gap := errors.AsType[*adapter.GapError](err); gap {
		info.Namespace = h.ns
	}
	srv := h.ns.server
	srv.log.Write(context.Background(), "socketio: broker", refusal.Peer{}, brokerRule(err), err)
	hook(srv, srv.cfg.Hooks.Broker, info)
}

// brokerRule returns what kind of error it is, and what an operator can do about it.
func brokerRule(err error) *refusal.Refusal {
	r := &refusal.Refusal{Rule: "error", Remedy: "other servers may not be reached, or their messages not be read"}
	_, gap := errors.AsType[*adapter.GapError](err)
	other, version := errors.AsType[*adapter.VersionError](err)
	switch {
	case version:
		r.Rule, r.Key = "protocol version", other.UID
		r.Remedy = "a server and this one do not understand each other: upgrade the older one"
	case gap:
		r.Rule, r.Remedy = "gap", "messages of other servers may be lost: clients here have not got them"
	case errors.Is(err, adapter.ErrBrokerStalled):
		r.Rule, r.Field = "stalled", "MaxQueuedBytes"
		r.Remedy = "messages for other servers are dropped until the broker takes them: look at its load, or let more wait"
	case errors.Is(err, adapter.ErrTooLarge):
		r.Rule, r.Field = "message too large", "MaxQueuedBytes"
		r.Remedy = "other servers do not get it: send less at once, or let more wait"
	case errors.Is(err, adapter.ErrBrokerDown):
		r.Rule = "connection lost"
		r.Remedy = "until it is back, clients of other servers are not reached, nor those here with recovery over a log"
	}
	return r
}

// BrokerStats returns the state of the broker that joins this server to others; ok is false without
// one. Unlike [Server.Stats] it looks at no connection.
func (srv *Server) BrokerStats() (s adapter.BrokerStats, ok bool) {
	a, ok := srv.adapter.(interface{ BrokerStats() adapter.BrokerStats })
	if ok {
		s = a.BrokerStats()
	}
	return s, ok
}

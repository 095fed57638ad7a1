package socketio

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"sync/atomic"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/namespace"
)

// Namespace is a named set of sockets with handlers of their own. Get one from [Server.Of].
//
// Without To, In, Except or Local every socket of the namespace is targeted. What is registered
// applies to later events and sockets. All methods are safe for concurrent use.
type Namespace struct{ core }

// core has what a Namespace and a Server, which is its namespace "/", share.
type core struct {
	operator          // targets every socket
	namespaceHandlers // what was registered

	name        string
	adapter     adapter.Adapter
	totals      *totals       // its own, or those of its parent
	ids         atomic.Uint64 // acknowledgement ids handed out
	recovery    recovery      // nil: off
	otherEvents loopScore     // of events without handlers, which listeners may see
	joins       loopScore     // of the connection handlers

	serverSide serverSideInbox
}

// Name returns the name, such as "/" or "/chat".
func (n *Namespace) Name() string { return n.name }

// Socket returns the connected socket with this id, if it is on this server.
func (n *core) Socket(id string) (*Socket, bool) {
	found, _ := n.adapter.Get(id)
	s, ok := found.(*Socket)
	if !ok || !s.Connected() {
		return nil, false
	}
	return s, true
}

// Sockets returns the connected sockets on this server, in the order in which they connected.
func (n *core) Sockets() []*Socket {
	all := n.adapter.Select(nil, adapter.Options{})
	list := make([]*Socket, 0, len(all))
	for _, a := range all {
		if s, ok := a.(*Socket); ok && s.Connected() {
			list = append(list, s)
		}
	}
	return list
}

// Len returns the number of sockets on this server.
//
// A socket counts until its disconnect callbacks have run.
func (n *Namespace) Len() int { return n.adapter.Len() }

// AllRooms returns the rooms on this server in no particular order.
//
// The rooms named after the ids of sockets are among them.
func (n *core) AllRooms() []string { return n.adapter.AllRooms() }

// RoomLen returns the number of sockets on this server in a room.
//
// A socket counts from shortly before it is connected until its OnDisconnecting functions have
// returned.
func (n *core) RoomLen(room string) int { return n.adapter.RoomLen(room) }

// nextID returns the next acknowledgement id: 0, 1, 2... for sockets and broadcasts alike.
func (n *Namespace) nextID() uint64 { return n.ids.Add(1) - 1 }

// Parent makes namespaces when clients ask for them: one for each name that it matches.
//
// Get one from [Server.OfRegexp] or [Server.OfFunc]. A new namespace starts with what is registered
// on the parent at that moment; later registrations do not reach it. All methods are safe for
// concurrent use.
type Parent struct {
	namespaceHandlers // what its children start with
	parentOperator    // targets the sockets of all children

	pattern *namespace.Pattern[*Namespace, *Parent]
	totals  *totals // of all children, ever
}

// OfRegexp makes namespaces for the names that re matches.
//
// Anchor re with ^ and $ to match whole names, which include the leading slash. A namespace that
// [Server.Of] makes is a child too when its name matches.
func (srv *Server) OfRegexp(re *regexp.Regexp) *Parent {
	return srv.addParent(re.String(), true, func(name string, _ json.RawMessage) bool { return re.MatchString(name) })
}

// OfFunc makes namespaces for the names that match accepts; auth is the client's auth, or nil.
//
// match runs on the goroutine that reads the client's connection and must not block: look things up
// in a middleware. When it panics the name is refused.
//
// Each name stays a namespace unless Config.CleanupEmptyChildNamespaces is set: do not accept
// whatever a client makes up.
func (srv *Server) OfFunc(match func(name string, auth json.RawMessage) bool) *Parent {
	label := fmt.Sprintf("OfFunc %d", srv.functions.Add(1))
	return srv.addParent(label, false, func(name string, auth json.RawMessage) (yes bool) {
		srv.call(nil, "the function of OfFunc", func() { yes = match(name, bytes.Clone(auth)) }) // it may keep auth
		return yes
	})
}

// addParent adds a pattern. The label names it in Stats.
func (srv *Server) addParent(
	label string, explicit bool, match func(name string, auth json.RawMessage) bool,
) *Parent {
	p := &Parent{totals: srv.newTotals(label)}
	srv.define(p.totals)
	p.server, p.p = srv, p
	p.pattern = srv.names.AddPattern(p, explicit, match)
	return p
}

// Children returns the namespaces that the parent made and that exist, oldest first.
func (p *Parent) Children() []*Namespace { return p.pattern.Children() }

// ParentOperator targets sockets of a parent's children. It is an immutable value.
//
// It only sends. For acknowledgements, or to list sockets, range over [Parent.Children].
type ParentOperator struct{ parentOperator }

// parentOperator has the methods that a Parent and a ParentOperator share.
type parentOperator struct {
	p  *Parent
	op Operator
}

// To targets the sockets in the given rooms, see [Operator.To].
func (o parentOperator) To(rooms ...string) ParentOperator {
	o.op = o.op.To(rooms...)
	return ParentOperator{o}
}

// In is To.
func (o parentOperator) In(rooms ...string) ParentOperator { return o.To(rooms...) }

// Except leaves out the sockets in the given rooms, see [Operator.Except].
func (o parentOperator) Except(rooms ...string) ParentOperator {
	o.op = o.op.Except(rooms...)
	return ParentOperator{o}
}

// Local targets only sockets on this server.
func (o parentOperator) Local() ParentOperator {
	o.op = o.op.Local()
	return ParentOperator{o}
}

// Emit sends an event to the targeted sockets of every child, see [Operator.Emit].
//
// It returns the first error; the other children get the event all the same.
func (o parentOperator) Emit(event string, args ...any) error {
	if err := checkEvent(event); err != nil {
		return err
	}
	var first error
	for _, child := range o.p.Children() {
		if o.op.targetsNobody() {
			return nil
		}
		err := child.adapter.Broadcast(&adapter.Packet{Event: event, Args: args}, o.op.options)
		first = cmp.Or(first, err)
	}
	return first
}

// Send is Emit of the event "message".
func (o parentOperator) Send(args ...any) error { return o.Emit("message", args...) }

// Stats is what a server holds at one moment.
type Stats struct {
	// Connections sums up the connections below the sockets.
	Connections engineio.Stats
	// Sockets is the number of sockets in each namespace on this server.
	Sockets map[string]int
	// Namespaces has the numbers of each namespace that the program defined, by its name. Those that
	// clients had made are summed up under their parent: the text of the regular expression, or
	// "OfFunc 1" for the first call of [Server.OfFunc]. So clients cannot add to it.
	Namespaces map[string]NamespaceStats
	// Refused counts the CONNECTs that were refused, by the rule that the log names.
	Refused map[string]uint64
	// Recovery is what each namespace keeps for recovery; nil without Config.ConnectionStateRecovery.
	Recovery map[string]RecoveryStats
	// Broker is the state of the broker that joins this server to others; nil without one.
	Broker *adapter.BrokerStats
}

// Stats returns what the server holds, summed over all connections.
//
// It takes time proportional to their number: call it every few seconds for a metrics page, not for
// each request. For one socket call Socket.Conn().Stats().
func (srv *Server) Stats() Stats {
	all := srv.server.Namespaces()
	sum := Stats{
		Connections: srv.engine.Stats(), Sockets: make(map[string]int), Namespaces: srv.namespaceStats(all),
		Refused: srv.log.Counts(connectRefused),
	}
	if b, ok := srv.BrokerStats(); ok {
		sum.Broker = &b
	}
	for _, n := range all {
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

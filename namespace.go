package socketio

import (
	"bytes"
	"cmp"
	"encoding/json"
	"regexp"
	"sync/atomic"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/namespace"
)

// Namespace is a set of sockets with handlers of their own, under one name. Get one from [Server.Of]. All methods
// are safe for concurrent use. What is registered applies to later events and sockets.
//
// Without an operator (To, In, Except, Local, Volatile, Compress, Timeout) every socket of the namespace is targeted.
type Namespace struct{ core }

// core is what a Namespace and a Server, which is its namespace "/", have in common.
type core struct {
	operator          // targets every socket
	namespaceHandlers // what was registered

	name        string
	adapter     adapter.Adapter
	ids         atomic.Uint64 // acknowledgement ids handed out
	recovery    *recovery     // nil: off
	otherEvents loopPolicy    // of events without handlers: listeners may hear them
	joins       loopPolicy    // of the connection handlers

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

// Len returns the number of sockets on this server, those included whose disconnect callbacks have not run yet.
func (n *Namespace) Len() int { return n.adapter.Len() }

// AllRooms returns the rooms that sockets on this server are in, those named after their ids included, in no particular order.
func (n *core) AllRooms() []string { return n.adapter.AllRooms() }

// RoomLen returns the number of sockets on this server in a room. Sockets count from shortly before they are connected until their
// OnDisconnecting functions have returned.
func (n *core) RoomLen(room string) int { return n.adapter.RoomLen(room) }

// nextID returns a fresh acknowledgement id: 0, 1, 2... for sockets and broadcasts alike.
func (n *Namespace) nextID() uint64 { return n.ids.Add(1) - 1 }

// Parent makes namespaces when clients ask for them: one for each name that it matches. A new namespace begins with what is
// registered on the parent at that moment; what is registered later does not reach it. Get one from [Server.OfRegexp] or
// [Server.OfFunc]. All methods are safe for concurrent use.
type Parent struct {
	namespaceHandlers // what its children begin with
	parentOperator    // targets the sockets of all children

	pattern *namespace.Pattern[*Namespace, *Parent]
}

// OfRegexp makes namespaces for the names that re matches anywhere; anchor it with ^ and $ to match whole names, the leading
// slash included. A namespace that [Server.Of] makes is its child too when the name matches.
func (srv *Server) OfRegexp(re *regexp.Regexp) *Parent {
	return srv.addParent(true, func(name string, _ json.RawMessage) bool { return re.MatchString(name) })
}

// OfFunc makes namespaces for the names that match accepts; auth is what the client sent with its CONNECT, or nil. It is called
// on the goroutine that reads the client's connection, so that it must not wait for anything: what has to be looked up belongs
// into a middleware. When it panics the name is not matched.
//
// Each name stays a namespace unless Config.CleanupEmptyChildNamespaces is set: do not accept whatever a client makes up.
func (srv *Server) OfFunc(match func(name string, auth json.RawMessage) bool) *Parent {
	return srv.addParent(false, func(name string, auth json.RawMessage) (yes bool) {
		srv.call(nil, "the function of OfFunc", func() { yes = match(name, bytes.Clone(auth)) }) // it may keep auth
		return yes
	})
}

func (srv *Server) addParent(explicit bool, match func(name string, auth json.RawMessage) bool) *Parent {
	p := new(Parent)
	p.server, p.p = srv, p
	p.pattern = srv.names.AddPattern(p, explicit, match)
	return p
}

// Children returns the namespaces that the parent made and that exist, in the order in which they were made.
func (p *Parent) Children() []*Namespace { return p.pattern.Children() }

// ParentOperator targets sockets of a parent's children. It is an immutable value. Sending is all that it can do: for
// acknowledgements, or to list sockets, go through [Parent.Children].
type ParentOperator struct{ parentOperator }

// parentOperator is what a Parent and a ParentOperator have in common.
type parentOperator struct {
	p  *Parent
	op Operator
}

// To adds rooms to those targeted, see [Operator.To].
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

// Volatile drops the event for each socket that cannot be written to at once.
func (o parentOperator) Volatile() ParentOperator {
	o.op = o.op.Volatile()
	return ParentOperator{o}
}

// Compress says whether the transport may compress the event, see [Operator.Compress].
func (o parentOperator) Compress(compress bool) ParentOperator {
	o.op = o.op.Compress(compress)
	return ParentOperator{o}
}

// Emit sends an event to the targeted sockets of every child, see [Operator.Emit]. The error is that of the first
// child that fails; the others are sent to all the same.
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

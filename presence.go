package socketio

import (
	"context"
	"fmt"

	"github.com/gosocketio/socketio/adapter"
)

// Count returns the number of sockets in one room, or in the namespace, on all servers. It does not ask
// them each time: they tell their numbers with each heartbeat, since the first Count or OnPresence in
// the cluster. Age says how old the numbers are: two heartbeats (10 s) at most. Those of this server are
// exact, and so is everything if there is no other one.
//
// It counts no sockets in the room named after a socket's id, unless they are on this server. Several
// rooms and Except need [Operator.FetchSockets], or Local: the error then matches [ErrUncounted], as for
// a room whose name is longer than 256 bytes. Servers that tell nothing, such as official ones, are in a
// [*MissingServersError], and the result is the number without them.
func (o operator) Count(ctx context.Context) (Counted, error) {
	if o.targetsNobody() {
		return Counted{}, nil
	}
	p, ok := o.ns.adapter.(adapter.Presence)
	if !ok {
		return Counted{}, fmt.Errorf("%w: Config.Adapter does not count them", ErrUncounted)
	}
	return p.Count(ctx, o.options)
}

// OnPresence adds functions that are called when a room gets its first socket in the cluster, and when it
// has lost its last one; off removes them. The rooms that have sockets already get FirstIn. Rooms named
// after the ids of their sockets are left out.
//
// They run one after the other, with no lock held: a change on this server is told at once, one on
// another server after a heartbeat at most, and the death of a server after HeartbeatTimeout (10 s). A
// room that changes back before it was told is not told. A panic is contained. OnPresence panics if
// Config.Adapter is one that does not count.
func (n *core) OnPresence(h PresenceHooks) (off func()) {
	p, ok := n.adapter.(adapter.Presence)
	if !ok {
		panic("socketio: OnPresence: Config.Adapter does not count sockets in the cluster")
	}
	return p.OnPresence(PresenceHooks{FirstIn: n.contained(h.FirstIn), LastOut: n.contained(h.LastOut)})
}

// contained returns a hook whose panic is contained.
func (n *core) contained(fn func(room string)) func(room string) {
	if fn == nil {
		return nil
	}
	return func(room string) { n.server.call(nil, "a hook", func() { fn(room) }) }
}

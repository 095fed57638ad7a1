package socketio

import (
	"errors"
	"slices"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/rooms"
)

// brokerRecovery is recovery on any server of a broker that keeps a log.
//
// Every event goes through the broker and comes back in the order of its log, with a position: the
// offset that clients know. So all servers have the same order. The broker also keeps the sessions,
// from the connect on: a server may die at any time.
type brokerRecovery struct {
	*recoveryState

	log   adapter.Log
	hooks rooms.Hooks

	// Guarded by mu.
	begun    string                    // position of the latest broadcast that selected its sockets
	sessions map[string]*brokerSession // by pid, until the final session is stored
	members  map[string]*brokerSession // those of connected sockets, by socket id
	store    sessionStore
}

func newBrokerRecovery(s *recoveryState, log adapter.Log) *brokerRecovery {
	r := &brokerRecovery{
		recoveryState: s, log: log,
		sessions: make(map[string]*brokerSession), members: make(map[string]*brokerSession),
	}
	r.hooks = rooms.Hooks{Join: r.joined, Leave: r.left}
	return r
}

// overBroker returns the namespace's recovery if it is over a broker, or nil.
func (n *Namespace) overBroker() *brokerRecovery {
	r, _ := n.recovery.(*brokerRecovery)
	return r
}

func (r *brokerRecovery) stats() RecoveryStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return RecoveryStats{
		Waiting: r.store.ended, WaitingBytes: r.store.bytes,
		Recovered: r.recovered, Refused: r.refused,
	}
}

// offsetOf returns the offset that a packet gets, "" for none, as in the official servers.
func offsetOf(p *adapter.Packet, f adapter.Flags) string {
	if f.Volatile || p.HasID {
		return ""
	}
	return p.Position
}

// queueAll queues a broadcast to its sockets. Those with a position come in the order of the log.
func (r *brokerRecovery) queueAll(
	list []adapter.Socket, p *adapter.Packet, o adapter.Options, sent *EmitInfo,
) ([]adapter.Socket, error) {
	if p.Position != "" {
		r.mu.Lock()
		r.begun = p.Position
		r.mu.Unlock()
	}
	list = r.ns.adapter.Select(list, o)
	if len(list) == 0 {
		return list, nil
	}
	offset := offsetOf(p, o.Flags)
	unit, err := r.ns.prepare(p, p.ID, p.HasID, offset)
	if err != nil {
		return list[:0], err
	}
	sent.Bytes = unit.Len()
	m, n := message(o.Flags, nil, unit), 0
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range list {
		s, ok := a.(*Socket)
		if !ok || p.HasID && !s.awaits(p.ID) {
			continue // asked by another server, for a socket that has moved here since
		}
		x := s.brokerSession()
		if len(o.Rooms) == 1 && o.Rooms[0] == s.id {
			sent.Socket = s
			if x != nil {
				x.arrived(p)
			}
		}
		if x != nil && !x.takesLocked(r, s, p.Position, offset, m) || !s.Connected() {
			continue
		}
		sent.count(s.write(engineio.OnFlush, m))
		list[n] = s
		n++
	}
	clear(list[n:])
	return list[:n], nil
}

// emit sends an event to one socket, or to the one that is recovered after it on any server.
func (r *brokerRecovery) emit(s *Socket, event string, args []any, f adapter.Flags) error {
	p := &adapter.Packet{Event: event, Args: args}
	direct, err := r.route(s, p, f)
	if direct {
		return r.emitDirect(s, p, f)
	}
	if err == nil {
		err = r.ns.adapter.Broadcast(p, adapter.Options{Rooms: []string{s.id}, Flags: f})
	}
	if err != nil && !errors.Is(err, adapter.ErrBroker) { // otherwise it was sent here, and the hook called
		r.unpend(s, p)
		s.emitted(event, 0, err)
	}
	return err
}

// route tells whether an event goes to the socket itself, because it is not in its own room.
func (r *brokerRecovery) route(s *Socket, p *adapter.Packet, f adapter.Flags) (direct bool, err error) {
	r.mu.Lock()
	joining, connected := s.joining(), s.Connected()
	x := s.brokerSession()
	waits := x != nil && x.reason.recoverable() && r.now() <= x.until && !f.Volatile
	if connected && x != nil && !f.Volatile {
		x.pend(p)
	}
	r.mu.Unlock()
	switch {
	case joining:
		return true, nil
	case connected:
		return !r.ns.adapter.In(s.id, s.id), nil
	case !waits:
		return false, ErrClosed
	}
	return false, nil
}

// emitDirect writes an event to a socket. To one that is joining it has the offset up to which its
// client has everything: clients take a string that is the last argument for an offset.
func (r *brokerRecovery) emitDirect(s *Socket, p *adapter.Packet, f adapter.Flags) error {
	r.mu.Lock()
	offset := ""
	if x := s.brokerSession(); x != nil && s.joining() {
		offset = x.knownLocked(r)
	}
	r.mu.Unlock()
	unit, err := r.ns.prepare(p, p.ID, p.HasID, offset)
	if err != nil {
		s.emitted(p.Event, 0, err)
		return err
	}
	s.showOutgoing(p.Event, p.Args)
	err = s.write(s.when(f), message(f, nil, unit))
	s.emitted(p.Event, unit.Len(), err)
	return err
}

// ask sends an event that wants an acknowledgement to a connected socket. It comes back too, so that
// it keeps its place among the others.
func (r *brokerRecovery) ask(s *Socket, id uint64, event string, args []any, f adapter.Flags) error {
	p := &adapter.Packet{Event: event, Args: args, ID: id, HasID: true}
	err := r.ns.adapter.Broadcast(p, adapter.Options{Rooms: []string{s.id}, Flags: f})
	if errors.Is(err, adapter.ErrBroker) {
		return nil // it has been sent to the socket, which is here
	}
	return err
}

// maxPending limits brokerSession.pending.
const maxPending = 64

// pend adds an event that is on its way to the broker and back.
func (x *brokerSession) pend(p *adapter.Packet) {
	if len(x.pending) == maxPending {
		x.pending = slices.Delete(x.pending, 0, 1)
	}
	x.pending = append(x.pending, p)
}

// unpend removes an event that could not be published.
func (r *brokerRecovery) unpend(s *Socket, p *adapter.Packet) {
	if x := s.brokerSession(); x != nil {
		r.mu.Lock()
		x.pending = slices.DeleteFunc(x.pending, func(o *adapter.Packet) bool { return o == p })
		r.mu.Unlock()
	}
}

// arrived drops p, and the events before it, from the pending ones.
func (x *brokerSession) arrived(p *adapter.Packet) {
	if len(x.pending) == 0 {
		return
	}
	name := p.Name()
	if i := slices.IndexFunc(x.pending, func(o *adapter.Packet) bool { return o.Event == name }); i >= 0 {
		x.pending = slices.Delete(x.pending, 0, i+1)
	}
}

// sendPending writes the events to a socket that have not come back from the broker yet. The server
// disconnects the socket, so that they would come too late.
func (s *Socket) sendPending() {
	r := s.ns.overBroker()
	x := s.brokerSession()
	if r == nil || x == nil {
		return
	}
	r.mu.Lock()
	pending := x.pending
	x.pending = nil
	r.mu.Unlock()
	for _, p := range pending {
		if unit, err := r.ns.prepare(p, 0, false, ""); err == nil {
			s.showOutgoing(p.Event, p.Args)
			_ = s.write(engineio.OnFlush, message(adapter.Flags{}, nil, unit)) // the DISCONNECT follows
		}
	}
}

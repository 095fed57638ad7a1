package socketio

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// savedSession is what outlives a socket when its connection breaks: the next socket of the same client takes it over.
// recovery.mu guards it.
type savedSession struct {
	pid string    // by which the client asks for it: a secret
	own [1]string // the id of its sockets, as the list of rooms that means them alone

	sent      positionSet
	start     uint64  // the log's position when the client connected: it missed nothing before
	holder    *Socket // the latest that has, or is about to have, or has not let go of it; nil while it waits
	connected *Socket // the one that is connected; nil while there is none

	*disconnectedState // nil while one is connected
}

// disconnectedState is what a session has besides from a socket's disconnect until the next one is connected.
type disconnectedState struct {
	position       uint64 // the log's position when it disconnected
	disconnectedAt time.Duration
	rooms          []string // the socket's
	values         []value

	// While the session waits.
	older, newer   *savedSession // in recovery.waiting
	cost           int
	keepsNamespace bool // counts as a visitor of its namespace
}

// newSavedSession is that of a socket which is not recovered.
func newSavedSession(s *Socket) *savedSession {
	return &savedSession{pid: newID(), own: [1]string{s.id}}
}

// id is that of the session's sockets.
func (x *savedSession) id() string { return x.own[0] }

// sessionOverhead is about what a session that waits costs besides its rooms and trail.
const sessionOverhead = 500

// sentUpTo is the position up to which all that the session was to be sent was sent to the last socket.
func (x *savedSession) sentUpTo() uint64 { return max(x.position, x.sent.last) }

// savedSessions are the sessions that wait, in the order in which they began to.
type savedSessions struct {
	oldest, newest *savedSession
	len            int
	bytes          int
}

func (l *savedSessions) add(x *savedSession) {
	x.cost = sessionOverhead + cap(x.sent.older)
	for _, room := range x.rooms {
		x.cost += len(room) + 16
	}
	x.older, x.newer = l.newest, nil
	if l.newest == nil {
		l.oldest = x
	} else {
		l.newest.newer = x
	}
	l.newest = x
	l.len++
	l.bytes += x.cost
}

func (l *savedSessions) remove(x *savedSession) {
	if x.older == nil {
		l.oldest = x.newer
	} else {
		x.older.newer = x.newer
	}
	if x.newer == nil {
		l.newest = x.older
	} else {
		x.newer.older = x.older
	}
	x.older, x.newer = nil, nil
	l.len--
	l.bytes -= x.cost
}

// recoverable are the reasons after which a client may come back: those that are nobody's decision, as in the official server.
func (r Reason) recoverable() bool {
	switch r {
	case ReasonTransportError, ReasonTransportClose, ReasonForcedClose, ReasonPingTimeout, ReasonServerShuttingDown, ReasonForcedServerClose:
		return true
	}
	return false
}

// find returns the session that a client asks for and the offset that it has, "" if none; nil when there is no such session,
// or not any more.
func (r *recovery) find(auth json.RawMessage) (x *savedSession, offset string) {
	pid, offset := claimed(auth)
	if pid == "" {
		return nil, ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	x = r.sessions[pid]
	if x == nil || x.holder == nil && r.now()-x.disconnectedAt > r.cfg.MaxDisconnectionDuration {
		r.refused++
		return nil, ""
	}
	return x, offset
}

// claimed returns the pid and the offset that a client sent with its CONNECT. An offset that is not a string is as bad as a
// wrong pid; none at all is that of a client that has received nothing yet.
func claimed(auth json.RawMessage) (pid, offset string) {
	var members map[string]json.RawMessage // not a struct, for which the case of names does not matter
	if json.Unmarshal(auth, &members) != nil || json.Unmarshal(members["pid"], &pid) != nil {
		return "", ""
	}
	if raw := members["offset"]; raw != nil && json.Unmarshal(raw, &offset) != nil {
		return "", ""
	}
	return pid, offset
}

// detach notes that the socket disconnects. After a reason that is somebody's decision the session is forgotten. The lock is held.
func (r *recovery) detachLocked(s *Socket, reason Reason) {
	x := s.lease.session
	if x.connected != s {
		return
	}
	x.connected = nil
	if x.disconnectedState == nil {
		x.disconnectedState = new(disconnectedState)
	}
	x.position, x.disconnectedAt = r.log.position(), r.now()
	if !reason.recoverable() {
		delete(r.sessions, x.pid)
	}
}

// saveRooms keeps the rooms of a socket that is about to leave them for good.
func (r *recovery) saveRooms(s *Socket) {
	rooms := r.ns.adapter.Rooms(s.id)
	r.mu.Lock()
	defer r.mu.Unlock()
	if x := s.lease.session; x.disconnectedState != nil { // else the server was shutting down when the socket connected
		x.rooms = rooms
	}
	s.lease.leftRooms.Store(true)
}

// releaseLease ends a socket's hold on its session, which waits from then on unless another socket wants it already. It reports
// whether the session takes over the socket's visit of the namespace.
func (r *recovery) releaseLease(s *Socket, reason Reason) (keepsNamespace bool) {
	s.mu.Lock()
	values := s.values
	s.mu.Unlock()
	var dropped []*savedSession
	r.mu.Lock()
	x := s.lease.session
	if s.lease.leftRooms.Load() && x.disconnectedState != nil { // it was connected
		x.values = values
		if !reason.recoverable() && r.sessions[x.pid] == x {
			delete(r.sessions, x.pid)
		}
	}
	if x.holder == s {
		x.holder = nil
		if r.sessions[x.pid] == x {
			keepsNamespace = !x.keepsNamespace
			x.keepsNamespace = true
			r.waiting.add(x)
			for r.waiting.bytes > r.cfg.MaxSessionBytes {
				dropped = append(dropped, r.dropOldest())
			}
			r.sweepLater()
		}
	}
	if s.lease.released != nil {
		close(s.lease.released)
	}
	r.mu.Unlock()
	r.leaveNamespace(dropped)
	return keepsNamespace
}

// dropOldest forgets the session that has waited for the longest. The lock is held.
func (r *recovery) dropOldest() *savedSession {
	x := r.waiting.oldest
	r.waiting.remove(x)
	delete(r.sessions, x.pid)
	return x
}

// leaveNamespace ends the visits of sessions that were forgotten.
func (r *recovery) leaveNamespace(dropped []*savedSession) {
	for range dropped {
		r.ns.server.leave(r.ns)
	}
}

// ErrReplaced is why a connection ends whose client was recovered on another one: the server had not noticed yet that this one
// is dead.
var ErrReplaced = errors.New("socketio: the client came back on another connection")

// replaceWait is how long a socket that is recovered waits until the one before it has run its disconnect callbacks. They
// come behind a handler that is running, which may block.
const replaceWait = 5 * time.Second

// restoration is a socket that is being recovered.
type restoration struct {
	offset string // as the client sent it
	begin  uint64 // the client has everything up to here

	rooms  map[string]struct{}
	at     uint64 // events up to here have been looked at
	missed []*engineio.Prepared
	bytes  int
	later  []uint64 // the positions of those of them that no socket was connected for
	reader positionReader
}

// assignSession gives a new socket its session: the one that its client asks for, or else a new one.
func (r *recovery) assignSession(s *Socket) {
	if x, offset := r.find(s.auth); x != nil {
		s.id = x.id()
		s.lease = &lease{session: x, recovered: true, restoration: &restoration{offset: offset}}
		return
	}
	s.lease = &lease{session: newSavedSession(s)}
}

// claimSession makes a session the socket's, once the socket before it is gone: its rooms and its values. It returns false when the session cannot be recovered any more.
func (r *recovery) claimSession(s *Socket) bool {
	x, to := s.lease.session, s.lease.restoration
	r.mu.Lock()
	if r.sessions[x.pid] != x {
		r.mu.Unlock()
		return false
	}
	before := x.holder
	x.holder = s
	if before == nil {
		r.waiting.remove(x)
	} else {
		before.lease.released = make(chan struct{})
	}
	r.mu.Unlock()
	if before != nil && !r.disconnectHolder(before) {
		return false
	}

	r.mu.Lock()
	if r.sessions[x.pid] != x {
		r.mu.Unlock()
		return false
	}
	to.begin = r.begin(x, to.offset)
	to.at = to.begin
	to.rooms = make(map[string]struct{}, len(x.rooms))
	for _, room := range x.rooms {
		to.rooms[room] = struct{}{}
	}
	to.reader = x.sent.reader()
	rooms, values := x.rooms, slices.Clone(x.values)
	there := to.begin >= r.log.lost
	r.mu.Unlock()

	s.mu.Lock()
	s.pendingRooms = slices.DeleteFunc(slices.Clone(rooms), func(room string) bool { return room == s.id })
	s.values = values
	s.mu.Unlock()
	return there
}

// disconnectHolder ends the socket that holds a session, with its connection, and waits until it has let go. It returns false when
// that takes too long.
func (r *recovery) disconnectHolder(before *Socket) bool {
	before.client.forget(before, false)
	before.close(ReasonForcedClose, ErrReplaced, 0)
	before.client.session.Discard(ErrReplaced)
	timer := time.NewTimer(replaceWait)
	defer timer.Stop()
	select {
	case <-before.lease.released:
		return true
	case <-timer.C:
		return false
	}
}

// begin returns up to which position the client of a session that has ended has everything. The lock is held.
func (r *recovery) begin(x *savedSession, offset string) uint64 {
	position, ok := r.log.parse(offset)
	if !ok || position < x.start {
		// Since it connected it has received nothing that had an offset, and all events have: it has none, or one of before.
		position = x.start
	}
	if position >= x.sent.last {
		position = max(position, x.position) // it has all that was sent before it was gone
	}
	return position
}

// finishRestore forgets what a session had for the next socket, which is connected now, and ends the visit of the namespace that it made
// while it waited.
func (r *recovery) finishRestore(s *Socket) {
	r.mu.Lock()
	x := s.lease.session
	keepsNamespace := x.keepsNamespace
	x.keepsNamespace = false
	if x.connected == s { // and has not disconnected again
		x.disconnectedState = nil
	}
	r.mu.Unlock()
	if keepsNamespace {
		r.ns.server.leave(r.ns)
	}
}

// collect looks through the log for what the client missed, a few events at a time so that nobody has to wait. It returns
// false when that is not there any more, or too much to send.
func (r *recovery) collect(s *Socket) bool {
	to := s.lease.restoration
	var chunk [512]*loggedEvent
	for n := len(chunk); n == len(chunk); {
		r.mu.Lock()
		if to.at < r.log.lost {
			r.mu.Unlock()
			return false
		}
		n = r.log.after(to.at, chunk[:])
		r.mu.Unlock()
		to.look(s.lease.session, chunk[:n])
	}
	// Half of what may wait for a client is left to what is sent meanwhile.
	return to.bytes <= r.ns.server.maxMissedBytes && len(to.missed) <= r.ns.server.maxMissedEvents
}

// look looks through the next events of the log.
func (to *restoration) look(x *savedSession, events []*loggedEvent) {
	for _, e := range events {
		to.at++
		var missed bool
		switch {
		case to.at > x.sentUpTo():
			missed = concerns(e.rooms, e.except, to.rooms)
			if missed {
				to.later = append(to.later, to.at)
			}
		case to.at > x.sent.from:
			missed = to.reader.has(to.at)
		default:
			missed = concerns(e.rooms, e.except, to.rooms) // what was sent is forgotten
		}
		if missed {
			to.missed = append(to.missed, e.unit)
			to.bytes += e.unit.Len()
		}
	}
}

// connectLocked makes the session one of a connected socket. It returns false when the socket is to be recovered and cannot be any
// more. The lock is held: what is sent from now on reaches the socket.
func (r *recovery) connectLocked(s *Socket) bool {
	if r.closed {
		return true // the server is shutting down
	}
	x, to := s.lease.session, s.lease.restoration
	if to == nil {
		x.holder = s
		x.start = r.log.position()
		x.sent = newPositionSet(x.start)
		r.sessions[x.pid] = x
	} else {
		if r.sessions[x.pid] != x || to.at < r.log.lost {
			return false
		}
		to.look(x, r.log.events[to.at-r.log.lost:])
		for _, position := range to.later {
			x.sent.add(position)
		}
	}
	x.connected = s
	if to != nil {
		r.recovered++
		last := r.arrivals
		*last = arrival{s, to.rooms, new(arrival)}
		r.arrivals = last.next
	}
	return true
}

// restartAsNew gives the recovery of a socket up: another one, with an id of its own, takes its place in the connection.
func (s *Socket) restartAsNew() {
	r, c := s.ns.recovery, s.client
	r.dropSession(s)
	fresh := c.newSocket(s.ns, s.auth)
	fresh.lease = &lease{session: newSavedSession(fresh)}
	fresh.connectCost, fresh.charged = s.connectCost, s.charged
	s.charged = false
	there := c.replaceSocket(s, fresh)
	s.close("", ErrClosed, 0)
	if !there {
		s.ns.server.leave(s.ns)
		fresh.refundConnect()
		return
	}
	s.ns.server.workers.begin()
	go fresh.work()
}

// dropSession forgets a session that its holder could not recover.
func (r *recovery) dropSession(s *Socket) {
	r.mu.Lock()
	r.refused++
	x := s.lease.session
	keepsNamespace := false
	if x.holder == s {
		x.holder = nil
		if r.sessions[x.pid] == x {
			delete(r.sessions, x.pid)
		}
		keepsNamespace, x.keepsNamespace = x.keepsNamespace, false
	}
	if s.lease.released != nil {
		close(s.lease.released)
	}
	r.mu.Unlock()
	if keepsNamespace {
		r.ns.server.leave(r.ns)
	}
}

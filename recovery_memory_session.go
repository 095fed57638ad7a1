package socketio

import (
	"container/list"
	"encoding/json"
	"slices"
	"time"
)

// savedSession outlives a socket whose connection broke: the client's next socket takes it over.
//
// recovery.mu guards it.
type savedSession struct {
	pid string    // as the lease's
	own [1]string // the id of its sockets, as the list of rooms that targets them alone

	sent      positionSet
	start     uint64  // the log's position when the client connected: it missed nothing before
	holder    *Socket // the latest socket with a lease; nil while the session waits
	connected *Socket // nil while there is none

	*disconnectedState // exists only while no socket is connected
}

// disconnectedState is a session's state from a disconnect until the next socket has connected.
type disconnectedState struct {
	position       uint64 // the log's position at the disconnect
	disconnectedAt time.Duration
	rooms          []string // the socket's
	values         []value

	// While the session waits.
	element        *list.Element // of recovery.waiting
	cost           int
	keepsNamespace bool // its namespace is not cleaned up
}

// restoration is the state of a socket that is being recovered.
type restoration struct {
	offset string // as the client sent it
	begin  uint64 // the client has everything up to here

	rooms  map[string]struct{}
	at     uint64   // events up to here have been read
	unsent []uint64 // positions of missed events that were never sent to a socket of the session
	reader positionReader
}

// newMemoryLease returns that of a socket that is not recovered.
func newMemoryLease(s *Socket) *lease {
	pid := newID()
	return &lease{pid: pid, session: &savedSession{pid: pid, own: [1]string{s.id}}}
}

// sentUpTo returns the position up to which each event for the session was sent to a socket.
func (x *savedSession) sentUpTo() uint64 { return max(x.position, x.sent.last) }

// savedSessionOverhead is the size of a waiting session besides its rooms and positions.
const savedSessionOverhead = 500

// savedSessions lists the waiting sessions, those that have waited for the longest first.
type savedSessions struct {
	list  list.List // of *savedSession
	bytes int
}

// oldest returns the session that has waited for the longest, or nil.
func (l *savedSessions) oldest() *savedSession {
	if e := l.list.Front(); e != nil {
		return e.Value.(*savedSession)
	}
	return nil
}

func (l *savedSessions) add(x *savedSession) {
	x.cost = savedSessionOverhead + cap(x.sent.older) + sizeOf(x.rooms)
	x.element = l.list.PushBack(x)
	l.bytes += x.cost
}

func (l *savedSessions) remove(x *savedSession) {
	l.list.Remove(x.element)
	l.bytes -= x.cost
}

// assign leases a new socket the session that its client asks for, or else a new one.
func (r *memoryRecovery) assign(s *Socket) {
	if x, offset := r.find(s.auth); x != nil {
		s.id = x.own[0]
		s.lease = &lease{pid: x.pid, session: x, recovered: true, restoration: &restoration{offset: offset}}
		return
	}
	s.lease = newMemoryLease(s)
}

// find returns the session that a client asks for, or nil, and the client's offset, "" if none.
func (r *memoryRecovery) find(auth json.RawMessage) (x *savedSession, offset string) {
	pid, offset := parseRecovery(auth)
	if pid == "" {
		return nil, ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	x = r.sessions[pid]
	if x == nil || x.holder == nil && r.now()-x.disconnectedAt > r.cfg.MaxDisconnectionDuration {
		r.countRefusedLocked()
		return nil, ""
	}
	return x, offset
}

// detachLocked records a disconnect. It drops the session unless the reason is recoverable.
func (r *memoryRecovery) detachLocked(s *Socket, reason Reason) {
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

// saveRooms saves the rooms of a socket that is about to leave them for good.
func (r *memoryRecovery) saveRooms(s *Socket) {
	rooms := r.ns.adapter.Rooms(s.id)
	r.mu.Lock()
	defer r.mu.Unlock()
	if x := s.lease.session; x.disconnectedState != nil { // nil if the socket connected during a shutdown
		x.rooms = rooms
	}
	s.lease.leftRooms.Store(true)
}

// release ends a socket's lease.
//
// The session waits from then on, unless another socket has claimed it. It returns whether the
// session keeps the namespace in the socket's place.
func (r *memoryRecovery) release(s *Socket, reason Reason) (keeps bool) {
	s.mu.Lock()
	values := s.values
	s.mu.Unlock()
	dropped := 0
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
			keeps = !x.keepsNamespace
			x.keepsNamespace = true
			r.waiting.add(x)
			for r.waiting.bytes > r.cfg.MaxSessionBytes {
				r.dropOldestLocked()
				dropped++
			}
			r.sweepLaterLocked()
		}
	}
	if s.lease.released != nil {
		close(s.lease.released)
	}
	r.mu.Unlock()
	r.leaveNamespace(dropped)
	return keeps
}

// dropOldestLocked drops the session that has waited for the longest.
//
// The caller must call leaveNamespace for it.
func (r *memoryRecovery) dropOldestLocked() {
	x := r.waiting.oldest()
	r.waiting.remove(x)
	delete(r.sessions, x.pid)
}

// claim is claimSession, or else a new socket takes the place of s.
func (r *memoryRecovery) claim(s *Socket) *Socket {
	if s.Recovered() && !r.claimSession(s) {
		return r.restart(s)
	}
	return s
}

// claimSession gives a session's rooms and values to the socket, once the one before it has ended.
//
// It returns false when the session cannot be recovered any more.
func (r *memoryRecovery) claimSession(s *Socket) bool {
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
	to.begin = r.beginLocked(x, to.offset)
	to.at = to.begin
	to.rooms = make(map[string]struct{}, len(x.rooms))
	for _, room := range x.rooms {
		to.rooms[room] = struct{}{}
	}
	to.reader = x.sent.reader()
	rooms, values := x.rooms, slices.Clone(x.values)
	complete := to.begin >= r.log.lost
	r.mu.Unlock()

	s.lease.leftOwn = !slices.Contains(rooms, s.id)
	s.mu.Lock()
	s.pendingRooms = slices.DeleteFunc(slices.Clone(rooms), func(room string) bool { return room == s.id })
	s.values = values
	s.mu.Unlock()
	return complete
}

// disconnectHolder closes a session holder's connection, and waits for the end of its lease.
//
// It returns false when that takes too long.
func (r *memoryRecovery) disconnectHolder(before *Socket) bool {
	before.replaced()
	timer := time.NewTimer(replaceTimeout)
	defer timer.Stop()
	select {
	case <-before.lease.released:
		return true
	case <-timer.C:
		return false
	}
}

// beginLocked returns the position up to which the client of a session has everything.
func (r *memoryRecovery) beginLocked(x *savedSession, offset string) uint64 {
	position, ok := r.log.parse(offset)
	if !ok || position < x.start {
		// All events have offsets, so the client has received none since it connected: it sent no
		// offset, or one from before.
		position = x.start
	}
	if position >= x.sent.last {
		position = max(position, x.position) // it has everything that was sent before the disconnect
	}
	return position
}

// collect reads the events that the client missed, a chunk at a time so that nobody waits for long.
//
// It returns false when some have been dropped, or there are too many to send.
func (r *memoryRecovery) collect(s *Socket, enter func()) bool {
	to := s.lease.restoration
	var chunk [64]loggedEvent
	for n := len(chunk); n == len(chunk); {
		r.mu.Lock()
		if to.at < r.log.lost {
			r.mu.Unlock()
			return false
		}
		n = r.log.after(to.at, chunk[:])
		r.mu.Unlock()
		for i := range n {
			s.lease.read(&chunk[i])
		}
	}
	missed := missedLimit{server: r.ns.server}
	for _, event := range s.lease.missed {
		missed.add(event)
	}
	if missed.exceeded() {
		return false
	}
	enter()
	return true
}

// read adds the next event in the log if the client missed it.
func (l *lease) read(e *loggedEvent) {
	x, to := l.session, l.restoration
	to.at++
	var missed bool
	switch {
	case to.at > x.sentUpTo():
		missed = targetsMember(e.rooms, e.except, to.rooms)
		if missed {
			to.unsent = append(to.unsent, to.at)
		}
	case to.at > x.sent.from:
		missed = to.reader.has(to.at)
	default:
		missed = targetsMember(e.rooms, e.except, to.rooms) // the positions sent are not known any more
	}
	if missed {
		l.missed = append(l.missed, e.prepared())
	}
}

// connectLocked connects the socket to its session: whatever is sent from now on reaches it.
//
// It returns false when the socket cannot be recovered any more.
func (r *memoryRecovery) connectLocked(s *Socket) bool {
	if r.closed {
		return true // the server is shutting down
	}
	x, to := s.lease.session, s.lease.restoration
	if to == nil {
		x.holder = s
		x.start = r.log.position()
		x.sent = newPositionSet(x.start)
		r.sessions[x.pid] = x
		x.connected = s
		return true
	}
	if r.sessions[x.pid] != x || to.at < r.log.lost {
		return false
	}
	for to.at < r.log.position() {
		s.lease.read(r.log.slot(int(to.at - r.log.lost)))
	}
	for _, position := range to.unsent {
		x.sent.add(position)
	}
	x.connected = s
	r.countRecoveredLocked()
	last := r.arrivals
	*last = arrival{s, to.rooms, new(arrival)}
	r.arrivals = last.next
	return true
}

// connected drops the session's state from before its socket connected.
func (r *memoryRecovery) connected(s *Socket) {
	if s.lease.restoration == nil {
		return
	}
	s.lease.restoration = nil
	r.mu.Lock()
	x := s.lease.session
	kept := x.keepsNamespace
	x.keepsNamespace = false
	if x.connected == s { // and has not disconnected again
		x.disconnectedState = nil
	}
	r.mu.Unlock()
	if kept {
		r.ns.server.leave(r.ns)
	}
}

// restart gives up the recovery of a socket.
func (r *memoryRecovery) restart(s *Socket) *Socket {
	r.dropSession(s)
	fresh := s.client.newSocket(s.ns, s.auth)
	fresh.lease = newMemoryLease(fresh)
	return fresh
}

// dropSession drops a session that its holder could not recover.
func (r *memoryRecovery) dropSession(s *Socket) {
	r.mu.Lock()
	r.countRefusedLocked()
	x := s.lease.session
	kept := false
	if x.holder == s {
		x.holder = nil
		if r.sessions[x.pid] == x {
			delete(r.sessions, x.pid)
		}
		kept, x.keepsNamespace = x.keepsNamespace, false
	}
	if s.lease.released != nil {
		close(s.lease.released)
	}
	r.mu.Unlock()
	if kept {
		r.ns.server.leave(r.ns)
	}
}

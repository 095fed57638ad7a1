package socketio

import (
	"encoding/json"
	"time"
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
func (r *recovery) detach(s *Socket, reason Reason) {
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

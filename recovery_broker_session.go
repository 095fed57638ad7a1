package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/refusal"
)

// brokerTimeout limits the wait for the broker when a client comes back, and when a session is
// stored.
const brokerTimeout = 5 * time.Second

// brokerSession is the session of a socket on this server. brokerRecovery.mu guards it.
type brokerSession struct {
	pid, sid   string
	generation int     // how often it was recovered
	socket     *Socket // nil once that has ended

	start  string // the position when the client connected: it missed nothing before
	ended  string // the position at the disconnect, "" before
	sent   string // the offset of the last event that was sent to it
	floor  string // events up to here have been sent already; "" from the first event after it
	stays  []stay // changes of rooms since
	taken  bool   // not to be stored: another server has it, or there is no room
	cost   int    // of the final session in store.bytes, 0 before
	until  time.Duration
	reason Reason // of the disconnect, "" before

	pending []*adapter.Packet // emitted to this socket alone and not back yet

	ticket *recoveryTicket    // until it is claimed
	back   *brokerRestoration // until the recovered socket has connected
	rooms  []string           // at the disconnect
	final  []byte             // the session to store after the disconnect; nil: none
	gone   chan struct{}      // closed when the final session is stored
	op     sessionOp          // the store's
}

// recoveryTicket is what a client sends to be recovered.
type recoveryTicket struct{ pid, offset string }

// brokerRestoration is the state of a socket that is being recovered.
type brokerRestoration struct {
	raw []byte // the session as the broker kept it

	// The worker's own.
	begin string // the client has everything up to here
	last  string // events up to here have been read
	sent  string // the offset of the last event that was missed
	in    map[string]struct{}
	limit missedLimit

	held      []heldEvent // what came meanwhile
	heldLimit missedLimit
}

type heldEvent struct {
	position, offset string
	m                engineio.Message
}

// stay is a time in a room: after the position from, "" since the connect, up to the position to, ""
// still.
type stay struct {
	room, from, to string
	at             time.Duration // of the last change
}

// maxStays limits brokerSession.stays. A room without a stay counts as at the disconnect, all the time.
const maxStays = 64

// brokerSession returns the socket's session with a broker, or nil.
func (s *Socket) brokerSession() *brokerSession {
	if s.lease == nil {
		return nil
	}
	return s.lease.broker
}

// assign leases a new socket a new session. What the client asks for is looked up later.
func (r *brokerRecovery) assign(s *Socket) {
	pid, offset := parseRecovery(s.auth)
	s.lease = r.newLease(s)
	if pid != "" && plain(pid) && plain(offset) {
		s.lease.broker.ticket = &recoveryTicket{pid, offset}
	}
}

// plain reports whether a text of a client can be a pid or an offset: it is looked up in the broker,
// and an offset goes into JSON as it is. Real pids have 20 bytes, positions up to 41.
func plain(text string) bool {
	const most = 64
	return len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '"' || r == '\\'
	})
}

func (r *brokerRecovery) newLease(s *Socket) *lease {
	x := &brokerSession{pid: newID(), sid: s.id, socket: s, gone: make(chan struct{})}
	return &lease{pid: x.pid, broker: x}
}

// claim looks up the session that the client asks for. If there is one, another socket with its id
// takes the place of s.
func (r *brokerRecovery) claim(s *Socket) *Socket {
	ticket := s.lease.broker.ticket
	s.lease.broker.ticket = nil
	if ticket == nil || !s.joining() { // the connection may have broken
		return s
	}
	other, err := r.take(s, ticket)
	if err != nil {
		r.mu.Lock()
		r.countRefusedLocked()
		r.mu.Unlock()
		r.blame(err)
		return s
	}
	return other
}

// errNoSession means that the broker has no such session.
var errNoSession = errors.New("no such session")

// blame reports why a client comes back as a new socket, unless that is the client's affair.
func (r *brokerRecovery) blame(err error) {
	for _, usual := range []error{errNoSession, errMissedTooMuch, adapter.ErrPosition} {
		if errors.Is(err, usual) {
			return
		}
	}
	r.warn("recovery", "clients come back as new sockets until the broker answers", err)
}

// warn reports an error of the broker, once a minute.
func (r *brokerRecovery) warn(rule, remedy string, err error) {
	srv := r.ns.server
	refused := &refusal.Refusal{Rule: rule, Remedy: remedy, Key: r.ns.name}
	srv.log.Write(context.Background(), "socketio: broker", refusal.Peer{Namespace: r.ns.name}, refused, err)
	hook(srv, srv.cfg.Hooks.Broker, BrokerInfo{Namespace: r.ns, Err: brokerError(err)})
}

// brokerError returns err as an error that matches ErrBroker.
func brokerError(err error) error {
	if errors.Is(err, adapter.ErrBroker) {
		return err
	}
	return fmt.Errorf("%w: %w", adapter.ErrBroker, err)
}

// take takes a session from the broker.
func (r *brokerRecovery) take(s *Socket, ticket *recoveryTicket) (*Socket, error) {
	ctx, cancel := context.WithTimeout(context.Background(), brokerTimeout)
	defer cancel()
	if err := r.endBefore(ctx, ticket.pid); err != nil {
		return nil, err
	}
	raw, err := r.log.TakeSession(ctx, ticket.pid)
	if err != nil {
		return nil, err
	}
	rec := new(sessionRecord)
	if raw == nil || json.Unmarshal(raw, rec) != nil {
		return nil, errNoSession
	}
	if rec.Go.Live {
		rec = r.handover(ctx, rec)
	}
	if rec.PID != ticket.pid || rec.SID == "" {
		return nil, errNoSession
	}
	begin, ok := rec.begin(ticket.offset, r.log)
	if !ok {
		return nil, errNoSession
	}
	other := s.client.newSocket(s.ns, s.auth)
	other.id = rec.SID
	x := &brokerSession{
		pid: rec.PID, sid: rec.SID, socket: other, gone: make(chan struct{}),
		generation: rec.Go.Generation + 1, start: rec.Go.Start, stays: rec.stays(r.now()),
		back: &brokerRestoration{
			raw: rec.encode(), begin: begin, last: begin, sent: rec.Go.Sent, in: make(map[string]struct{}, len(rec.Rooms)),
			limit: missedLimit{server: r.ns.server}, heldLimit: missedLimit{server: r.ns.server},
		},
	}
	if x.start == "" {
		x.start = begin
	}
	for _, room := range rec.Rooms {
		x.back.in[room] = struct{}{}
	}
	other.lease = &lease{pid: x.pid, recovered: true, leftOwn: !slices.Contains(rec.Rooms, rec.SID), broker: x}
	other.pendingRooms = slices.DeleteFunc(rec.Rooms, func(room string) bool { return room == rec.SID })
	other.lease.restored = rec.values()
	r.mu.Lock()
	r.sessions[x.pid] = x
	r.mu.Unlock()
	return other, nil
}

// endBefore ends the socket of a session on this server, if there is one, and waits until the broker
// has the session.
func (r *brokerRecovery) endBefore(ctx context.Context, pid string) error {
	r.mu.Lock()
	x := r.sessions[pid]
	var before *Socket
	if x != nil {
		before = x.socket
	}
	r.mu.Unlock()
	if x == nil {
		return nil
	}
	if before != nil {
		before.replaced()
	}
	select {
	case <-x.gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the socket before it has not ended: %w", context.Cause(ctx))
	}
}

// restart gives up the recovery of a socket.
func (r *brokerRecovery) restart(s *Socket) *Socket {
	r.mu.Lock()
	r.countRefusedLocked()
	s.lease.broker.socket = nil
	r.finishLocked(s.lease.broker) // the broker has it no more
	r.mu.Unlock()
	fresh := s.client.newSocket(s.ns, s.auth)
	fresh.lease = r.newLease(fresh)
	return fresh
}

// collect reads the log up to its end. What comes meanwhile is held back, from enter on.
func (r *brokerRecovery) collect(s *Socket, enter func()) bool {
	enter()
	x := s.lease.broker
	to := x.back
	ctx, cancel := context.WithTimeout(context.Background(), brokerTimeout)
	defer cancel()
	for m, err := range r.log.After(ctx, to.begin) {
		if err == nil {
			to.last = m.Position
			err = r.read(s, m)
		}
		if err != nil {
			r.blame(err)
			return false
		}
	}
	return true
}

// errMissedTooMuch means that a client missed more than it may be sent.
var errMissedTooMuch = errors.New("too much was missed")

// read adds an event of the log if the client missed it. What cannot be read no client has got.
func (r *brokerRecovery) read(s *Socket, m *adapter.Message) error {
	x, to := s.lease.broker, s.lease.broker.back
	if m.Type != adapter.MessageBroadcast || m.RequestID != "" || m.Options.Flags.Volatile ||
		!x.missed(r.log, m) || !readable(m) || m.Packet.HasID {
		return nil
	}
	if unit, err := r.ns.prepare(m.Packet, 0, false, m.Position); err == nil {
		s.lease.missed = append(s.lease.missed, unit)
		to.sent = m.Position
		to.limit.add(unit)
	}
	if to.limit.exceeded() {
		return errMissedTooMuch
	}
	return nil
}

// readable reads the rest of a broadcast.
func readable(m *adapter.Message) bool {
	return (m.Rest == nil || m.Rest(m) == nil) && m.Packet != nil
}

// missed tells whether an event of the log was for the session.
func (x *brokerSession) missed(log adapter.Log, m *adapter.Message) bool {
	in := func(room string) bool { return x.in(log, room, m.Position) }
	o := &m.Options
	return !slices.ContainsFunc(o.Except, in) && (len(o.Rooms) == 0 || slices.ContainsFunc(o.Rooms, in))
}

// in tells whether the session was in a room at a position.
func (x *brokerSession) in(log adapter.Log, room, position string) bool {
	known := false
	for i := range x.stays {
		y := &x.stays[i]
		if y.room != room {
			continue
		}
		known = true
		if (y.from == "" || log.ComparePositions(position, y.from) > 0) &&
			(y.to == "" || log.ComparePositions(position, y.to) <= 0) {
			return true
		}
	}
	_, is := x.back.in[room]
	return is && !known
}

// takesLocked tells whether an event is to be written to the session's socket now, and records that.
// It holds events back while the socket is being recovered, and drops those that its client has.
func (x *brokerSession) takesLocked(r *brokerRecovery, s *Socket, position, offset string, m engineio.Message) bool {
	switch {
	case x.back != nil:
		if !m.Volatile && !x.back.heldLimit.exceeded() {
			x.back.held = append(x.back.held, heldEvent{position, offset, m})
			x.back.heldLimit.add(m.Prepared)
		}
		return false
	case !s.Connected():
		return false
	case x.floor != "" && position != "":
		if r.log.ComparePositions(position, x.floor) <= 0 {
			return false
		}
		x.floor = ""
	}
	if offset != "" {
		x.sent = offset
	}
	return true
}

// knownLocked returns the position up to which the client of a joining socket has everything.
func (x *brokerSession) knownLocked(r *brokerRecovery) string {
	if x.back != nil {
		return x.back.begin
	}
	if x.sent == "" {
		x.sent = r.log.Reached()
	}
	return x.sent
}

// connectLocked connects the socket to its session.
func (r *brokerRecovery) connectLocked(s *Socket) bool {
	x := s.lease.broker
	if to := x.back; to != nil {
		if to.heldLimit.exceeded() {
			return false
		}
		x.sent, x.floor = to.sent, to.last
		for _, h := range to.held {
			if h.position != "" && r.log.ComparePositions(h.position, to.last) <= 0 {
				continue
			}
			_ = s.write(engineio.OnFlush, h.m) // held back until the CONNECT is there
			if h.offset != "" {
				x.sent = h.offset
			}
		}
		x.back = nil
		r.countRecoveredLocked()
	} else {
		x.start = r.log.Reached()
		r.sessions[x.pid] = x
	}
	r.members[x.sid] = x
	return true
}

// connected stores the session.
func (r *brokerRecovery) connected(s *Socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	within := holdbackTime // by then the connection handlers may have joined rooms
	if s.Recovered() {
		within = 0 // the broker has it no more
	}
	r.storeLocked(s.lease.broker, within)
}

// joined and left record a change of rooms.
func (r *brokerRecovery) joined(room, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.members[id]
	if x == nil {
		return
	}
	if from := r.log.Reached(); from != x.start {
		x.addStay(stay{room, from, "", r.now()})
	}
	r.storeLocked(x, storeInterval)
}

func (r *brokerRecovery) left(room, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.members[id]
	if x == nil {
		return
	}
	to := r.log.Reached()
	if r.begun != "" && r.log.ComparePositions(r.begun, to) > 0 {
		to = r.begun // it may have been sent to the socket
	}
	open := func(y stay) bool { return y.room == room && y.to == "" }
	if i := slices.IndexFunc(x.stays, open); i >= 0 {
		x.stays[i].to, x.stays[i].at = to, r.now()
	} else {
		x.addStay(stay{room, "", to, r.now()})
	}
	r.storeLocked(x, storeInterval)
}

func (x *brokerSession) addStay(y stay) {
	if len(x.stays) == maxStays {
		x.stays = slices.Delete(x.stays, 0, 1)
	}
	x.stays = append(x.stays, y)
}

// valueChanged is called when a shared value of a socket has changed.
func (r *brokerRecovery) valueChanged(s *Socket) {
	x := s.brokerSession()
	if x == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[x.sid] == x {
		r.storeLocked(x, storeInterval)
	}
}

// detachLocked records a disconnect.
func (r *brokerRecovery) detachLocked(s *Socket, reason Reason) {
	x := s.lease.broker
	x.reason, x.ended = reason, r.log.Reached()
	x.until = r.now() + r.cfg.MaxDisconnectionDuration
	if reason.recoverable() {
		x.pending = nil // they will come to the socket after this one
	}
}

// saveRooms saves the rooms of a socket that is about to leave them for good.
func (r *brokerRecovery) saveRooms(s *Socket) {
	in := r.ns.adapter.Rooms(s.id)
	r.mu.Lock()
	defer r.mu.Unlock()
	x := s.lease.broker
	x.rooms = in
	if r.members[x.sid] == x {
		delete(r.members, x.sid)
	}
	s.lease.leftRooms.Store(true)
}

// release ends a socket's lease: the broker keeps the session if the client may come back.
func (r *brokerRecovery) release(s *Socket, reason Reason) (keeps bool) {
	x := s.lease.broker
	var final []byte
	if reason.recoverable() && s.lease.leftRooms.Load() {
		final = r.record(s, x, x.rooms, false)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	x.socket = nil
	if r.sessions[x.pid] != x { // it never connected
		return false
	}
	if x.back != nil { // it was not recovered: as it was
		final, x.until = x.back.raw, r.now()+r.cfg.MaxDisconnectionDuration
	}
	if r.store.bytes+savedSessionOverhead+len(final) > r.cfg.MaxSessionBytes {
		x.taken, final = true, nil // the broker does not take them: it keeps what it has
	}
	x.final, x.cost = final, savedSessionOverhead+len(final)
	r.store.bytes += x.cost
	r.store.ended++
	r.storeLocked(x, 0)
	return true
}

// close stops what the store has begun. Every session is stored: workers did that.
func (r *brokerRecovery) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.store.closed = true
	if r.store.timer != nil {
		r.store.timer.Stop()
	}
}

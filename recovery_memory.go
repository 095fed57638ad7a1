package socketio

import (
	"bytes"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
)

// memoryRecovery is recovery in the memory of this process: the event log and the sessions.
//
// Under its lock an event gets its position in the log and is queued to its sockets. So each socket
// gets events in the order of the log, and one offset tells everything that its client has.
type memoryRecovery struct {
	*recoveryState

	// Guarded by mu.
	log      eventLog
	sessions map[string]*savedSession // by pid
	waiting  savedSessions            // those that no socket holds
	sweeping bool                     // timer is set
	closed   bool
	timer    *time.Timer // nil until the first sweep
	arrivals *arrival    // the next one, still empty
}

// arrival is a recovered socket that has just connected.
//
// A broadcast selects its sockets without the lock, and finds those that connected meanwhile by
// following next.
type arrival struct {
	socket *Socket
	rooms  map[string]struct{}
	next   *arrival
}

func newMemoryRecovery(s *recoveryState) *memoryRecovery {
	return &memoryRecovery{
		recoveryState: s, log: eventLog{epoch: newEpoch()},
		sessions: make(map[string]*savedSession), arrivals: new(arrival),
	}
}

func (r *memoryRecovery) stats() RecoveryStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return RecoveryStats{
		Waiting: r.waiting.list.Len(), WaitingBytes: r.waiting.bytes,
		Events: r.log.count, EventBytes: r.log.bytes,
		Recovered: r.recovered, Refused: r.refused,
	}
}

// encode encodes an event in x. Its offset is still zero: placeLocked writes it.
//
// One for many sockets, and a large one, leaves x: the log and all queues share it.
func (r *memoryRecovery) encode(x *scratch, p *adapter.Packet, many bool) (e offsetEvent, err error) {
	frames, at, err := x.event(r.ns.name, p, r.log.epoch)
	if err != nil {
		return e, err
	}
	if many || len(frames) > maxPackedEvent {
		frames = bytes.Clone(frames)
		e.unit = engineio.Prepare(frames)
	}
	e.frames, e.digits = frames, frames[at:at+len(zeroDigits)]
	return e, nil
}

// offsetEvent is an encoded event and the digits of its offset.
type offsetEvent struct {
	frames []byte
	unit   *engineio.Prepared // has the frames when they are shared; otherwise nil
	digits []byte
}

// message returns the engine's message of the event.
func (e offsetEvent) message(f adapter.Flags) engineio.Message {
	if e.unit != nil {
		return message(f, nil, e.unit)
	}
	return message(f, e.frames, nil)
}

// queueAll gives a broadcast its position in the log and queues it to its sockets.
func (r *memoryRecovery) queueAll(
	list []adapter.Socket, p *adapter.Packet, o adapter.Options, sent *EmitInfo,
) ([]adapter.Socket, error) {
	late, somebody := r.audience()
	if !somebody {
		return list, nil
	}
	list = r.ns.adapter.Select(list, o)
	x := r.ns.server.takeScratch()
	e, err := r.encode(x, p, true)
	x.release()
	if err != nil {
		return list[:0], err
	}
	sent.Bytes = len(e.frames)
	return r.queueTo(list, late, e, o, sent), nil
}

// audience reports whether a broadcast can reach anybody. Later sockets follow late.
func (r *memoryRecovery) audience() (late *arrival, somebody bool) {
	r.mu.Lock()
	late, somebody = r.arrivals, len(r.sessions) > 0
	r.mu.Unlock()
	return late, somebody || r.ns.adapter.Len() > 0
}

// queueTo queues a broadcast to the sockets of list and those that follow late. It returns them.
func (r *memoryRecovery) queueTo(
	list []adapter.Socket, late *arrival, e offsetEvent, o adapter.Options, sent *EmitInfo,
) []adapter.Socket {
	r.mu.Lock()
	defer r.mu.Unlock()
	stored := !o.Flags.Volatile && len(r.sessions) > 0
	position := r.placeLocked(e, stored, o.Rooms, o.Except)
	for ; late.next != nil; late = late.next {
		if stored && targetsMember(o.Rooms, o.Except, late.rooms) {
			list = append(list, late.socket) // it read the log before this event was in it
		}
	}
	m, n := e.message(o.Flags), 0
	for _, a := range list {
		s, ok := a.(*Socket)
		if !ok || !s.Connected() || stored && s.lease != nil && !s.lease.session.sent.add(position) {
			continue
		}
		sent.count(s.write(engineio.OnFlush, m))
		list[n] = s
		n++
	}
	clear(list[n:])
	return list[:n]
}

// placeLocked writes the event's offset: a new position if it is stored, otherwise the last one.
func (r *memoryRecovery) placeLocked(e offsetEvent, stored bool, rooms, except []string) (position uint64) {
	position = r.log.position()
	if stored {
		position++
	}
	putDigits(e.digits, position)
	if stored {
		r.log.add(e, rooms, except, r.now(), r.cfg.MaxEventBytes)
		r.sweepLaterLocked()
	}
	return position
}

// emit sends an event to one socket.
func (r *memoryRecovery) emit(s *Socket, event string, args []any, f adapter.Flags) error {
	x := r.ns.server.takeScratch()
	defer x.release()
	e, err := r.encode(x, &adapter.Packet{Event: event, Args: args}, false)
	if err != nil {
		s.emitted(event, 0, err)
		return err
	}
	to, err := r.queue(s, e, f)
	if to != nil {
		to.showOutgoing(event, args)
		to.flush(to.when(f))
	}
	if to != nil || err != nil {
		s.emitted(event, len(e.frames), err)
	}
	return err
}

// queue queues an event to a socket and returns that socket; the caller must flush it.
//
// If s has disconnected, that is the socket recovered after it, or nil if there is none yet.
func (r *memoryRecovery) queue(s *Socket, e offsetEvent, f adapter.Flags) (to *Socket, err error) {
	m := e.message(f)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case s.joining():
		// The client will not ask for it again: it does not know the session yet, or gets it behind
		// what it missed.
		putDigits(e.digits, r.knownLocked(s))
		return s, s.write(engineio.OnFlush, m)
	case s.lease == nil:
		r.placeLocked(e, false, nil, nil)
		return s, s.write(engineio.OnFlush, m)
	}
	x := s.lease.session
	to = s
	if !s.Connected() {
		if r.sessions[x.pid] != x {
			return nil, ErrClosed
		}
		to = x.connected
	}
	stored := !f.Volatile && !r.closed
	position := r.placeLocked(e, stored, x.own[:], nil)
	if to != nil {
		err = to.write(engineio.OnFlush, m)
	}
	if stored && to != nil {
		x.sent.add(position)
	}
	if stored || to == nil {
		err = nil // it is in the log, or it is volatile and there is no socket
	}
	return to, err
}

// knownLocked returns the position up to which the client of a joining socket has everything.
func (r *memoryRecovery) knownLocked(s *Socket) uint64 {
	if s.lease != nil && s.lease.restoration != nil {
		return s.lease.restoration.begin
	}
	return r.log.position()
}

// sweepLaterLocked schedules a sweep.
func (r *memoryRecovery) sweepLaterLocked() {
	if !r.sweeping && !r.closed {
		r.sweeping = true
		wait := max(r.cfg.MaxDisconnectionDuration/4, time.Second)
		if r.timer == nil {
			r.timer = time.AfterFunc(wait, r.sweep)
		} else {
			r.timer.Reset(wait)
		}
	}
}

// sweep drops the sessions and events that are too old.
func (r *memoryRecovery) sweep() {
	dropped := 0
	r.mu.Lock()
	now := r.now()
	for x := r.waiting.oldest(); x != nil; x = r.waiting.oldest() {
		if now-x.disconnectedAt <= r.cfg.MaxDisconnectionDuration {
			break
		}
		r.dropOldestLocked()
		dropped++
	}
	// A connection may have been dead for a while before that was noticed.
	r.log.expire(now - r.cfg.MaxDisconnectionDuration - r.ns.server.unnoticed)
	r.sweeping = false
	if r.waiting.list.Len() > 0 || r.log.count > 0 {
		r.sweepLaterLocked()
	}
	r.mu.Unlock()
	if dropped > 0 && r.ns.server.cfg.CleanupEmptyChildNamespaces {
		r.leaveLater(dropped)
	}
}

// close drops everything.
func (r *memoryRecovery) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.sessions, r.waiting = nil, savedSessions{}
	r.log.clear()
	if r.timer != nil {
		r.timer.Stop()
	}
}

package socketio

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/protocol"
)

// Defaults of ConnectionStateRecovery.
const (
	DefaultMaxDisconnectionDuration = 2 * time.Minute
	DefaultMaxEventBytes            = 16 << 20
	DefaultMaxSessionBytes          = 32 << 20
)

// ConnectionStateRecovery lets clients whose connection broke return as the same socket.
//
// The socket keeps its id, rooms and values ([Socket.SetValue]), and the client gets the events
// that it missed before it gets to know that it is connected. All of that is in the memory of this
// process and lost with it. The zero value has the official defaults and safe limits.
//
// A client that cannot be recovered becomes a new socket, as without recovery: it was away for too
// long, too much was sent meanwhile, or the server was restarted. Its socket.recovered is false,
// and so is [Socket.Recovered]. A client that left, or that the server disconnected, is never
// recovered.
//
// Each event gets one more argument, a string: the offset. Clients before Socket.IO 4.6 pass it on
// to the application.
type ConnectionStateRecovery struct {
	// MaxDisconnectionDuration is how long a client may be away. Default 2 min.
	MaxDisconnectionDuration time.Duration
	// RunMiddlewares runs the namespace's middlewares for recovered sockets too. By default they are
	// skipped: they have admitted this client before. (The official option is skipMiddlewares.)
	RunMiddlewares bool
	// MaxEventBytes limits the log of events in each namespace, in bytes as sent and about 200 for
	// each event. Beyond it the oldest are dropped, but not the latest, whatever its size; a client
	// that missed one of them becomes a new socket. Default 16 MiB.
	MaxEventBytes int
	// MaxSessionBytes limits the sessions of clients that are away in each namespace: about 500 bytes
	// for each, and their rooms. Values kept with a socket do not count. Beyond it the sessions that
	// have been away for the longest are dropped. Default 32 MiB.
	MaxSessionBytes int
}

// withDefaults returns c with its zero fields set, or an error that names the invalid field.
func (c ConnectionStateRecovery) withDefaults(p protocol.Parser) (ConnectionStateRecovery, error) {
	const in = "ConnectionStateRecovery."
	err := cmp.Or(
		setDefault(in+"MaxDisconnectionDuration", &c.MaxDisconnectionDuration, DefaultMaxDisconnectionDuration),
		setDefault(in+"MaxEventBytes", &c.MaxEventBytes, DefaultMaxEventBytes),
		setDefault(in+"MaxSessionBytes", &c.MaxSessionBytes, DefaultMaxSessionBytes),
	)
	if err != nil || p == nil {
		return c, err
	}
	// Offsets are written into encoded packets: the parser must show them.
	offset := "offset" + zeroDigits
	messages, err := p.Encode([]byte(`2["event",1,"`+offset+`"]`), nil)
	if err == nil && (len(messages) == 0 || bytes.Count(messages[0].Data, []byte(offset)) != 1) {
		err = errors.New("it must write strings of letters and digits as they are")
	}
	if err != nil {
		return c, fmt.Errorf("%w: Parser does not go with ConnectionStateRecovery: %w", ErrConfig, err)
	}
	return c, nil
}

// RecoveryStats is what a namespace keeps for [ConnectionStateRecovery].
type RecoveryStats struct {
	// Waiting is the number of clients that are away and may be recovered.
	Waiting int
	// WaitingBytes is what their sessions take, as ConnectionStateRecovery.MaxSessionBytes counts.
	WaitingBytes int
	// Events is the number of events in the log. EventBytes is their size, as MaxEventBytes counts.
	Events, EventBytes int
	// Recovered counts the sockets recovered since the namespace was made. Refused counts the
	// attempts that failed.
	Recovered, Refused uint64
}

// RecoveryStats returns what the namespace keeps for recovery; ok is false when recovery is off.
func (n *Namespace) RecoveryStats() (s RecoveryStats, ok bool) {
	r := n.recovery
	if r == nil {
		return s, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return RecoveryStats{
		Waiting: r.waiting.list.Len(), WaitingBytes: r.waiting.bytes,
		Events: len(r.log.events), EventBytes: r.log.bytes,
		Recovered: r.recovered, Refused: r.refused,
	}, true
}

// recovery is a namespace's state for connection state recovery: the event log and the sessions.
//
// Under its lock an event gets its position in the log and is queued to its sockets. So each socket
// gets events in the order of the log, and one offset tells everything that its client has.
type recovery struct {
	ns    *Namespace
	cfg   ConnectionStateRecovery
	began time.Time

	mu       sync.Mutex
	log      eventLog
	sessions map[string]*savedSession // by pid
	waiting  savedSessions            // those that no socket holds
	sweeping bool                     // timer is set
	closed   bool
	timer    *time.Timer // nil until the first sweep
	arrivals *arrival    // the next one, still empty

	recovered, refused uint64 // sockets so far
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

func newRecovery(ns *Namespace, c ConnectionStateRecovery) *recovery {
	return &recovery{
		ns: ns, cfg: c, began: time.Now(), log: eventLog{epoch: newEpoch()},
		sessions: make(map[string]*savedSession), arrivals: new(arrival),
	}
}

func (r *recovery) now() time.Duration { return time.Since(r.began) }

// encode encodes an event. Its offset is still zero: placeLocked writes it.
func (r *recovery) encode(p *adapter.Packet) (e offsetEvent, err error) {
	x := r.ns.server.takeScratch()
	defer x.release()
	frames, at, err := x.event(r.ns.name, p, r.log.epoch)
	if err != nil {
		return e, err
	}
	frames = bytes.Clone(frames)
	return offsetEvent{engineio.Prepare(frames), frames[at : at+len(zeroDigits)]}, nil
}

// offsetEvent is an encoded event and the digits of its offset.
type offsetEvent struct {
	unit   *engineio.Prepared
	digits []byte
}

// audience reports whether a broadcast can reach anybody. Later sockets follow late.
func (r *recovery) audience() (late *arrival, somebody bool) {
	r.mu.Lock()
	late, somebody = r.arrivals, len(r.sessions) > 0
	r.mu.Unlock()
	return late, somebody || r.ns.adapter.Len() > 0
}

// queueAll gives a broadcast its position in the log and queues it to its sockets.
//
// These are the sockets of list and those that follow late. It returns them; the caller must flush
// them.
func (r *recovery) queueAll(
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
	m, n := message(o.Flags, nil, e.unit), 0
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
func (r *recovery) placeLocked(e offsetEvent, stored bool, rooms, except []string) (position uint64) {
	position = r.log.position()
	if stored {
		position = r.log.add(newLoggedEvent(e.unit, rooms, except, r.now()), r.cfg.MaxEventBytes)
		r.sweepLaterLocked()
	}
	putDigits(e.digits, position)
	return position
}

// emitRecovered is emit with recovery.
func (s *Socket) emitRecovered(event string, args []any, f adapter.Flags) error {
	e, err := s.ns.recovery.encode(&adapter.Packet{Event: event, Args: args})
	if err != nil {
		s.emitted(event, 0, err)
		return err
	}
	to, err := s.ns.recovery.queue(s, e, f)
	if to != nil {
		to.showOutgoing(event, args)
		to.flush(to.when(f))
	}
	if to != nil || err != nil {
		s.emitted(event, e.unit.Len(), err)
	}
	return err
}

// queue queues an event to a socket and returns that socket; the caller must flush it.
//
// If s has disconnected, that is the socket recovered after it, or nil if there is none yet.
func (r *recovery) queue(s *Socket, e offsetEvent, f adapter.Flags) (to *Socket, err error) {
	m := message(f, nil, e.unit)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case s.joining():
		// The client will not ask for it again: it does not know the session yet, or gets it behind
		// what it missed.
		putDigits(e.digits, s.knownLocked())
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
func (s *Socket) knownLocked() uint64 {
	if s.lease != nil && s.lease.restoration != nil {
		return s.lease.restoration.begin
	}
	return s.ns.recovery.log.position()
}

// sweepLaterLocked schedules a sweep.
func (r *recovery) sweepLaterLocked() {
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
func (r *recovery) sweep() {
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
	if r.waiting.list.Len() > 0 || len(r.log.events) > 0 {
		r.sweepLaterLocked()
	}
	r.mu.Unlock()
	if dropped > 0 && r.ns.server.cfg.CleanupEmptyChildNamespaces {
		// The last one closes the adapter, which may take a while.
		workers := &r.ns.server.workers
		workers.begin()
		go func() {
			defer workers.end()
			r.leaveNamespace(dropped)
		}()
	}
}

// close drops everything.
func (r *recovery) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.sessions, r.waiting = nil, savedSessions{}
	r.log.lost, r.log.events, r.log.bytes = r.log.position(), nil, 0
	if r.timer != nil {
		r.timer.Stop()
	}
}

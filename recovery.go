package socketio

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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

// ConnectionStateRecovery lets clients whose connection broke come back as the same socket: with its id, its rooms, its values
// ([Socket.SetValue]) and the events that they missed, which reach them before they hear that they are connected. What that
// takes is kept in the memory of this process and is gone with it. The zero value has the official defaults and safe limits.
//
// A client that cannot be recovered - it was away for too long, too much was sent meanwhile, the server was started anew - is
// a new socket, as it would be without recovery. It can tell: its socket.recovered is false, and so is [Socket.Recovered].
// Nobody is recovered who left, or whom the server disconnected.
//
// Each event has one more argument then, which clients before Socket.IO 4.6 do not hide: a string, the offset.
type ConnectionStateRecovery struct {
	// MaxDisconnectionDuration is how long a client may be away. Default 2 min.
	MaxDisconnectionDuration time.Duration
	// RunMiddlewares runs the namespace's middlewares for recovered sockets too (skipMiddlewares: false of the official
	// server). By default they are skipped: they have let this client in before.
	RunMiddlewares bool
	// MaxEventBytes limits what each namespace keeps of the events that clients may have missed, in bytes as they are sent,
	// and some 200 for each. Beyond it the oldest are forgotten, and clients that missed these are not recovered. Default 16
	// MiB.
	MaxEventBytes int
	// MaxSessionBytes limits what each namespace keeps of clients that are away, in bytes: about 500 for each, and their
	// rooms; values that the application keeps with a socket are not counted. Beyond it those are forgotten that have been
	// away for the longest. Default 32 MiB.
	MaxSessionBytes int
}

// withDefaults returns c with its zero fields filled in, or an error that names the field that cannot work.
func (c ConnectionStateRecovery) withDefaults(p protocol.Parser) (ConnectionStateRecovery, error) {
	if c.MaxDisconnectionDuration < 0 {
		return c, fmt.Errorf("%w: ConnectionStateRecovery.MaxDisconnectionDuration is %v, it must not be negative", ErrConfig, c.MaxDisconnectionDuration)
	}
	if c.MaxDisconnectionDuration == 0 {
		c.MaxDisconnectionDuration = DefaultMaxDisconnectionDuration
	}
	for _, n := range []struct {
		name string
		v    *int
		def  int
	}{
		{"MaxEventBytes", &c.MaxEventBytes, DefaultMaxEventBytes},
		{"MaxSessionBytes", &c.MaxSessionBytes, DefaultMaxSessionBytes},
	} {
		if *n.v < 0 {
			return c, fmt.Errorf("%w: ConnectionStateRecovery.%s is %d, it must not be negative", ErrConfig, n.name, *n.v)
		}
		if *n.v == 0 {
			*n.v = n.def
		}
	}
	if p != nil {
		return c, checkParser(p)
	}
	return c, nil
}

// checkParser refuses a parser whose packets do not show the offset, which is written into packets that are encoded already.
func checkParser(p protocol.Parser) error {
	offset := "offset" + zeroDigits
	messages, err := p.Encode([]byte(`2["event",1,"`+offset+`"]`), nil)
	if err == nil && (len(messages) == 0 || bytes.Count(messages[0].Data, []byte(offset)) != 1) {
		err = fmt.Errorf("it must write strings of letters and digits as they are")
	}
	if err != nil {
		return fmt.Errorf("%w: Parser does not go with ConnectionStateRecovery: %w", ErrConfig, err)
	}
	return nil
}

// RecoveryStats is what a namespace keeps for clients that may come back ([ConnectionStateRecovery]).
type RecoveryStats struct {
	// Waiting is the number of clients that are away and may be recovered.
	Waiting int
	// WaitingBytes is what is kept of them, as ConnectionStateRecovery.MaxSessionBytes counts it.
	WaitingBytes int
	// Events is the number of events that are kept, and EventBytes what they take, as MaxEventBytes counts it.
	Events, EventBytes int
	// Recovered is how many sockets have been recovered since the namespace was made, Refused how many were asked for in vain: their
	// clients are new sockets.
	Recovered, Refused uint64
}

// RecoveryStats returns what the namespace keeps for clients that may come back; ok is false when it keeps nothing, because
// recovery is off.
func (n *Namespace) RecoveryStats() (s RecoveryStats, ok bool) {
	r := n.recovery
	if r == nil {
		return s, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return RecoveryStats{
		Waiting: r.waiting.len, WaitingBytes: r.waiting.bytes,
		Events: len(r.log.events), EventBytes: r.log.bytes,
		Recovered: r.recovered, Refused: r.refused,
	}, true
}

// recovery is a namespace's part of connection state recovery: the log of what was sent, and the sessions.
//
// Its lock makes one moment of what must be one: an event gets its place in the log and is queued to the sockets that it is
// for. So each socket gets events in the order of the log, and an offset tells all that its client has.
type recovery struct {
	ns    *Namespace
	cfg   ConnectionStateRecovery
	began time.Time

	mu       sync.Mutex
	log      eventLog
	sessions map[string]*savedSession // by pid
	waiting  savedSessions            // those of them that no socket holds
	sweeping bool                     // timer is set
	closed   bool
	timer    *time.Timer // nil until the first sweep
	arrivals *arrival    // the next one, which is empty

	recovered, refused uint64 // sockets so far
}

// arrival is a recovered socket that has just been connected. A broadcast selects its sockets without the lock; what arrives
// meanwhile it finds by following next.
type arrival struct {
	socket *Socket
	rooms  map[string]struct{}
	next   *arrival
}

// lease is a socket's place in its session; sockets have one when their namespace recovers them.
type lease struct {
	session     *savedSession
	recovered   bool
	leftRooms   atomic.Bool // it has left its rooms for good: they may be another socket's by now
	released    chan struct{}
	restoration *restoration // until it is connected, when it is recovered
}

func newRecovery(ns *Namespace, c ConnectionStateRecovery) *recovery {
	return &recovery{ns: ns, cfg: c, began: time.Now(), log: eventLog{epoch: newEpoch()}, sessions: make(map[string]*savedSession), arrivals: new(arrival)}
}

func (r *recovery) now() time.Duration { return time.Since(r.began) }

// Recovered tells whether the socket has been recovered ([ConnectionStateRecovery]): it has the id, the rooms and the values of a
// socket before it, and its client has the events that it missed, or is about to.
func (s *Socket) Recovered() bool { return s.lease != nil && s.lease.recovered }

// encode makes an event whose offset is to be written by put.
func (r *recovery) encode(event string, args []any) (e offsetEvent, err error) {
	x := r.ns.server.takeScratch()
	defer x.release()
	frames, at, err := x.event(r.ns.name, event, args, r.log.epoch)
	if err != nil {
		return e, err
	}
	frames = bytes.Clone(frames)
	return offsetEvent{engineio.Prepare(frames), frames[at : at+len(zeroDigits)]}, nil
}

// offsetEvent is an encoded event, with the place of its offset's digits.
type offsetEvent struct {
	unit   *engineio.Prepared
	digits []byte
}

// deliver is host.Deliver.
func (r *recovery) deliver(p *adapter.Packet, o adapter.Options) error {
	r.mu.Lock()
	deserted, late := len(r.sessions) == 0, r.arrivals
	r.mu.Unlock()
	if deserted && r.ns.adapter.Len() == 0 {
		return nil
	}
	sent := EmitInfo{Namespace: r.ns, Event: p.Event}
	e, err := r.encode(p.Event, p.Args)
	if err != nil {
		sent.Err = err
		hook(r.ns.server, r.ns.server.cfg.Hooks.Emit, sent)
		return err
	}
	sent.Bytes = e.unit.Len()
	options := sharedOptions(o.Flags)
	list := targets.Get().(*[]adapter.Socket)
	defer putTargets(list)
	*list = r.ns.adapter.Select(*list, o)

	r.mu.Lock()
	stored := !o.Flags.Volatile && len(r.sessions) > 0
	position := r.place(e, stored, o.Rooms, o.Except)
	for ; late.next != nil; late = late.next {
		if stored && concerns(o.Rooms, o.Except, late.rooms) {
			*list = append(*list, late.socket) // which has looked through the log before this event was in it
		}
	}
	sockets := *list
	written := 0 // to sockets[:written]
	for i, a := range sockets {
		s, ok := a.(*Socket)
		if !ok || !s.Connected() || stored && s.lease != nil && !s.lease.session.sent.add(position) {
			sockets[i] = nil
			continue
		}
		direct, err := s.queue(e.unit, options)
		sent.count(err)
		if direct {
			sockets[written], sockets[i] = s, sockets[written]
			written++
		}
	}
	r.mu.Unlock()

	for i, a := range sockets {
		if s, ok := a.(*Socket); ok {
			s.showOutgoing(p.Event, p.Args)
			s.flush(options, e.unit, i < written)
		}
	}
	hook(r.ns.server, r.ns.server.cfg.Hooks.Emit, sent)
	return nil
}

// place gives an event its position: the next one if it is stored, otherwise that of the last event. The lock is held.
func (r *recovery) place(e offsetEvent, stored bool, rooms, except []string) (position uint64) {
	position = r.log.position()
	if stored {
		position = r.log.add(newLoggedEvent(e.unit, rooms, except, r.now()), r.cfg.MaxEventBytes)
		r.sweepLater()
	}
	putDigits(e.digits, position)
	return position
}

// emit is Socket.Emit.
func (r *recovery) emit(s *Socket, event string, args []any, f adapter.Flags) error {
	e, err := r.encode(event, args)
	if err != nil {
		s.emitted(event, 0, err)
		return err
	}
	options := s.options(f)
	to, written, err := r.send(s, e, !f.Volatile, options)
	if to != nil {
		to.showOutgoing(event, args)
		if to != s {
			options = 0 // they were about s's own writes
		}
		to.flush(options, e.unit, written)
	}
	if to != nil || err != nil {
		s.emitted(event, e.unit.Len(), err)
	}
	return err
}

// send queues an event to a socket and returns which one that is: if s has disconnected, the one that was recovered after it,
// or nil while that is still to come. What send wrote flush has to write out.
func (r *recovery) send(s *Socket, e offsetEvent, stored bool, options engineio.WriteOptions) (to *Socket, written bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	to = s
	switch {
	case s.joining():
		// Its client will not ask for it again: it does not know the session yet, or hears of it behind what it missed.
		putDigits(e.digits, s.known())
		written, err = s.queue(e.unit, options)
	case s.lease == nil:
		r.place(e, false, nil, nil)
		written, err = s.queue(e.unit, options)
	default:
		x := s.lease.session
		if !s.Connected() {
			if r.sessions[x.pid] != x {
				return nil, false, ErrClosed
			}
			to = x.connected
		}
		stored = stored && !r.closed
		position := r.place(e, stored, x.own[:], nil)
		if to != nil {
			written, err = to.queue(e.unit, options)
		}
		if stored && to != nil {
			x.sent.add(position)
		}
		if stored || to == nil {
			err = nil // it is kept, whatever the connection does; or it is volatile, and nobody is there
		}
	}
	return to, written, err
}

// known is the position up to which the client of a socket that is being connected has everything. The lock is held.
func (s *Socket) known() uint64 {
	if s.lease != nil && s.lease.restoration != nil {
		return s.lease.restoration.begin
	}
	return s.ns.recovery.log.position()
}

// queue is writePrepared for who holds recovery.mu: flush has to follow without it. written is false when the unit waits
// for the connection handlers.
func (s *Socket) queue(unit *engineio.Prepared, o engineio.WriteOptions) (written bool, err error) {
	if h := s.held.Load(); h != nil && h.keep(heldWrite{unit, o &^ engineio.Hold}) {
		return false, nil
	}
	err = s.client.session.Enqueue(o, unit)
	if errors.Is(err, engineio.ErrClosed) {
		err = ErrClosed
	}
	return err == nil, err
}

// flush writes what queue left.
func (s *Socket) flush(o engineio.WriteOptions, unit *engineio.Prepared, written bool) {
	if written {
		s.client.session.Flush(o&(engineio.Later|engineio.Hold), unit)
		s.heldTooLate(o)
	} else if h := s.held.Load(); h != nil && h.full() {
		h.end()
	}
}

// sweepLater sees to it that what is too old is forgotten. The lock is held.
func (r *recovery) sweepLater() {
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

// sweep forgets what is too old.
func (r *recovery) sweep() {
	var dropped []*savedSession
	r.mu.Lock()
	now := r.now()
	for x := r.waiting.oldest; x != nil && now-x.disconnectedAt > r.cfg.MaxDisconnectionDuration; x = r.waiting.oldest {
		dropped = append(dropped, r.dropOldest())
	}
	// A client may have been gone for a while before it was noticed.
	r.log.expire(now - r.cfg.MaxDisconnectionDuration - r.ns.server.unnoticed)
	r.sweeping = false
	if r.waiting.len > 0 || len(r.log.events) > 0 {
		r.sweepLater()
	}
	r.mu.Unlock()
	if len(dropped) > 0 && r.ns.server.cfg.CleanupEmptyChildNamespaces {
		// The last visitor closes the adapter, which may take a while.
		workers := &r.ns.server.workers
		workers.begin()
		go func() {
			defer workers.end()
			r.leaveNamespace(dropped)
		}()
	}
}

// close forgets everything.
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

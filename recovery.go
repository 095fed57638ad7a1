package socketio

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
)

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

package socketio

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/adapter"
)

const (
	// storeInterval is the least time between two changes of a session that are stored.
	storeInterval = time.Second
	// storesAtOnce limits the sessions that are on their way to the broker.
	storesAtOnce = 32
)

// sessionStore queues the sessions of a namespace that are to be stored. Its goroutine exists only
// while there is something to store now; a timer is set while sessions exist. brokerRecovery.mu
// guards it.
type sessionStore struct {
	queue     []*brokerSession
	running   bool
	failing   bool
	ended     int // sessions whose sockets have ended, and their size
	bytes     int
	closed    bool
	timer     *time.Timer
	wake      time.Duration // of the timer; 0: it is not set
	refreshAt time.Duration
}

// sessionOp is the store's part of a session.
type sessionOp struct {
	queued   bool
	due      time.Duration // not to be stored before
	done     chan struct{} // closed when it has been stored; nil while that is not under way
	storedAt time.Duration
}

// refreshInterval is how often the session of a connected client is stored again. The broker keeps it
// for longer by that, so that it never ends while the client is connected.
func (r *brokerRecovery) refreshInterval() time.Duration {
	return max(r.cfg.MaxDisconnectionDuration/2, storeInterval)
}

// liveTTL is for how long the broker keeps the session of a connected client.
func (r *brokerRecovery) liveTTL() time.Duration {
	return r.cfg.MaxDisconnectionDuration + r.refreshInterval() + brokerTimeout
}

// storeLocked queues a session to be stored within a time: at once, unless it was stored less than
// that ago.
func (r *brokerRecovery) storeLocked(x *brokerSession, within time.Duration) {
	due := max(x.op.storedAt+within, r.now())
	if x.op.storedAt == 0 {
		due = r.now() + within
	}
	if x.op.queued {
		x.op.due = min(x.op.due, due)
	} else {
		x.op.queued, x.op.due = true, due
		r.store.queue = append(r.store.queue, x)
	}
	r.runStoreLocked(x.op.due)
}

// runStoreLocked starts the store, now or at a later time.
func (r *brokerRecovery) runStoreLocked(at time.Duration) {
	t := &r.store
	switch now := r.now(); {
	case t.closed || t.running:
	case t.failing && t.wake != 0:
	case at <= now && !t.failing:
		t.running = true
		r.ns.server.workers.begin()
		go r.runStore()
	case t.wake == 0 || at < t.wake:
		at = max(at, now+time.Millisecond)
		if t.wake = at; t.timer == nil {
			t.timer = time.AfterFunc(at-now, r.wakeStore)
		} else {
			t.timer.Reset(at - now)
		}
	}
}

func (r *brokerRecovery) wakeStore() {
	r.mu.Lock()
	defer r.mu.Unlock()
	late := r.now() - r.store.wake
	r.store.wake, r.store.failing = 0, false
	if late > handoverTimeout { // this process was stopped: others may have taken sessions, and say so first
		r.runStoreLocked(r.now() + storeInterval)
		return
	}
	r.runStoreLocked(0)
}

// runStore stores what is due until nothing is.
func (r *brokerRecovery) runStore() {
	defer r.ns.server.workers.end()
	for {
		batch, done := r.nextToStore()
		if done {
			return
		}
		err := r.storeAll(batch)
		r.mu.Lock()
		r.store.failing = err != nil
		r.mu.Unlock()
		if err != nil {
			r.warn("sessions cannot be stored", "clients come back as new sockets if this server dies now", err)
		}
	}
}

// nextToStore returns the sessions that are due. With none, the store has stopped and its timer is
// set.
func (r *brokerRecovery) nextToStore() (batch []*brokerSession, done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, now := &r.store, r.now()
	if now >= t.refreshAt {
		t.refreshAt = now + r.refreshInterval()/8
		for _, x := range r.sessions {
			if x.op.storedAt > 0 && !x.op.queued && now-x.op.storedAt >= r.refreshInterval()*7/8 {
				x.op.queued, x.op.due = true, now
				t.queue = append(t.queue, x)
			}
		}
	}
	wake := t.refreshAt
	if t.failing {
		wake = now + storeInterval
	} else {
		t.queue = slices.DeleteFunc(t.queue, func(x *brokerSession) bool {
			if x.op.due > now {
				wake = min(wake, x.op.due)
				return false
			}
			x.op.queued, x.op.storedAt, x.op.done = false, max(now, 1), make(chan struct{})
			batch = append(batch, x)
			return true
		})
	}
	if len(batch) > 0 {
		return batch, false
	}
	t.running = false
	if len(r.sessions) > 0 {
		r.runStoreLocked(max(wake, r.now()+1))
	}
	return nil, true
}

// storeAll stores sessions, and queues those that failed again. It returns the first error.
func (r *brokerRecovery) storeAll(batch []*brokerSession) error {
	var failed atomic.Pointer[error]
	slots := make(chan struct{}, storesAtOnce)
	var under sync.WaitGroup
	for _, x := range batch {
		slots <- struct{}{}
		under.Go(func() {
			defer func() { <-slots }()
			err := *cmp.Or(failed.Load(), new(error))
			if err == nil {
				err = r.storeOne(x)
			}
			if err != nil {
				failed.CompareAndSwap(nil, &err)
			}
			r.stored(x, err)
		})
	}
	under.Wait()
	return *cmp.Or(failed.Load(), new(error))
}

// storeOne puts a session into the broker as it is now, or deletes it there.
func (r *brokerRecovery) storeOne(x *brokerSession) error {
	ctx, cancel := context.WithTimeout(context.Background(), brokerTimeout)
	defer cancel()
	r.mu.Lock()
	s, final, taken := x.socket, x.final, x.taken
	r.mu.Unlock()
	switch {
	case taken:
		return nil
	case s != nil:
		if data := r.record(s, x, r.ns.adapter.Rooms(s.id), true); data != nil {
			return r.log.PutSession(ctx, x.pid, data, r.liveTTL())
		}
		return nil // it is being disconnected, and stored after that
	case final != nil:
		return r.log.PutSession(ctx, x.pid, final, r.cfg.MaxDisconnectionDuration)
	}
	_, err := r.log.TakeSession(ctx, x.pid)
	return err
}

// stored records the end of a storeOne.
func (r *brokerRecovery) stored(x *brokerSession, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(x.op.done)
	x.op.done = nil
	switch {
	case err != nil && x.socket == nil && r.now() > x.until+brokerTimeout:
		r.finishLocked(x) // nobody can come back any more
		r.leaveLater(1)
	case err != nil:
		r.storeLocked(x, storeInterval)
	case x.socket == nil && !x.op.queued:
		r.finishLocked(x)
		r.leaveLater(1)
	}
}

// finishLocked forgets a session whose final state is in the broker.
func (r *brokerRecovery) finishLocked(x *brokerSession) {
	if r.sessions[x.pid] == x {
		delete(r.sessions, x.pid)
	}
	if x.cost > 0 {
		r.store.ended--
		r.store.bytes -= x.cost
	}
	if len(r.sessions) == 0 && r.store.timer != nil {
		r.store.timer.Stop()
		r.store.wake = 0
	}
	close(x.gone)
}

// sessionRecord is a session in the broker, as JSON. The official servers know all but Go.
type sessionRecord struct {
	SID   string          `json:"sid"`
	PID   string          `json:"pid"`
	Rooms []string        `json:"rooms"`
	Data  json.RawMessage `json:"data"`
	Go    struct {
		Live       bool        `json:"live,omitempty"` // the socket may live
		Generation int         `json:"n,omitempty"`
		Start      string      `json:"start,omitempty"`
		Sent       string      `json:"sent,omitempty"`
		At         string      `json:"at,omitempty"` // Sent is the last event up to here
		Stays      [][3]string `json:"stays,omitempty"`
	} `json:"go"`
}

// record encodes a session. A live one that has disconnected meanwhile is nil.
func (r *brokerRecovery) record(s *Socket, x *brokerSession, in []string, live bool) []byte {
	at := r.log.Reached() // before x.sent is read
	rec := sessionRecord{SID: x.sid, PID: x.pid, Rooms: in, Data: s.sharedValues()}
	r.mu.Lock()
	if s.lease.leftRooms.Load() {
		rec.Rooms = x.rooms
	}
	if rec.Go.Live = live; live && (r.members[x.sid] != x || !s.Connected()) {
		r.mu.Unlock()
		return nil
	}
	if x.ended != "" {
		at = x.ended
	}
	rec.Go.Generation, rec.Go.Start, rec.Go.Sent, rec.Go.At = x.generation, x.start, x.sent, at
	old := r.now() - r.ns.server.unnoticed - r.refreshInterval()
	x.stays = slices.DeleteFunc(x.stays, func(y stay) bool { return y.at < old })
	for _, y := range x.stays {
		rec.Go.Stays = append(rec.Go.Stays, [3]string{y.room, y.from, y.to})
	}
	r.mu.Unlock()
	return rec.encode()
}

func (rec *sessionRecord) encode() []byte {
	data, _ := json.Marshal(rec) // raw JSON always encodes
	return data
}

// begin returns the position up to which the client has everything; ok is false when that is not
// known.
func (rec *sessionRecord) begin(offset string, log adapter.Log) (position string, ok bool) {
	position = offset
	if offset == "" {
		position = rec.Go.Start // it has received nothing since it connected
	}
	if offset == rec.Go.Sent && rec.Go.At != "" && (position == "" || log.ComparePositions(rec.Go.At, position) > 0) {
		position = rec.Go.At // it has everything that was sent up to then
	}
	return position, position != ""
}

func (rec *sessionRecord) stays(now time.Duration) []stay {
	var list []stay
	for _, y := range rec.Go.Stays[:min(len(rec.Go.Stays), maxStays)] {
		list = append(list, stay{y[0], y[1], y[2], now})
	}
	return list
}

// values returns the shared values by their names.
func (rec *sessionRecord) values() map[string]json.RawMessage {
	var values map[string]json.RawMessage
	_ = json.Unmarshal(rec.Data, &values) // anything else has no names
	return values
}

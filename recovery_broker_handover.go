package socketio

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/gather"
	"github.com/gosocketio/socketio/protocol"
)

// A client may come back to another server before the one that it was on has noticed that its old
// connection is dead. What that server knows is newer than what the broker keeps, and its socket must
// end: no two sockets have the same id.
//
// The others are asked only if the broker has the session, and that says that its socket may live. A
// server stores a session as soon as its client is connected. A pid without a session is made up, or
// its client comes too late, which is common: each such client would cost every server a question.

// handoverEvent is the event by which a server asks the others for a session that it has taken: the
// arguments are the pid and the generation that it is about to have. Whoever has that session in a
// smaller generation ends its socket and answers with the session. Handlers of the application do
// not get it.
const handoverEvent = "socketio:handover"

// handoverTimeout limits the wait for other servers. One that was killed does not answer, nor does an
// official one, but that never stores sessions whose sockets live.
const handoverTimeout = 500 * time.Millisecond

// handover returns the session as the server has it that the client was on, or else rec.
func (r *brokerRecovery) handover(ctx context.Context, rec *sessionRecord) *sessionRecord {
	answers := gather.New[adapter.Answer]()
	p := &adapter.Packet{Event: handoverEvent, Args: []any{rec.PID, rec.Go.Generation + 1}}
	forget, err := r.ns.adapter.ServerSideEmitWithAck(p, answers.Expect, answers.Add)
	if err != nil {
		return rec
	}
	defer forget()
	late, stop := timeoutAfter(handoverTimeout)
	defer stop()
	_, _ = answers.Run(ctx, late, ErrTimeout, func(a adapter.Answer) bool {
		var newer sessionRecord
		if a.Err != nil || len(a.Args) == 0 || json.Unmarshal(a.Args[0], &newer) != nil || newer.PID != rec.PID {
			return true
		}
		rec = &newer
		return false
	})
	return rec
}

// serverSideEvent takes an event that is for recovery, and returns false for any other.
func (r *brokerRecovery) serverSideEvent(e adapter.ServerSideEvent) bool {
	if e.Event != handoverEvent {
		return false
	}
	var pid string
	var generation int
	if len(e.Args) != 2 || e.Answer == nil ||
		protocol.Decode(e.Args[0], nil, &pid) != nil || protocol.Decode(e.Args[1], nil, &generation) != nil {
		return true
	}
	r.mu.Lock()
	x := r.sessions[pid]
	if x == nil || x.taken || x.generation >= generation {
		r.mu.Unlock()
		e.Answer(json.RawMessage("null"), nil)
		return true
	}
	x.taken = true
	r.mu.Unlock()
	r.ns.server.workers.begin()
	go func() {
		defer r.ns.server.workers.end()
		session := r.giveUp(x)
		if session == nil {
			session = []byte("null")
		}
		e.Answer(session, nil)
	}()
	return true
}

// giveUp ends the socket of a session that another server has taken. It returns the session. What
// this server stored late is not in the broker any more: the other one stores it after that.
func (r *brokerRecovery) giveUp(x *brokerSession) []byte {
	r.mu.Lock()
	s, final, stored := x.socket, x.final, x.op.done
	r.mu.Unlock()
	if s != nil {
		if final == nil {
			final = r.record(s, x, r.ns.adapter.Rooms(s.id), false)
		}
		s.replaced()
	}
	if stored != nil {
		<-stored
	}
	ctx, cancel := context.WithTimeout(context.Background(), brokerTimeout)
	defer cancel()
	var rec sessionRecord
	kept, _ := r.log.TakeSession(ctx, x.pid)
	if json.Unmarshal(kept, &rec) == nil && rec.Go.Generation > x.generation { // the other one has not waited
		_ = r.log.PutSession(ctx, x.pid, kept, r.liveTTL()) // it stores it again before long
	}
	return final
}

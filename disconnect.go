package socketio

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/gosocketio/socketio/adapter"
)

// Disconnect disconnects the socket from its namespace, with the reason "server namespace disconnect". With close
// it does so for every namespace of the client, then closes the connection once everything queued has been sent. On
// a socket that is not connected it does nothing.
//
// The socket is disconnected when Disconnect returns: its context has ended, events that wait are dropped. The
// callbacks run as the socket's next task, after the handler that is running.
func (s *Socket) Disconnect(close bool) {
	switch {
	case !s.Connected():
	case close:
		s.client.disconnectAll()
	default:
		s.disconnect()
	}
}

func (s *Socket) disconnect() {
	s.client.forget(s, true)
	if s.end(ReasonServerNamespaceDisconnect, nil, 0) {
		s.sendDisconnect()
	}
}

func (s *Socket) sendDisconnect() {
	x := s.ns.server.takeScratch()
	defer x.release()
	_ = s.write(x.disconnect(s.ns.name), 0) // a client that is gone need not be told
}

// disconnectAll disconnects the sockets of all namespaces and closes the connection.
func (c *client) disconnectAll() {
	sockets, first := c.beginClose(nil)
	if !first {
		return
	}
	connected := slices.DeleteFunc(slices.Clone(sockets), func(s *Socket) bool { return !s.Connected() })
	for _, s := range connected {
		c.forget(s, true)
	}
	for _, s := range endAll(connected, ReasonServerNamespaceDisconnect, nil) {
		s.sendDisconnect()
	}
	c.closeBehind(sockets)
}

// disconnect acts on a DISCONNECT of the client. Nothing is answered, not even a CONNECT that is still in a middleware.
func (c *client) disconnect(s *Socket) {
	cost := int64(0)
	if s.Connected() { // otherwise what its CONNECT was charged stays until the middleware has returned
		// Charged until the callbacks have run: otherwise a client could join and leave faster than they do.
		cost = c.charge(0)
	}
	c.forget(s, false)
	if !s.end(ReasonClientNamespaceDisconnect, nil, cost) && cost > 0 {
		c.refund(1, cost)
	}
}

// end makes the socket a disconnected one, and returns false when it was that already. Its callbacks run on its
// worker; the client must have forgotten it before. cost is what to refund when they have run.
func (s *Socket) end(reason Reason, cause error, cost int64) bool {
	first, start := s.endWithoutWorker(reason, cause, cost)
	if start {
		s.start()
	}
	return first
}

// endWithoutWorker is end, but leaves it to the caller to start the worker.
func (s *Socket) endWithoutWorker(reason Reason, cause error, cost int64) (first, start bool) {
	err := error(&DisconnectError{Reason: reason, Cause: cause})
	if reason == "" {
		err = cause // refused by a middleware, it was never connected
	}

	left, first := s.markDisconnected(reason, err, cost)
	if !first {
		return false, false
	}
	if left.cancel != nil {
		left.cancel(err)
	}
	if left.acks != nil {
		for _, o := range left.acks.list {
			o.answer(adapter.Answer{SocketID: s.id, Err: err})
		}
	}
	events, bytes := 0, int64(0)
	for e := left.inbox; e != nil; e = e.next {
		events++
		bytes += e.cost
	}
	s.client.refund(events, bytes)
	s.release()
	return true, left.start
}

// teardown is what a socket that has disconnected leaves to be seen to.
type teardown struct {
	inbox  *Event
	acks   *ackTable
	cancel context.CancelCauseFunc
	start  bool // a worker, which the caller has to
}

// markDisconnected is the moment at which the socket disconnects. If it is recovered, its session hears of it at the same moment.
func (s *Socket) markDisconnected(reason Reason, err error, cost int64) (left teardown, first bool) {
	if s.lease != nil {
		s.ns.recovery.mu.Lock()
		defer s.ns.recovery.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() == stateDisconnected {
		return left, false
	}
	if s.lease != nil {
		s.ns.recovery.detach(s, reason)
	}
	s.state.Store(stateDisconnected)
	s.err = err
	s.more.Store(false)
	left = teardown{inbox: s.head, acks: s.acks, cancel: s.cancel, start: s.admitted && !s.working}
	s.head, s.tail, s.waiting, s.acks = nil, nil, nil, nil
	s.endCost = cost
	s.working = s.working || left.start
	return left, true
}

// finishDisconnect runs the disconnect callbacks, in between leaving the rooms. Deferred, so that nothing a callback does skips
// the rest.
func (s *Socket) finishDisconnect() {
	s.mu.Lock()
	var reason Reason
	var cause error
	if gone := (*DisconnectError)(nil); errors.As(s.err, &gone) {
		reason, cause = gone.Reason, gone.Cause
	}
	cost := s.endCost
	s.mu.Unlock()
	defer func() {
		hook(s.ns.server, s.ns.server.cfg.Hooks.Disconnect, DisconnectInfo{Socket: s, Reason: reason, Cause: cause})
		s.freeID()
		s.leaveNamespace(reason)
		if cost > 0 {
			s.client.refund(1, cost)
		}
	}()
	defer s.each("a disconnect callback", reason, func(h *handlers) []func(*Socket, Reason) { return h.disconnect })
	defer s.leaveRooms()
	s.each("a disconnecting callback", reason, func(h *handlers) []func(*Socket, Reason) { return h.disconnecting })
}

// leaveRooms leaves the rooms for good.
func (s *Socket) leaveRooms() {
	if s.lease != nil {
		s.ns.recovery.saveRooms(s)
	}
	s.ns.adapter.Remove(s.id)
}

// each runs the callbacks of the namespace and then those of the socket.
func (s *Socket) each(where string, reason Reason, of func(*handlers) []func(*Socket, Reason)) {
	for _, h := range [...]*handlers{s.ns.load(), s.load()} {
		for _, fn := range of(h) {
			s.call(where, func() { fn(s, reason) })
		}
	}
}

// endings runs the disconnect callbacks of a connection's sockets, of which there may be a thousand. One goroutine runs them, one
// socket after the other; while callbacks block, others go on with the rest.
type endings struct {
	mu      sync.Mutex
	sockets []*Socket // whose callbacks are still to be run
	runners int
	seen    int // how many were left when relieve last looked
	relief  *time.Timer
}

// endingStall is how long a callback may keep the others waiting, once or at most twice over.
const endingStall = time.Millisecond

// endAll disconnects sockets of one connection, which must have forgotten them, and returns those that it disconnected.
func endAll(sockets []*Socket, reason Reason, cause error) (ended []*Socket) {
	e := &endings{}
	for _, s := range sockets {
		first, start := s.endWithoutWorker(reason, cause, 0)
		if start {
			s.ns.server.workers.begin()
			e.sockets = append(e.sockets, s)
		}
		if first {
			ended = append(ended, s)
		}
	}
	if len(e.sockets) > 0 {
		e.start()
	}
	return ended
}

func (e *endings) start() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen = len(e.sockets); e.seen > 1 {
		e.relief = time.AfterFunc(endingStall, e.relieve)
	}
	e.runners = 1
	go e.run()
}

// run runs the callbacks of one socket after the other.
func (e *endings) run() {
	returned := false
	defer func() {
		if !returned { // a callback ended the goroutine (runtime.Goexit)
			go e.run()
		}
	}()
	for s := e.next(); s != nil; s = e.next() {
		s.work()
	}
	returned = true
}

func (e *endings) next() *Socket {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.sockets) == 0 {
		if e.relief != nil {
			e.relief.Stop()
		}
		return nil
	}
	s := e.sockets[0]
	e.sockets[0] = nil
	e.sockets = e.sockets[1:]
	return s
}

// relieve doubles the goroutines when none has come further since it last looked.
func (e *endings) relieve() {
	e.mu.Lock()
	defer e.mu.Unlock()
	left := len(e.sockets)
	if left == 0 {
		return
	}
	if left == e.seen {
		for range min(e.runners, left) {
			e.runners++
			go e.run()
		}
	}
	e.seen = left
	e.relief.Reset(endingStall)
}

package socketio

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gosocketio/socketio/adapter"
)

// Disconnect disconnects the socket, with the reason "server namespace disconnect".
//
// With close it disconnects the client's sockets in all namespaces, and closes the connection once
// everything queued has been sent. On a socket that is not connected it does nothing.
//
// The socket is disconnected when Disconnect returns: its context has ended and its queued events
// are dropped. The callbacks run as the socket's next task, after the handler that is running.
func (s *Socket) Disconnect(close bool) {
	switch {
	case !s.Connected():
	case close:
		s.client.disconnectAll(nil)
	default:
		s.disconnect(nil)
	}
}

// disconnect disconnects the socket alone. The cause may be nil.
func (s *Socket) disconnect(cause error) {
	s.client.forget(s, true)
	if s.close(ReasonServerNamespaceDisconnect, cause, 0) {
		s.sendDisconnect()
	}
}

func (s *Socket) sendDisconnect() {
	s.sendPending()
	x := s.ns.server.takeScratch()
	defer x.release()
	s.control(x.disconnect(s.ns.name))
}

// disconnectAll disconnects the sockets of all namespaces and closes the connection. The cause may be
// nil.
func (c *client) disconnectAll(cause error) {
	sockets, first := c.beginClose(cause)
	if !first {
		return
	}
	connected := slices.DeleteFunc(slices.Clone(sockets), func(s *Socket) bool { return !s.Connected() })
	for _, s := range connected {
		c.forget(s, true)
	}
	for _, s := range closeSockets(connected, ReasonServerNamespaceDisconnect, cause) {
		s.sendDisconnect()
	}
	c.closeAfterRelease(sockets)
}

// disconnect handles a DISCONNECT packet. It gets no answer, not even to a pending CONNECT.
func (c *client) disconnect(s *Socket) {
	cost := int64(0)
	if s.Connected() { // otherwise the charge of its CONNECT stays until the middleware has returned
		// The charge stays until the callbacks have run. Otherwise a client could join and leave
		// faster than they do.
		cost = c.charge(0)
	}
	c.forget(s, false)
	if !s.close(ReasonClientNamespaceDisconnect, nil, cost) && cost > 0 {
		c.refund(1, cost)
	}
}

// close disconnects the socket and returns false when it was disconnected already.
//
// The client must have forgotten the socket. The callbacks run on the socket's worker; cost is
// refunded after them.
func (s *Socket) close(reason Reason, cause error, cost int64) bool {
	first, start := s.closeWithoutWorker(reason, cause, cost)
	if start {
		s.ns.server.workers.begin()
		go s.work()
	}
	return first
}

// closeWithoutWorker is close, but with start the caller must begin and run the worker.
func (s *Socket) closeWithoutWorker(reason Reason, cause error, cost int64) (first, start bool) {
	err := error(&DisconnectError{Reason: reason, Cause: cause})
	if reason == "" {
		err = cause // a middleware refused it: it was never connected
	}
	left, first := s.markDisconnected(reason, err, cost)
	if !first {
		return false, false
	}
	if left.cancel != nil {
		left.cancel(err)
	}
	if left.acks != nil {
		s.client.asked.Add(-int32(len(left.acks.list)))
		for _, a := range left.acks.list {
			a.answer(adapter.Answer{SocketID: s.id, Err: err})
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

// closeAfterInbox makes the socket's worker close it after the events that have arrived.
//
// It returns false when no worker runs or the socket has not connected.
func (s *Socket) closeAfterInbox() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drained = s.working && s.admitted
	return s.drained
}

// teardown is what remains to be cleaned up after a disconnect, without a lock.
type teardown struct {
	inbox  *Event
	acks   *ackTable
	cancel context.CancelCauseFunc
	start  bool // the caller must run the worker
}

// markDisconnected changes the state. The socket's session, if any, changes in the same moment.
func (s *Socket) markDisconnected(reason Reason, err error, cost int64) (left teardown, first bool) {
	if s.lease != nil {
		s.ns.recovery.Lock()
		defer s.ns.recovery.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() == stateDisconnected {
		return left, false
	}
	if s.lease != nil {
		s.ns.recovery.detachLocked(s, reason)
	}
	s.state.Store(stateDisconnected)
	s.err = err
	s.more.Store(false)
	left = teardown{inbox: s.inbox.head, acks: s.acks, cancel: s.cancel, start: s.admitted && !s.working}
	s.inbox, s.pendingRooms, s.acks = eventQueue{}, nil, nil
	s.closeCost = cost
	s.working = s.working || left.start
	return left, true
}

// runDisconnect runs the disconnect callbacks and leaves the rooms in between.
//
// The steps are deferred, so that a callback that ends the goroutine skips none of the others.
func (s *Socket) runDisconnect() {
	s.mu.Lock()
	var reason Reason
	var cause error
	if err := (*DisconnectError)(nil); errors.As(s.err, &err) {
		reason, cause = err.Reason, err.Cause
	}
	cost := s.closeCost
	s.mu.Unlock()
	defer func() {
		hook(s.ns.server, s.ns.server.cfg.Hooks.Disconnect, DisconnectInfo{Socket: s, Reason: reason, Cause: cause})
		s.freeID()
		s.leaveNamespace(reason)
		if cost > 0 {
			s.client.refund(1, cost)
		}
	}()
	run := func(where string, of func(*handlers) []func(*Socket, Reason)) {
		for _, h := range [...]*handlers{s.ns.load(), s.load()} {
			for _, fn := range of(h) {
				s.call(where, func() { fn(s, reason) })
			}
		}
	}
	defer run("a disconnect callback", func(h *handlers) []func(*Socket, Reason) { return h.disconnect })
	defer func() {
		if s.lease != nil {
			s.ns.recovery.saveRooms(s)
		}
		s.ns.adapter.Remove(s.id)
	}()
	run("a disconnecting callback", func(h *handlers) []func(*Socket, Reason) { return h.disconnecting })
}

// leaveNamespace ends the socket's membership of the namespace, unless its session keeps it.
func (s *Socket) leaveNamespace(reason Reason) {
	if s.lease == nil || !s.ns.recovery.release(s, reason) {
		s.ns.server.leave(s.ns)
	}
}

// closeSockets disconnects sockets of one connection and returns those that were connected before.
//
// The connection must have forgotten them. There may be a thousand: one goroutine runs their
// callbacks.
func closeSockets(sockets []*Socket, reason Reason, cause error) (closed []*Socket) {
	var queue []*Socket
	for _, s := range sockets {
		first, start := s.closeWithoutWorker(reason, cause, 0)
		if start {
			s.ns.server.workers.begin()
			queue = append(queue, s)
		}
		if first {
			closed = append(closed, s)
		}
	}
	if len(queue) > 0 {
		go workInTurn(queue)
	}
	return closed
}

// callbackStall is how long the callbacks of one socket may delay those of the next.
const callbackStall = time.Millisecond

// workInTurn runs the workers of sockets one after another.
//
// When one blocks, or ends the goroutine, another goroutine takes over the rest.
func workInTurn(sockets []*Socket) {
	for i, s := range sockets {
		rest := sockets[i+1:]
		if len(rest) == 0 {
			s.work()
			return
		}
		takeover := time.AfterFunc(callbackStall, func() { workInTurn(rest) })
		s.work()
		if !takeover.Stop() {
			return
		}
	}
}

package namespace

import "errors"

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
		x := s.ns.hub.takeScratch()
		defer x.release()
		_ = s.write(x.disconnect(s.ns.name), 0) // a client that is gone need not be told
	}
}

// disconnectAll disconnects the sockets of all namespaces and closes the connection.
func (c *client) disconnectAll() {
	sockets, first := c.stopListening(nil)
	if !first {
		return
	}
	for _, s := range sockets {
		if s.Connected() {
			s.disconnect()
		}
	}
	c.closeBehind(sockets)
}

// disconnect acts on a DISCONNECT of the client. Nothing is answered.
func (c *client) disconnect(s *Socket) {
	// Charged until the callbacks have run: otherwise a client could join and leave faster than they do.
	cost := c.charge(0)
	c.forget(s, false)
	if !s.end(ReasonClientNamespaceDisconnect, nil, cost) {
		c.refund(1, cost)
	}
}

// end makes the socket a disconnected one, and returns false when it was that already. Its callbacks run on its
// worker; the client must have forgotten it before. cost is what to refund when they have run.
func (s *Socket) end(reason Reason, cause error, cost int64) bool {
	if s.seat != nil {
		s.ns.recovery.leave(s, reason)
	}
	err := error(&DisconnectError{Reason: reason, Cause: cause})
	if reason == "" {
		err = cause // refused by a middleware, it was never connected
	}

	s.mu.Lock()
	if s.state.Load() == stateGone {
		s.mu.Unlock()
		return false
	}
	s.state.Store(stateGone)
	s.gone = err
	dropped := s.head
	s.head, s.tail, s.waiting = nil, nil, nil
	s.more.Store(false)
	acks, cancel := s.acks, s.cancel
	s.acks = nil
	s.endCost = cost
	start := s.admitted && !s.working
	s.working = s.working || start
	s.mu.Unlock()

	if cancel != nil {
		cancel(err)
	}
	for _, c := range acks {
		s.ns.hub.stop(&c.timer)
		c.finish(Reply{}, err)
	}
	s.ns.polls.gone(s, err)
	events, bytes := 0, int64(0)
	for e := dropped; e != nil; e = e.next {
		events++
		bytes += e.cost
	}
	s.client.refund(events, bytes)
	if start {
		s.start()
	}
	s.release()
	return true
}

// tell runs the disconnect callbacks, in between leaving the rooms. Deferred, so that nothing a callback does skips
// the rest.
func (s *Socket) tell() {
	s.mu.Lock()
	var reason Reason
	var cause error
	if gone := (*DisconnectError)(nil); errors.As(s.gone, &gone) {
		reason, cause = gone.Reason, gone.Cause
	}
	cost := s.endCost
	s.mu.Unlock()
	defer func() {
		hook(s.ns.hub, s.ns.hub.cfg.Hooks.Disconnect, DisconnectInfo{Socket: s, Reason: reason, Cause: cause})
		s.freeID()
		s.depart(reason)
		if cost > 0 {
			s.client.refund(1, cost)
		}
	}()
	defer s.each("a disconnect callback", reason, func(h *handlers) []func(*Socket, Reason) { return h.disconnect })
	defer s.vacate()
	s.each("a disconnecting callback", reason, func(h *handlers) []func(*Socket, Reason) { return h.disconnecting })
}

// vacate leaves the rooms for good.
func (s *Socket) vacate() {
	if s.seat != nil {
		s.seat.rooms = s.ns.adapter.Rooms(s.id)
		s.seat.vacated.Store(true)
	}
	s.ns.adapter.Remove(s.id)
}

// each runs the callbacks of the namespace and then those of the socket.
func (s *Socket) each(where string, reason Reason, of func(*handlers) []func(*Socket, Reason)) {
	for _, h := range [...]*handlers{s.ns.handlers.load(), s.own.load()} {
		for _, fn := range of(h) {
			s.call(where, func() { fn(s, reason) })
		}
	}
}

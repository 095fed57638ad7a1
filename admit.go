package socketio

import (
	"errors"
	"slices"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// admit is a socket's first task: it runs the middlewares, and then connects the socket or refuses it.
func (s *Socket) admit() {
	if s.Recovered() && !s.ns.recovery.claimSession(s) {
		s.restartAsNew()
		return
	}
	err, visits := errInterrupted, false
	defer func() {
		if err != nil {
			s.refused(err)
		}
		if !visits {
			s.leaveNamespace("")
		}
		s.refundConnect()
	}()
	fn := s.ns.server.cfg.Hooks.Connect
	start := clock(fn != nil)
	if err = s.runMiddleware(); err != nil {
		return
	}
	var took time.Duration
	if fn != nil {
		took = time.Since(start)
	}
	s.hold()
	switch s.register() {
	case connectionClosed:
		s.held.Store(nil)
		return
	case sessionLost:
		s.held.Store(nil)
		visits = true // another socket goes on with that
		s.restartAsNew()
		return
	case admitted, roomsFirst:
		visits = true
	}
	s.client.markJoined()
	s.sendConnect()
	if s.ns.server.closing.Load() {
		s.end(ReasonServerShuttingDown, nil, 0)
	}
	defer s.release() // whatever the handlers do
	hook(s.ns.server, fn, ConnectInfo{Socket: s, Took: took})
	for _, fn := range s.ns.load().connection {
		s.call("a connection handler", func() { fn(s) })
	}
}

// sendConnect sends the CONNECT, behind what a recovered client missed.
func (s *Socket) sendConnect() {
	pid, missed := "", []*engineio.Prepared(nil)
	if s.lease != nil {
		pid = s.lease.session.pid
		if s.lease.restoration != nil {
			missed = s.lease.restoration.missed
			s.lease.restoration = nil
			s.ns.recovery.finishRestore(s)
		}
	}
	x := s.ns.server.takeScratch()
	defer x.release()
	s.greet(missed, x.connect(s.ns.name, s.id, pid, s.client.v2()))
}

// leaveNamespace ends the socket's visit of the namespace, unless its session goes on with it.
func (s *Socket) leaveNamespace(reason Reason) {
	if s.lease == nil || !s.ns.recovery.releaseLease(s, reason) {
		s.ns.server.leave(s.ns)
	}
}

// errInterrupted: a middleware ended its goroutine (runtime.Goexit).
var errInterrupted = errors.New("socketio: middleware did not return")

func (s *Socket) runMiddleware() error {
	if s.Recovered() && !s.ns.recovery.cfg.RunMiddlewares {
		return nil
	}
	for _, fn := range s.ns.load().middleware {
		if err := s.ns.server.contain(s, "a middleware", func() error { return fn(s) }); err != nil {
			return err
		}
		if !s.joining() {
			return ErrClosed
		}
	}
	return nil
}

// admission is what became of a socket that was let in.
type admission uint8

const (
	admitted         admission = iota
	connectionClosed           // nothing can be sent any more
	sessionLost                // it was to go on with a session that cannot be recovered any more
	roomsFirst                 // it joined rooms meanwhile
)

// register makes the socket a connected one, in the adapter with the rooms it joined so far, if it can.
func (s *Socket) register() admission {
	a := s.ns.adapter
	if s.Recovered() && !s.ns.recovery.collect(s) {
		return sessionLost
	}
	s.takeID()
	a.Add(s)
	if s.Recovered() && !slices.Contains(s.lease.session.rooms, s.id) {
		a.Leave(s.id, s.id) // it had left its own room
	}
	for {
		rooms, what := s.markConnected()
		switch what {
		case roomsFirst:
			a.Join(s.id, rooms...)
			continue
		case connectionClosed, sessionLost:
			a.Remove(s.id)
			s.freeID()
		case admitted:
		}
		return what
	}
}

// markConnected makes the socket a connected one, unless it has rooms to join first.
func (s *Socket) markConnected() (rooms []string, _ admission) {
	if s.lease != nil {
		s.ns.recovery.mu.Lock()
		defer s.ns.recovery.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rooms = s.waiting
	s.waiting = nil
	switch {
	case !s.joining():
		return nil, connectionClosed
	case len(rooms) > 0:
		return rooms, roomsFirst
	case s.lease != nil && !s.ns.recovery.connect(s):
		return nil, sessionLost
	}
	s.admitted = true
	s.state.Store(stateConnected)
	return nil, admitted
}

// refundConnect gives back what the CONNECT was charged.
func (s *Socket) refundConnect() {
	if s.charged {
		s.charged = false
		s.client.refund(1, s.cost)
	}
}

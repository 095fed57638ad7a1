package namespace

import (
	"errors"
	"time"
)

// admit is a socket's first task: it runs the middlewares, and then connects the socket or refuses it.
func (s *Socket) admit() {
	err, registered := errInterrupted, false
	defer func() {
		if err != nil {
			s.refused(err)
		}
		if !registered {
			s.ns.hub.leave(s.ns)
		}
		s.settle()
	}()
	told := s.ns.hub.cfg.Hooks.Connect
	start := clock(told != nil)
	if err = s.runMiddleware(); err != nil {
		return
	}
	var took time.Duration
	if told != nil {
		took = time.Since(start)
	}
	s.hold()
	if registered = s.register(); !registered {
		s.held.Store(nil)
		return // the connection ended meanwhile, nothing can be sent any more
	}
	s.client.settled()
	x := s.ns.hub.takeScratch()
	s.greet(x.connect(s.ns.name, s.id, "", s.client.v2()))
	x.release()
	if s.ns.hub.closing.Load() {
		s.end(ReasonServerShuttingDown, nil, 0)
	}
	defer s.release() // whatever the handlers do
	hook(s.ns.hub, told, ConnectInfo{Socket: s, Took: took})
	for _, fn := range s.ns.handlers.load().connection {
		s.call("a connection handler", func() { fn(s) })
	}
}

// errInterrupted: a middleware ended its goroutine (runtime.Goexit).
var errInterrupted = errors.New("socketio: middleware did not return")

func (s *Socket) runMiddleware() error {
	for _, fn := range s.ns.handlers.load().middleware {
		if err := s.ns.hub.contain(s, "a middleware", func() error { return fn(s) }); err != nil {
			return err
		}
		if !s.joining() {
			return ErrClosed
		}
	}
	return nil
}

// register makes the socket a connected one, in the adapter with the rooms it joined so far. It returns false when
// the connection ended before.
func (s *Socket) register() bool {
	a := s.ns.adapter
	a.Add(s)
	for {
		s.mu.Lock()
		rooms := s.waiting
		s.waiting = nil
		switch {
		case s.state.Load() != stateJoining:
			s.mu.Unlock()
			a.Remove(s.id)
			return false
		case len(rooms) == 0:
			s.admitted = true
			s.state.Store(stateConnected)
			s.mu.Unlock()
			return true
		}
		s.mu.Unlock()
		a.Join(s.id, rooms...)
	}
}

// settle gives back what the CONNECT was charged.
func (s *Socket) settle() {
	if s.charged {
		s.charged = false
		s.client.refund(1, s.cost)
	}
}

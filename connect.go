package socketio

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/refusal"
	"github.com/gosocketio/socketio/protocol"
)

// connect acts on a CONNECT (Socket.IO protocol, "Connection to a namespace").
func (c *client) connect(p *protocol.Packet) {
	if s, _ := c.find(p.Namespace); s != nil {
		c.connectAgain(s, p)
		return
	}
	if c.atNamespaceLimit() {
		c.refuseEarly(p.Namespace, errNamespaces, c.v2())
		return
	}
	ns := c.server.enter(p.Namespace, p.Data)
	if ns == nil {
		// The one refusal that is an object in revision 4 of the protocol too.
		c.refuseEarly(p.Namespace, errNamespace, false)
		return
	}
	s := c.newSocket(ns, bytes.Clone(p.Data))
	if ns.recovery != nil && !c.v2() { // such a client would not understand
		ns.recovery.assignSession(s)
	}
	if !c.addSocket(s) {
		c.server.leave(ns)
		return
	}
	s.cost, s.charged = c.charge(len(p.Data)), true
	s.startJoin()
}

// connectAgain acts on a CONNECT for a namespace in which the client has a socket already. The official clients send one
// when connect is called before the answer to the first has arrived: the socket stays as it is, and the client's auth is that
// of the first. While the answer is still to come, it is the answer to both. Later the same answer is sent again, for the
// client may not have listened: it drops what comes between its own disconnect and its next connect.
func (c *client) connectAgain(s *Socket, p *protocol.Packet) {
	switch {
	case !s.Connected():
	case c.session.Unpolled() > 1:
		// Nobody reads the answers. The official suite wants this connection closed.
		c.violation(p, "the namespace is joined already, and the client does not poll")
	case !s.held.Load().unsent():
		pid := ""
		if s.lease != nil {
			pid = s.lease.session.pid
		}
		x := c.server.takeScratch()
		defer x.release()
		_ = s.write(x.connect(s.ns.name, s.id, pid, c.v2()), 0) // a client that is gone need not be told
	}
}

// atNamespaceLimit tells whether the connection has as many sockets as it may.
func (c *client) atNamespaceLimit() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sockets) >= c.server.cfg.MaxNamespaces
}

// addSocket adds a new socket to the connection, unless that is ending.
func (c *client) addSocket(s *Socket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.server.closing.Load() {
		return false
	}
	c.sockets = append(c.sockets, s)
	c.left = slices.DeleteFunc(c.left, func(name string) bool { return name == s.ns.name })
	return true
}

// refuseEarly refuses a CONNECT before it has a socket.
func (c *client) refuseEarly(nsp string, e *Error, bare bool) {
	c.refuse(nsp, e, bare)
	c.refusal(nsp, e)
}

// Refusals that need no socket.
var (
	errNamespaces = &Error{Message: "too many namespaces"}
	errNamespace  = &Error{Message: "Invalid namespace"}
)

// refusal tells the log and the hook that a CONNECT was refused.
func (c *client) refusal(nsp string, err error) {
	c.logRefusal(nsp, err)
	hook(c.server, c.server.cfg.Hooks.Refuse, RefuseInfo{Namespace: nsp, Conn: c.session, Err: err})
}

// refuse sends a CONNECT_ERROR.
func (c *client) refuse(nsp string, e *Error, bare bool) {
	x := c.server.takeScratch()
	defer x.release()
	frames, err := x.refusal(nsp, e, bare)
	if err != nil {
		c.server.report(nil, fmt.Errorf("socketio: data of a refused connect: %w", refusal.Inner(err)))
	}
	_ = c.session.Write(frames, 0) // a client that is gone need not be told
}

// refused tells the client that its CONNECT failed, unless it is gone.
func (s *Socket) refused(err error) {
	var visible *Error
	if !errors.As(err, &visible) && !errors.Is(err, ErrClosed) {
		s.ns.server.callOnError(s, fmt.Errorf("socketio: connect to %s: %w", s.ns.name, refusal.Inner(err)))
	}
	s.client.forget(s, false)
	if s.end("", err, 0) {
		s.client.refuse(s.ns.name, shown(err), s.client.v2())
		s.client.refusal(s.ns.name, err)
	}
}

// newID returns a socket id: 15 random bytes as 20 characters. It is another one than the engine's session id,
// which is a secret of the client.
func newID() string {
	var raw [15]byte
	_, _ = rand.Read(raw[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

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

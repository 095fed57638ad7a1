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

// connect handles a CONNECT packet (Socket.IO protocol, "Connection to a namespace").
func (c *client) connect(p *protocol.Packet) {
	if s, _ := c.find(p.Namespace); s != nil {
		c.connectAgain(s, p)
		return
	}
	if err := c.checkConnectLimits(len(p.Namespace) + len(p.Data)); err != nil {
		c.refuseEarly(p.Namespace, err, c.v2())
		return
	}
	ns := c.server.enter(p.Namespace, p.Data)
	if ns == nil {
		// The one refusal that is an object in revision 4 of the protocol too.
		c.refuseEarly(p.Namespace, errNamespace, false)
		return
	}
	s := c.newSocket(ns, bytes.Clone(p.Data))
	if ns.recovery != nil && !c.v2() { // older clients know no recovery
		ns.recovery.assign(s)
	}
	if !c.addSocket(s) {
		c.server.leave(ns)
		return
	}
	s.connectCost, s.charged = c.charge(connectOverhead+len(p.Namespace)+len(p.Data)), true
	s.startWorker()
}

// connectAgain handles a CONNECT for a namespace in which the client has a socket already.
//
// The official clients send one when connect is called before the first answer has arrived. The
// socket and its auth stay those of the first CONNECT. A pending answer is the answer to both.
// After that the same answer is sent again, because a client drops what arrives between its own
// disconnect and its next connect.
func (c *client) connectAgain(s *Socket, p *protocol.Packet) {
	switch {
	case !s.Connected():
	case c.link.Unpolled() > 1:
		// Nobody reads the answers. The official suite wants this connection closed.
		c.violation(p, "the namespace is joined already, and the client does not poll")
	case !s.held.Load().connectUnsent():
		pid := ""
		if s.lease != nil {
			pid = s.lease.pid
		}
		x := c.server.takeScratch()
		defer x.release()
		s.control(x.connect(s.ns.name, s.id, pid, c.v2()))
	}
}

// newSocket returns a new socket of the connection, which does not have it yet.
//
// The caller must start its worker.
func (c *client) newSocket(ns *Namespace, auth []byte) *Socket {
	return &Socket{id: c.newSocketID(ns.name), ns: ns, client: c, auth: auth, working: true}
}

// newID returns a socket id: 15 random bytes as 20 characters.
//
// It differs from the engine's session id, which is a secret of the client.
func newID() string {
	var raw [15]byte
	_, _ = rand.Read(raw[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// connectOverhead is the size of a socket and of its goroutine besides an event's, in bytes.
const connectOverhead = 1 << 10

// checkConnectLimits returns why the connection may not have one more socket, whose namespace's name
// and auth have so many bytes. nil means that it may.
func (c *client) checkConnectLimits(bytes int) *Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sockets {
		bytes += len(s.ns.name) + len(s.auth)
	}
	switch {
	case len(c.sockets) >= c.server.cfg.MaxNamespaces:
		return errNamespaces
	case bytes > c.server.cfg.MaxPayload:
		return errAuth
	}
	return nil
}

// addSocket adds a new socket to the connection. It returns false when the connection is closing.
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

// replaceSocket puts s in the place of old. It returns false when the connection is closing.
func (c *client) replaceSocket(old, s *Socket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.sockets, old)
	if i < 0 || c.closing {
		return false
	}
	c.sockets[i] = s
	return true
}

// Reasons to refuse a CONNECT before there is a socket.
var (
	errNamespaces = &Error{Message: "too many namespaces"}
	errAuth       = &Error{Message: "too much auth data"}
	errNamespace  = &Error{Message: "Invalid namespace"}
)

// refuseEarly refuses a CONNECT before there is a socket.
func (c *client) refuseEarly(nsp string, e *Error, bare bool) {
	c.sendRefusal(nsp, e, bare)
	c.reportRefusal(nsp, e)
}

// sendRefusal sends a CONNECT_ERROR.
func (c *client) sendRefusal(nsp string, e *Error, bare bool) {
	x := c.server.takeScratch()
	defer x.release()
	frames, err := x.refusal(nsp, e, bare)
	if err != nil {
		c.server.report(nil, fmt.Errorf("socketio: data of a refused connect: %w", refusal.Inner(err)))
	}
	_ = c.link.Write(engineio.Now, engineio.Message{Frames: frames}) // best effort: the client may have gone
}

// reportRefusal writes the log line of a refused CONNECT and calls the hook.
func (c *client) reportRefusal(nsp string, err error) {
	c.logRefusal(nsp, err)
	hook(c.server, c.server.cfg.Hooks.Refuse, RefuseInfo{Namespace: nsp, Conn: c.session(), Err: err})
}

// refuse answers the socket's CONNECT with an error, unless the client has gone.
func (s *Socket) refuse(err error) {
	var visible *Error
	if !errors.As(err, &visible) && !errors.Is(err, ErrClosed) {
		s.ns.server.callOnError(s, fmt.Errorf("socketio: connect to %s: %w", s.ns.name, refusal.Inner(err)))
	}
	s.client.forget(s, false)
	if s.close("", err, 0) {
		s.client.sendRefusal(s.ns.name, shown(err), s.client.v2())
		s.client.reportRefusal(s.ns.name, err)
	}
}

// admit is a socket's first task: it runs the middlewares, then connects or refuses the socket.
func (s *Socket) admit() {
	if s.lease != nil {
		if other := s.ns.recovery.claim(s); other != s {
			s.replaceWith(other)
			return
		}
	}
	err, stays := errInterrupted, false // stays: the socket, or one in its place, is in the namespace
	defer func() {
		if err != nil {
			s.refuse(err)
		}
		if !stays {
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
	s.holdBack()
	switch s.register() {
	case connectionClosed:
		s.held.Store(nil)
		return
	case sessionLost:
		s.held.Store(nil)
		stays = true
		s.replaceWith(s.ns.recovery.restart(s))
		return
	}
	stays = true
	s.client.markJoined()
	s.sendConnect()
	if s.ns.server.closing.Load() {
		s.close(ReasonServerShuttingDown, nil, 0)
	}
	defer s.release() // whatever the handlers do
	hook(s.ns.server, fn, ConnectInfo{Socket: s, Took: took})
	for _, fn := range s.ns.load().connection {
		s.call("a connection handler", func() { fn(s) })
	}
}

// errInterrupted means that a middleware ended its goroutine (runtime.Goexit).
var errInterrupted = errors.New("socketio: middleware did not return")

func (s *Socket) runMiddleware() error {
	if s.Recovered() && !s.ns.server.cfg.ConnectionStateRecovery.RunMiddlewares {
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

// sendConnect sends the CONNECT answer, behind the events that a recovered client missed.
func (s *Socket) sendConnect() {
	pid, missed := "", []engineio.Message(nil)
	if s.lease != nil {
		pid = s.lease.pid
		for _, unit := range s.lease.missed {
			missed = append(missed, engineio.Message{Prepared: unit})
		}
		s.lease.missed = nil
		s.ns.recovery.connected(s)
	}
	x := s.ns.server.takeScratch()
	defer x.release()
	s.queueConnect(missed, x.connect(s.ns.name, s.id, pid, s.client.v2()))
}

// admission is the outcome of an attempt to connect a socket.
type admission uint8

const (
	admitted         admission = iota
	connectionClosed           // nothing can be sent any more
	sessionLost                // the session cannot be recovered any more
	roomsPending               // there are rooms to join first
)

// register adds the socket and its rooms to the adapter and makes it a connected one.
func (s *Socket) register() admission {
	a := s.ns.adapter
	entered := false
	enter := func() {
		entered = true
		s.takeID()
		a.Add(s)
	}
	result := roomsPending
	if !s.Recovered() {
		enter()
	} else if !s.ns.recovery.collect(s, func() {
		enter()
		if s.lease.leftOwn {
			a.Leave(s.id, s.id)
		}
		a.Join(s.id, s.takePendingRooms()...)
	}) {
		result = sessionLost
	}
	for result == roomsPending {
		var rooms []string
		rooms, result = s.markConnected()
		if result == roomsPending {
			a.Join(s.id, rooms...)
		}
	}
	if result != admitted && entered {
		a.Remove(s.id)
		s.freeID()
	}
	return result
}

// takePendingRooms returns the rooms that were joined so far.
func (s *Socket) takePendingRooms() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	rooms := s.pendingRooms
	s.pendingRooms = nil
	return rooms
}

// markConnected makes the socket a connected one, or returns the rooms that it must join first.
func (s *Socket) markConnected() (rooms []string, _ admission) {
	if s.lease != nil {
		s.ns.recovery.Lock()
		defer s.ns.recovery.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rooms = s.pendingRooms
	s.pendingRooms = nil
	switch {
	case !s.joining():
		return nil, connectionClosed
	case len(rooms) > 0:
		return rooms, roomsPending
	case s.lease != nil && !s.ns.recovery.connectLocked(s):
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
		s.client.refund(1, s.connectCost)
	}
}

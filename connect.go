package socketio

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

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

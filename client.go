package socketio

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/bucket"
	"github.com/gosocketio/socketio/protocol"
)

// client is one connection: an engine session, whose handler it is, and the sockets that it has in
// namespaces.
type client struct {
	server *Server
	link   engineio.Link
	load   load
	events bucket.Bucket // of Config.EventLimit

	// What the goroutine that delivers messages uses alone.
	decoder protocol.PacketDecoder // nil, without Config.Parser, while no packet is half received
	awaited *time.Timer            // the deadline of attachments; nil until the first binary packet
	batch   *eventQueue            // nil unless a POST with several packets is being taken

	mu      sync.Mutex
	sockets []*Socket // joining and connected, at most one per namespace
	// left are the namespaces whose socket the server disconnected: what the client sent before it
	// knew is not a violation.
	left                []string
	closing             bool         // takes no more packets
	awaitingAttachments bool         // attachments are to come; written by the goroutine that delivers messages
	asked               atomic.Int32 // acknowledgements that it owes
	unwritten           atomic.Int32 // messages that burst is to write
	cause               error        // why the server closes the connection, if it does

	deadline *time.Timer // the connect timeout; nil once joined
}

// maxLeft limits client.left. A client disconnected from more namespaces than that while it keeps
// sending is none to be kind to.
const maxLeft = 32

func (srv *Server) newClient(l engineio.Link) engineio.Handler {
	c := &client{server: srv, link: l}
	if srv.cfg.Parser != nil {
		c.decoder = srv.cfg.Parser.NewDecoder(srv.cfg.MaxAttachments)
	}
	return c
}

func (c *client) session() *engineio.Session { return c.link.Session() }

// Open begins the client's life.
func (c *client) Open() {
	c.mu.Lock()
	c.deadline = time.AfterFunc(c.server.cfg.ConnectTimeout, c.connectTimeout)
	c.mu.Unlock()
	if c.v2() {
		c.connect(&protocol.Packet{Type: protocol.Connect, Namespace: "/"})
	}
}

// connectTimeout ends a connection that joined no namespace in time.
func (c *client) connectTimeout() {
	if !c.session().Trusted() {
		c.shut(ReasonForcedServerClose, ErrConnectTimeout)
	}
}

// markJoined ends the connect timeout and trusts the client: it has joined a namespace.
func (c *client) markJoined() {
	c.mu.Lock()
	d := c.deadline
	c.deadline = nil
	c.mu.Unlock()
	c.link.Trust()
	c.resumeReading() // the limits are higher now
	if d != nil {
		d.Stop()
	}
}

// attachmentTimeout ends a connection that owes attachments.
func (c *client) attachmentTimeout() {
	c.server.workers.begin()
	defer c.server.workers.end()
	c.mu.Lock()
	awaitingAttachments := c.awaitingAttachments
	c.mu.Unlock()
	if awaitingAttachments {
		c.undecodable(ErrAttachmentTimeout)
	}
}

// await restarts the deadline for attachments when more are to come, and ends it otherwise.
func (c *client) await(more bool) {
	if more != c.awaitingAttachments {
		c.mu.Lock()
		c.awaitingAttachments = more
		c.mu.Unlock()
	} else if !more {
		return
	}
	switch {
	case !more:
		c.awaited.Stop()
	case c.awaited == nil:
		c.awaited = time.AfterFunc(c.server.cfg.AttachmentTimeout, c.attachmentTimeout)
	default:
		c.awaited.Reset(c.server.cfg.AttachmentTimeout)
	}
}

// Message takes one engine message.
func (c *client) Message(data []byte, binary bool) {
	c.mu.Lock()
	closing := c.closing
	c.mu.Unlock()
	if closing {
		return
	}
	decoder := c.decoder
	if decoder == nil {
		decoder = c.server.takeDecoder()
	}
	var p *protocol.Packet
	var err error
	plain, isPlain := decoder.(*protocol.Decoder)
	switch {
	case binary && isPlain && c.link.Owned():
		p, err = plain.AddOwned(data)
	case binary:
		p, err = decoder.AddBinary(data)
	default:
		p, err = decoder.AddText(data)
	}
	if err != nil {
		c.undecodable(err)
		return
	}
	if p == nil && !c.session().Trusted() {
		// A CONNECT has none, and for anything else it is too early.
		c.undecodable(fmt.Errorf("%w: a packet with attachments before a namespace was joined", ErrProtocol))
		return
	}
	c.await(p == nil)
	if p == nil {
		c.decoder = decoder
		return
	}
	c.packet(p)
	decoder.Release() // an idle connection keeps no buffer
	if c.server.cfg.Parser == nil {
		c.decoder = nil
		c.server.decoders.Put(decoder)
	}
}

// takeDecoder returns a decoder for one packet.
func (srv *Server) takeDecoder() *protocol.Decoder {
	if d, ok := srv.decoders.Get().(*protocol.Decoder); ok {
		return d
	}
	return &protocol.Decoder{MaxAttachments: srv.cfg.MaxAttachments}
}

// packet acts on a well-formed packet.
func (c *client) packet(p *protocol.Packet) {
	if c.v2() {
		splitQuery(p)
	}
	switch p.Type {
	case protocol.Connect:
		c.connect(p)
		return
	case protocol.ConnectError:
		c.violation(p, "a client sent CONNECT_ERROR")
		return
	}
	s, left := c.find(p.Namespace)
	switch {
	case s == nil && left:
		// It was on its way when the server disconnected the socket.
	case s == nil || !s.Connected() && p.Type == protocol.Event:
		c.violation(p, "the namespace is not joined")
	case p.Type == protocol.Disconnect:
		c.disconnect(s)
	case p.Type == protocol.Ack:
		s.handleAck(p)
	case len(p.Args) == 0:
	case c.server.limited && c.overLimit(s, p):
	default:
		s.enqueue(newEvent(s, p))
	}
}

// find returns the socket in a namespace, or whether the server disconnected it.
func (c *client) find(name string) (s *Socket, left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sockets {
		if s.ns.name == name {
			return s, false
		}
	}
	return nil, slices.Contains(c.left, name)
}

// forget takes a socket out of the connection; byServer when the client may not know yet.
func (c *client) forget(s *Socket, byServer bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.sockets, s)
	if i < 0 {
		return
	}
	c.sockets = slices.Delete(c.sockets, i, i+1)
	if byServer && !slices.Contains(c.left, s.ns.name) {
		if len(c.left) == maxLeft {
			c.left = slices.Delete(c.left, 0, 1)
		}
		c.left = append(c.left, s.ns.name)
	}
}

// beginClose marks the connection as ending and returns its sockets; first is false when it was
// marked before.
func (c *client) beginClose(cause error) (sockets []*Socket, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil, false
	}
	c.closing = true
	c.cause = cause
	return slices.Clone(c.sockets), true
}

// violation ends the connection of a client that broke a rule of the protocol.
func (c *client) violation(p *protocol.Packet, what string) {
	err := fmt.Errorf("%w: %s: %s for %s", ErrProtocol, what, p.Type, p.Namespace)
	c.shut(ReasonForcedServerClose, err)
}

// shut disconnects all sockets and closes the connection once what is queued has been sent.
func (c *client) shut(reason Reason, cause error) {
	sockets, first := c.beginClose(cause)
	if !first {
		return
	}
	c.mu.Lock()
	c.sockets = nil
	c.mu.Unlock()
	closeSockets(sockets, reason, cause)
	c.closeAfterRelease(sockets)
}

// undecodable closes the connection of a client that sent no Socket.IO packet. Its sockets
// disconnect when the engine has closed, as in the official server.
func (c *client) undecodable(err error) {
	sockets, first := c.beginClose(err)
	if !first {
		return
	}
	if len(sockets) == 0 {
		c.server.callOnError(nil, err)
	}
	for _, s := range sockets {
		c.server.callOnError(s, err)
	}
	c.closeAfterRelease(sockets)
}

// TooLarge implements engineio.Handler: a client that has joined no namespace sent too much. Nearly always that is
// a CONNECT with a large token, so that the answer is a CONNECT_ERROR, after which official clients do not try again.
func (c *client) TooLarge(head []byte, why string) {
	name := "/"
	if rest, isConnect := bytes.CutPrefix(head, []byte("0/")); isConnect {
		end := bytes.IndexByte(rest, ',')
		if end < 0 { // the name did not arrive
			return
		}
		name = "/" + string(rest[:end])
	}
	c.sendRefusal(name, &Error{Message: errAuth.Message + ": " + why}, c.v2())
}

// Close implements engineio.Handler: the session has ended.
func (c *client) Close(reason engineio.Reason, cause error) {
	c.mu.Lock()
	c.closing = true
	c.stopStallTimerLocked()
	d := c.deadline
	sockets := c.sockets
	c.sockets, c.deadline = nil, nil
	if cause == nil {
		cause = c.cause
	}
	c.mu.Unlock()
	// A wait for attachments is left to expire: it belongs to the goroutine that delivers messages,
	// and finds c deaf.
	if d != nil {
		d.Stop()
	}
	ended := Reason(reason)
	if errors.Is(cause, ErrServerClosed) {
		ended = ReasonServerShuttingDown
		if !c.server.closing.Load() {
			sockets = slices.DeleteFunc(sockets, (*Socket).closeAfterInbox)
		}
	}
	closeSockets(sockets, ended, cause)
}

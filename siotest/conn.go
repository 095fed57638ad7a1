package siotest

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/gosocketio/socketio/protocol"
)

// Conn is a connection, which may join several namespaces. Its methods may be called from any
// goroutine.
type Conn struct {
	id string
	tr transport

	sending sync.Mutex // the messages of a packet stay together

	mu      sync.Mutex
	clients map[string]*Client // by namespace
	closed  bool               // Close was called
	reason  string             // why the connection ended; empty until then
	done    chan struct{}      // closed when the connection has ended
}

func newConn(id string, tr transport) *Conn {
	c := &Conn{id: id, tr: tr, clients: make(map[string]*Client), done: make(chan struct{})}
	go c.read()
	return c
}

// ID returns the id of the connection: that of Socket.Conn() at the server.
func (c *Conn) ID() string { return c.id }

// Done returns a channel that is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Close closes the connection. The reason at the server is "transport close".
func (c *Conn) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.tr.close()
	<-c.done
}

// read handles the server's packets until the connection ends.
func (c *Conn) read() {
	var d protocol.Decoder
	reason := ReasonTransportClose
	for {
		data, binary, err := c.tr.receive()
		if err != nil {
			break
		}
		add := d.AddText
		if binary {
			add = d.AddBinary
		}
		p, err := add(data)
		if err != nil {
			reason = ReasonParseError
			c.tr.close()
			break
		}
		if p != nil {
			c.packet(p)
		}
	}
	c.mu.Lock()
	if c.closed {
		reason = ReasonClientDisconnect
	}
	c.reason = reason
	clients := c.clients
	c.clients = nil
	c.mu.Unlock()
	for _, x := range clients {
		x.end(reason)
	}
	close(c.done)
}

// packet handles a packet. It ignores packets of namespaces that no client has joined.
func (c *Conn) packet(p *protocol.Packet) {
	c.mu.Lock()
	x := c.clients[p.Namespace]
	c.mu.Unlock()
	if x == nil {
		return
	}
	switch p.Type {
	case protocol.Connect:
		x.accepted(p)
	case protocol.ConnectError:
		c.remove(x)
		x.refused(p)
	case protocol.Disconnect:
		c.remove(x)
		x.end(ReasonServerDisconnect)
	case protocol.Event:
		x.event(p)
	case protocol.Ack:
		x.ack(p)
	}
}

// remove removes a client, whose packets are then ignored.
func (c *Conn) remove(x *Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clients[x.namespace] == x {
		delete(c.clients, x.namespace)
	}
}

// Join joins a namespace. auth is the client's "auth" option: nil, or a value that encodes to a
// JSON object.
//
// The error is a [*ConnectError] if the server refuses the client, and a [*DisconnectError] if the
// connection has ended.
func (c *Conn) Join(ctx context.Context, namespace string, auth any) (*Client, error) {
	if !strings.HasPrefix(namespace, "/") {
		namespace = "/" + namespace
	}
	text := protocol.AppendHeader(nil, protocol.Connect, 0, namespace, 0, false)
	if auth != nil {
		var err error
		if text, err = protocol.AppendControl(nil, protocol.Connect, namespace, auth); err != nil {
			return nil, err
		}
	}
	x := newClient(c, namespace)
	c.mu.Lock()
	switch {
	case c.reason != "":
		c.mu.Unlock()
		return nil, &DisconnectError{c.reason}
	case c.clients[namespace] != nil:
		c.mu.Unlock()
		return nil, fmt.Errorf("siotest: the connection has already joined namespace %q", namespace)
	}
	c.clients[namespace] = x
	c.mu.Unlock()
	if err := c.send(text, nil); err != nil {
		c.remove(x)
		return nil, err
	}
	select {
	case <-x.answered:
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.id == "" {
			return nil, x.err
		}
		return x, nil
	case <-ctx.Done():
		c.remove(x)
		return nil, fmt.Errorf("siotest: no answer to the join of namespace %q: %w", namespace, context.Cause(ctx))
	}
}

// send sends one packet.
func (c *Conn) send(text []byte, attachments [][]byte) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.tr.send(text, attachments)
}

package siotest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/gosocketio/socketio/protocol"
)

// Client is a client of one namespace. Its methods may be called from any goroutine.
type Client struct {
	conn      *Conn
	namespace string
	answered  chan struct{} // closed when the server has accepted or refused the client
	done      chan struct{} // closed when the client is disconnected

	mu      sync.Mutex
	id      string // empty until the server has accepted the client
	err     error  // why it is disconnected
	queue   []*Message
	changed chan struct{} // closed and replaced when queue or err changes
	acks    map[uint64]chan *Message
	nextAck uint64
}

func newClient(c *Conn, namespace string) *Client {
	return &Client{
		conn: c, namespace: namespace, answered: make(chan struct{}), done: make(chan struct{}),
		changed: make(chan struct{}), acks: make(map[uint64]chan *Message),
	}
}

// ID returns the socket's id, as the server knows it.
func (x *Client) ID() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.id
}

// Namespace returns the name of the namespace.
func (x *Client) Namespace() string { return x.namespace }

// Conn returns the connection.
func (x *Client) Conn() *Conn { return x.conn }

// Done returns a channel that is closed when the client is disconnected.
func (x *Client) Done() <-chan struct{} { return x.done }

// Reason returns why the client is disconnected, in the official client's words; "" before that.
func (x *Client) Reason() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if e := (*DisconnectError)(nil); errors.As(x.err, &e) {
		return e.Reason
	}
	return ""
}

// Emit sends an event. Args are encoded as by encoding/json; a []byte at any depth is an
// attachment.
func (x *Client) Emit(event string, args ...any) error { return x.emit(event, args, 0, false) }

// EmitWithAck sends an event and waits for the server's acknowledgement.
func (x *Client) EmitWithAck(ctx context.Context, event string, args ...any) (*Message, error) {
	answer := make(chan *Message, 1)
	x.mu.Lock()
	id := x.nextAck
	x.nextAck++
	x.acks[id] = answer
	x.mu.Unlock()
	defer func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.acks, id)
	}()
	if err := x.emit(event, args, id, true); err != nil {
		return nil, err
	}
	select {
	case m := <-answer:
		return m, nil
	case <-x.done:
		select {
		case m := <-answer:
			return m, nil
		default:
			return nil, x.disconnected()
		}
	case <-ctx.Done():
		return nil, fmt.Errorf("siotest: no acknowledgement of %q arrived: %w", event, context.Cause(ctx))
	}
}

func (x *Client) emit(event string, args []any, id uint64, withAck bool) error {
	if err := x.disconnected(); err != nil {
		return err
	}
	text, attachments, err := protocol.AppendPacket(nil, protocol.Event, x.namespace, id, withAck, event, args)
	if err != nil {
		return err
	}
	return x.conn.send(text, attachments)
}

// disconnected returns why the client is disconnected, or nil.
func (x *Client) disconnected() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.err
}

// Receive waits for an event of this name and returns it.
//
// Events of other names stay queued, in order. The error is a [*DisconnectError] once the client is
// disconnected and no such event is queued.
func (x *Client) Receive(ctx context.Context, event string) (*Message, error) {
	return x.wait(ctx, strconv.Quote(event), func(m *Message) bool { return m.event == event })
}

// Next waits for the next event of any name and returns it.
func (x *Client) Next(ctx context.Context) (*Message, error) {
	return x.wait(ctx, "of any name", func(*Message) bool { return true })
}

// Pending returns the number of queued events: those that have arrived and were not received.
//
// In a bubble of testing/synctest, everything that the server sent has arrived after synctest.Wait.
func (x *Client) Pending() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.queue)
}

// wait waits for an event that matches and returns it. which describes it.
func (x *Client) wait(ctx context.Context, which string, matches func(*Message) bool) (*Message, error) {
	for {
		x.mu.Lock()
		for i, m := range x.queue {
			if matches(m) {
				x.queue = append(x.queue[:i:i], x.queue[i+1:]...)
				x.mu.Unlock()
				return m, nil
			}
		}
		err, changed := x.err, x.changed
		x.mu.Unlock()
		if err != nil {
			return nil, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("siotest: no event %s arrived: %w", which, context.Cause(ctx))
		}
	}
}

// Disconnect leaves the namespace and keeps the connection.
//
// The reason at the server is "client namespace disconnect".
func (x *Client) Disconnect() error {
	x.conn.remove(x)
	if !x.end(ReasonClientDisconnect) {
		return nil
	}
	return x.conn.send(protocol.AppendHeader(nil, protocol.Disconnect, 0, x.namespace, 0, false), nil)
}

// accepted handles a CONNECT packet.
func (x *Client) accepted(p *protocol.Packet) {
	var data struct{ Sid string }
	_ = json.Unmarshal(p.Data, &data)
	x.mu.Lock()
	first := x.id == "" && x.err == nil && data.Sid != ""
	if first {
		x.id = data.Sid
	}
	x.mu.Unlock()
	if first {
		close(x.answered)
	}
}

// refused handles a CONNECT_ERROR packet.
func (x *Client) refused(p *protocol.Packet) {
	e := &ConnectError{}
	if json.Unmarshal(p.Data, e) != nil {
		e.Message = string(p.Data)
	}
	x.fail(e)
}

// end disconnects the client. It returns false if the client was disconnected already.
func (x *Client) end(reason string) bool { return x.fail(&DisconnectError{reason}) }

// fail is end with the error of later calls.
func (x *Client) fail(err error) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil {
		return false
	}
	x.err = err
	if x.id == "" {
		close(x.answered)
	}
	close(x.done)
	x.changedLocked()
	return true
}

// event handles an EVENT packet.
func (x *Client) event(p *protocol.Packet) {
	m := newMessage(x, p, 1)
	m.event, m.id, m.wantsAck = protocol.EventName(p.Arg(0)), p.ID, p.HasID
	x.mu.Lock()
	defer x.mu.Unlock()
	x.queue = append(x.queue, m)
	x.changedLocked()
}

// changedLocked wakes the goroutines in wait. The caller must hold x.mu.
func (x *Client) changedLocked() {
	close(x.changed)
	x.changed = make(chan struct{})
}

// ack handles an ACK packet.
func (x *Client) ack(p *protocol.Packet) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if answer := x.acks[p.ID]; answer != nil && p.HasID {
		delete(x.acks, p.ID)
		answer <- newMessage(x, p, 0)
	}
}

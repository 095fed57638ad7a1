package siotest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/gosocketio/socketio/protocol"
)

// Client is a client of one namespace. Its methods may be called from any goroutine.
type Client struct {
	conn      *Conn
	namespace string
	settled   chan struct{} // closed when the server accepted or refused
	done      chan struct{} // closed when it is not connected any more

	mu    sync.Mutex
	id    string
	err   error // why it is not connected (any more)
	queue []*Message
	news  chan struct{} // closed, and made anew, when something comes
	acks  map[uint64]chan *Message
	next  uint64 // acknowledgement id
}

func newClient(c *Conn, namespace string) *Client {
	return &Client{
		conn: c, namespace: namespace, settled: make(chan struct{}), done: make(chan struct{}),
		news: make(chan struct{}), acks: make(map[uint64]chan *Message),
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
	if gone := (*DisconnectError)(nil); errors.As(x.err, &gone) {
		return gone.Reason
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
	id := x.next
	x.next++
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
			return nil, x.ended()
		}
	case <-ctx.Done():
		return nil, fmt.Errorf("siotest: waiting for the acknowledgement of %q: %w", event, context.Cause(ctx))
	}
}

func (x *Client) emit(event string, args []any, id uint64, withAck bool) error {
	if err := x.ended(); err != nil {
		return err
	}
	text, attachments, err := protocol.AppendPacket(nil, protocol.Event, x.namespace, id, withAck, event, args)
	if err != nil {
		return err
	}
	return x.conn.send(text, attachments)
}

func (x *Client) ended() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.err
}

// Receive waits for an event of this name and returns it.
// Events of other names stay queued, in order, for other calls. Once the client is disconnected and
// no such event is left, the error is a [*DisconnectError].
func (x *Client) Receive(ctx context.Context, event string) (*Message, error) {
	return x.await(ctx, func(m *Message) bool { return m.event == event })
}

// Next waits for the next event of any name and returns it.
func (x *Client) Next(ctx context.Context) (*Message, error) {
	return x.await(ctx, func(*Message) bool { return true })
}

// Pending returns the number of events that have arrived and were not received yet.
// In a bubble of testing/synctest, after synctest.Wait, that is all that the server sent.
func (x *Client) Pending() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.queue)
}

func (x *Client) await(ctx context.Context, wanted func(*Message) bool) (*Message, error) {
	for {
		x.mu.Lock()
		for i, m := range x.queue {
			if wanted(m) {
				x.queue = append(x.queue[:i:i], x.queue[i+1:]...)
				x.mu.Unlock()
				return m, nil
			}
		}
		err, news := x.err, x.news
		x.mu.Unlock()
		if err != nil {
			return nil, err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, fmt.Errorf("siotest: waiting for an event: %w", context.Cause(ctx))
		}
	}
}

// Disconnect leaves the namespace and keeps the connection.
// The reason at the server is "client namespace disconnect".
func (x *Client) Disconnect() error {
	x.conn.forget(x)
	if !x.end(ReasonClientDisconnect) {
		return nil
	}
	return x.conn.send(protocol.AppendHeader(nil, protocol.Disconnect, 0, x.namespace, 0, false), nil)
}

// joined handles a CONNECT.
func (x *Client) joined(p *protocol.Packet) {
	var data struct{ Sid string }
	_ = json.Unmarshal(p.Data, &data)
	x.mu.Lock()
	first := x.id == "" && x.err == nil && data.Sid != ""
	if first {
		x.id = data.Sid
	}
	x.mu.Unlock()
	if first {
		close(x.settled)
	}
}

// refused handles a CONNECT_ERROR.
func (x *Client) refused(p *protocol.Packet) {
	e := &ConnectError{}
	if json.Unmarshal(p.Data, e) != nil {
		e.Message = string(p.Data)
	}
	x.stop(e)
}

// end disconnects the client. It returns false when it was disconnected already.
func (x *Client) end(reason string) bool { return x.stop(&DisconnectError{reason}) }

func (x *Client) stop(err error) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil {
		return false
	}
	x.err = err
	if x.id == "" {
		close(x.settled)
	}
	close(x.done)
	close(x.news)
	x.news = make(chan struct{})
	return true
}

func (x *Client) received(p *protocol.Packet) {
	m := newMessage(x, p, 1)
	m.event, m.id, m.wantsAck = protocol.EventName(p.Arg(0)), p.ID, p.HasID
	x.mu.Lock()
	defer x.mu.Unlock()
	x.queue = append(x.queue, m)
	close(x.news)
	x.news = make(chan struct{})
}

func (x *Client) answered(p *protocol.Packet) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if answer := x.acks[p.ID]; answer != nil && p.HasID {
		delete(x.acks, p.ID)
		answer <- newMessage(x, p, 0)
	}
}

package siotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/gosocketio/socketio/protocol"
)

// Message is an event that the server sent, or its answer to one.
type Message struct {
	client      *Client
	event       string
	args        []json.RawMessage
	attachments [][]byte
	id          uint64
	wantsAck    bool
	answered    atomic.Bool
}

// newMessage copies a packet, without the first skip elements of its payload.
func newMessage(x *Client, p *protocol.Packet, skip int) *Message {
	m := &Message{client: x, attachments: p.Attachments}
	for i := skip; i < len(p.Args); i++ {
		m.args = append(m.args, bytes.Clone(p.Arg(i)))
	}
	return m
}

// Event returns the event's name, "" for an answer.
func (m *Message) Event() string { return m.event }

// Len returns the number of arguments.
func (m *Message) Len() int { return len(m.args) }

// Decode stores the first arguments in what the pointers point to, as encoding/json does.
// A []byte at any depth takes the binary value. It is an error when there are fewer arguments.
func (m *Message) Decode(pointers ...any) error {
	if len(pointers) > len(m.args) {
		return fmt.Errorf("siotest: %d arguments, %d expected", len(m.args), len(pointers))
	}
	for i, v := range pointers {
		if err := protocol.Decode(m.args[i], m.attachments, v); err != nil {
			return fmt.Errorf("siotest: argument %d: %w", i+1, err)
		}
	}
	return nil
}

// Args returns the arguments as any values of encoding/json, with []byte for binary ones.
func (m *Message) Args() []any {
	args := make([]any, len(m.args))
	for i, raw := range m.args {
		_ = protocol.Decode(raw, m.attachments, &args[i]) // nil where a number has no float64
	}
	return args
}

// String returns the event's name and arguments, for failure messages.
func (m *Message) String() string { return fmt.Sprint(m.event, m.Args()) }

// WantsAck reports whether the server asked for an acknowledgement.
func (m *Message) WantsAck() bool { return m.wantsAck }

// Ack acknowledges the event. It is an error when the server did not ask, or has the answer
// already.
func (m *Message) Ack(args ...any) error {
	switch {
	case !m.wantsAck:
		return fmt.Errorf("siotest: no acknowledgement of %q is wanted", m.event)
	case !m.answered.CompareAndSwap(false, true):
		return fmt.Errorf("siotest: %q is acknowledged already", m.event)
	}
	text, attachments, err := protocol.AppendPacket(nil, protocol.Ack, m.client.namespace, m.id, true, "", args)
	if err != nil {
		return err
	}
	return m.client.conn.send(text, attachments)
}

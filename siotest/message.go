package siotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/gosocketio/socketio/protocol"
)

// Message is an event from the server, or its acknowledgement of an event.
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

// Event returns the event's name, or "" for an acknowledgement.
func (m *Message) Event() string { return m.event }

// Len returns the number of arguments.
func (m *Message) Len() int { return len(m.args) }

// Decode decodes the first arguments into the values that pointers point to, as encoding/json does.
//
// A []byte at any depth takes a binary value. More pointers than arguments are an error.
func (m *Message) Decode(pointers ...any) error {
	if len(pointers) > len(m.args) {
		return fmt.Errorf("siotest: the message has %d arguments, Decode was called with %d pointers",
			len(m.args), len(pointers))
	}
	for i, v := range pointers {
		if err := protocol.Decode(m.args[i], m.attachments, v); err != nil {
			return fmt.Errorf("siotest: decode argument %d: %w", i+1, err)
		}
	}
	return nil
}

// Args returns the arguments as encoding/json decodes them into an any, binary values as []byte.
func (m *Message) Args() []any {
	args := make([]any, len(m.args))
	for i, raw := range m.args {
		_ = protocol.Decode(raw, m.attachments, &args[i]) // stays nil for a number beyond float64
	}
	return args
}

// String returns the event's name and arguments, for failure messages.
func (m *Message) String() string { return fmt.Sprint(m.event, m.Args()) }

// WantsAck reports whether the server asked for an acknowledgement.
func (m *Message) WantsAck() bool { return m.wantsAck }

// Ack acknowledges the event. A second call is an error, and so is a call for an event for which
// the server did not ask for an acknowledgement.
func (m *Message) Ack(args ...any) error {
	switch {
	case !m.wantsAck:
		return fmt.Errorf("siotest: the server did not ask for an acknowledgement of %q", m.event)
	case !m.answered.CompareAndSwap(false, true):
		return fmt.Errorf("siotest: %q was already acknowledged", m.event)
	}
	text, attachments, err := protocol.AppendPacket(nil, protocol.Ack, m.client.namespace, m.id, true, "", args)
	if err != nil {
		return err
	}
	return m.client.conn.send(text, attachments)
}

package socketio

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/refusal"
	"github.com/gosocketio/socketio/protocol"
)

// Event is an event that a client sent. It may be kept after the handler has returned, and be acknowledged then if the
// handler called [Event.AckLater].
type Event struct {
	socket *Socket
	name   string // "" until resolved
	data   []byte // the payload, a JSON array; spans are its elements
	spans  []protocol.Span
	few    [4]protocol.Span // what spans starts with
	small  [96]byte         // what data starts with: a small event is one allocation

	attachments [][]byte
	ackID       uint64
	wantsAck    bool
	later       bool // AckLater was called
	answered    atomic.Bool

	next *Event // in the inbox
	cost int64
}

// newEvent makes an event of a packet, which is valid only for now.
func newEvent(s *Socket, p *protocol.Packet) *Event {
	e := &Event{socket: s, attachments: p.Attachments, ackID: p.ID, wantsAck: p.HasID}
	e.spans = append(e.few[:0], p.Args...)
	if len(p.Data) <= len(e.small) && p.Attachments == nil {
		e.data = append(e.small[:0], p.Data...)
	} else {
		e.data = keep(p)
	}
	return e
}

// keep returns the payload for longer than the packet is valid.
func keep(p *protocol.Packet) []byte {
	if p.Attachments != nil {
		return p.Data // the decoder's copy, which it gives away
	}
	return bytes.Clone(p.Data)
}

// size is the payload in bytes.
func (e *Event) size() int {
	n := len(e.data)
	for _, a := range e.attachments {
		n += len(a)
	}
	return n
}

// memory is what the event keeps besides itself and its small payloads, in bytes.
func (e *Event) memory() int {
	n := e.size() + len(e.attachments)*int(unsafe.Sizeof([]byte(nil)))
	if len(e.spans) > len(e.few) {
		n += len(e.spans) * int(unsafe.Sizeof(protocol.Span{}))
	}
	return n
}

func (e *Event) span(i int) []byte { return e.data[e.spans[i].Start:e.spans[i].End] }

// Name returns the event's name. A number sent as name is returned in JSON form.
func (e *Event) Name() string { return e.name }

// Socket returns the socket that the event came from.
func (e *Event) Socket() *Socket { return e.socket }

// Context returns the socket's context.
func (e *Event) Context() context.Context { return e.socket.Context() }

// Len returns the number of arguments.
func (e *Event) Len() int { return len(e.spans) - 1 }

// Decode decodes the first arguments into the values that pointers point to, as encoding/json does; a []byte at any
// depth takes the binary value that the client sent there, or, as in encoding/json, the bytes of a string in base64. (For
// what may be text or binary decode into an any.) It is an error (ErrArguments) when the client sent fewer; what it sent
// besides is ignored.
func (e *Event) Decode(pointers ...any) error {
	if len(pointers) > e.Len() {
		return fmt.Errorf("%w: %d sent, %d expected", ErrArguments, e.Len(), len(pointers))
	}
	for i, v := range pointers {
		if err := e.decode(i+1, v); err != nil {
			return argumentError(i, err)
		}
	}
	return nil
}

func argumentError(i int, err error) error {
	return fmt.Errorf("%w: argument %s: %w", ErrArguments, strconv.Itoa(i+1), refusal.Inner(err))
}

// Args returns the arguments as what encoding/json makes of any JSON value, with []byte where the client sent
// binary. They can be emitted again as they are. An argument with a number that no float64 holds is nil.
func (e *Event) Args() []any {
	args := make([]any, e.Len())
	for i := range args {
		if e.decode(i+1, &args[i]) != nil {
			args[i] = nil
		}
	}
	return args
}

// decode decodes an element of the payload.
func (e *Event) decode(i int, v any) error {
	switch v := v.(type) {
	case *string:
		if s, ok := e.text(i); ok && v != nil {
			*v = s
			return nil
		}
	case *any:
		if v == nil || *v != nil { // what it holds may be a pointer, to what is decoded into
			break
		}
		if s, ok := e.text(i); ok {
			*v = s
			return nil
		}
	}
	return protocol.Decode(e.span(i), e.attachments, v)
}

// text returns a string that makes up most of a payload that is an allocation of its own, as a part of it: a copy would have to
// be made and collected for each message. The payload is never changed. Whoever keeps the string keeps less than twice its size.
func (e *Event) text(i int) (string, bool) {
	raw := e.span(i)
	if len(raw) <= len(e.small) || 2*len(raw) < len(e.data) || e.attachments != nil || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return "", false
	}
	// The payload is JSON: without a backslash, what is between the quotes is the string. Only a parser of the user's may have
	// let through what is not UTF-8.
	s := raw[1 : len(raw)-1]
	if bytes.IndexByte(s, '\\') >= 0 || !utf8.Valid(s) {
		return "", false
	}
	return unsafe.String(unsafe.SliceData(s), len(s)), true //nolint:gosec // what is never changed
}

// anyValue decodes an argument of no particular type. It is well-formed, but a number may be out of range.
func anyValue(raw []byte, attachments [][]byte) any {
	var v any
	if protocol.Decode(raw, attachments, &v) != nil {
		return nil
	}
	return v
}

// Rewrite replaces the name and the arguments, for a middleware of the socket. It fails when args cannot be
// encoded.
func (e *Event) Rewrite(name string, args ...any) error {
	data, spans := []byte{'['}, make([]protocol.Span, 0, 1+len(args))
	var attachments [][]byte
	for i, v := range append([]any{name}, args...) {
		if i > 0 {
			data = append(data, ',')
		}
		start := len(data)
		var err error
		if data, attachments, err = protocol.AppendJSON(data, attachments, v); err != nil {
			return err
		}
		spans = append(spans, protocol.Span{Start: uint32(start), End: uint32(len(data))})
	}
	e.name, e.data, e.spans, e.attachments = name, append(data, ']'), spans, attachments
	return nil
}

// WantsAck tells whether the client asked for an acknowledgement.
func (e *Event) WantsAck() bool { return e.wantsAck }

// AckLater leaves the acknowledgement to a later call of [Event.Ack], from any goroutine. Without it an event that asked for an
// acknowledgement is answered when its handlers have returned: with no arguments, or with the error of one that failed. A handler
// must call AckLater before it returns. The client waits, for ever if it has set no timeout, until Ack is called.
func (e *Event) AckLater() { e.later = true }

// due tells whether the end of the handlers has to answer the client.
func (e *Event) due() bool {
	return e.wantsAck && !e.later && !e.answered.Load() && e.socket.state.Load() != stateDisconnected
}

// Ack answers the event. Only the first call counts, later ones return ErrAnswered. Without WantsAck it does
// nothing. It works as long as the connection is open, even after the socket left its namespace; otherwise it
// returns ErrClosed.
func (e *Event) Ack(args ...any) error {
	if !e.wantsAck {
		return nil
	}
	// Encoded first: after an error there is still an answer to give.
	x := e.socket.ns.server.takeScratch()
	defer x.release()
	frames, err := x.packet(protocol.Ack, e.socket.ns.name, e.ackID, true, "", args)
	if err != nil {
		return err
	}
	if !e.answered.CompareAndSwap(false, true) {
		return ErrAnswered
	}
	return e.socket.write(frames, e.socket.options(adapter.Flags{}))
}

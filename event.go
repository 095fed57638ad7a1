package socketio

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/refusal"
	"github.com/gosocketio/socketio/protocol"
)

// Event is an event that a client sent.
//
// It may be kept after the handler has returned, and acknowledged then if the handler called
// [Event.AckLater].
type Event struct {
	socket *Socket
	name   string // "" until resolved
	data   []byte // the payload, a JSON array; spans are its elements
	spans  []protocol.Span
	few    [4]protocol.Span // what spans starts with
	small  [80]byte         // what data starts with: a small event is one allocation

	attachments [][]byte
	ackID       uint64
	wantsAck    bool
	later       bool // AckLater was called
	answered    atomic.Bool

	ctx  context.Context // of Hooks.Begin; nil: the socket's
	next *Event          // in the inbox
	cost int64
}

// newEvent returns the event in a packet, which is valid only during the call.
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

// keep returns a payload that stays valid after the packet.
func keep(p *protocol.Packet) []byte {
	if p.Attachments != nil {
		return p.Data // already a copy of its own
	}
	return bytes.Clone(p.Data)
}

// size returns the size of the payload in bytes.
func (e *Event) size() int {
	n := len(e.data)
	for _, a := range e.attachments {
		n += len(a)
	}
	return n
}

// memory returns what the event holds besides itself and a small payload, in bytes.
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

// Context returns the socket's context, or what [Hooks].Begin made of it.
func (e *Event) Context() context.Context {
	if e.ctx != nil {
		return e.ctx
	}
	return e.socket.Context()
}

// Len returns the number of arguments.
func (e *Event) Len() int { return len(e.spans) - 1 }

// Decode decodes the first arguments into the values that pointers point to.
//
// It follows encoding/json. A []byte at any depth takes a binary value, or the bytes of a string in
// base64. An any takes either text or binary. Fewer arguments than pointers are an error
// (ErrArguments); further arguments are ignored.
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

// Args returns the arguments as encoding/json decodes them into an any, with []byte for binary.
//
// They can be emitted again as they are. An argument with a number out of range of float64 is nil.
func (e *Event) Args() []any {
	args := make([]any, e.Len())
	for i := range args {
		if e.decode(i+1, &args[i]) != nil {
			args[i] = nil
		}
	}
	return args
}

// decode decodes the i-th element of the payload.
func (e *Event) decode(i int, v any) error {
	switch v := v.(type) {
	case *string:
		if s, ok := e.text(i); ok && v != nil {
			*v = s
			return nil
		}
	case *json.RawMessage:
		if v != nil { // the payload is known to be JSON
			*v = append((*v)[:0], e.span(i)...)
			return nil
		}
	case *any:
		if v == nil || *v != nil { // it may hold a pointer, which is decoded into
			break
		}
		if s, ok := e.text(i); ok {
			*v = s
			return nil
		}
	}
	return protocol.Decode(e.span(i), e.attachments, v)
}

// text returns a string argument without a copy, as a part of the payload, which never changes.
//
// The string must make up half of a payload with an allocation of its own: whoever keeps the string
// keeps less than twice its size.
func (e *Event) text(i int) (string, bool) {
	raw := e.span(i)
	if len(raw) <= len(e.small) || 2*len(raw) < len(e.data) || e.attachments != nil ||
		raw[0] != '"' || raw[len(raw)-1] != '"' {
		return "", false
	}
	// The payload is JSON: without a backslash, the string is what is between the quotes. Only
	// Config.Parser may let through what is not UTF-8.
	s := raw[1 : len(raw)-1]
	if bytes.IndexByte(s, '\\') >= 0 || !utf8.Valid(s) {
		return "", false
	}
	return unsafe.String(unsafe.SliceData(s), len(s)), true //nolint:gosec // never changed
}

// anyValue decodes well-formed JSON into an any. It is nil if a number is out of range.
func anyValue(raw []byte, attachments [][]byte) any {
	var v any
	if protocol.Decode(raw, attachments, &v) != nil {
		return nil
	}
	return v
}

// Rewrite replaces the name and the arguments, for a middleware of the socket.
//
// It fails when args cannot be encoded.
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

// AckLater leaves the acknowledgement to a later call of [Event.Ack], from any goroutine.
//
// Without it an event is answered when its handlers have returned: with no arguments, or with the
// error of one that failed. A handler must call AckLater before it returns. A client that has set
// no timeout waits for ever until Ack is called.
func (e *Event) AckLater() { e.later = true }

// ackDue tells whether the client must be answered when the handlers have returned.
func (e *Event) ackDue() bool {
	return e.wantsAck && !e.later && !e.answered.Load() && e.socket.state.Load() != stateDisconnected
}

// Ack answers the event. It does nothing unless [Event.WantsAck].
//
// Only the first call counts, later ones return ErrAnswered. It works while the connection is open,
// even after the socket has left its namespace; then it returns ErrClosed.
func (e *Event) Ack(args ...any) error {
	if !e.wantsAck {
		return nil
	}
	// Encoded first: after an error there is still an answer to give.
	x := e.socket.ns.server.takeScratch()
	defer x.release()
	frames, tail, err := x.packet(protocol.Ack, e.socket.ns.name, e.ackID, true, "", args)
	if err != nil {
		return err
	}
	if !e.answered.CompareAndSwap(false, true) {
		return ErrAnswered
	}
	return e.socket.write(e.socket.when(adapter.Flags{}), engineio.Message{Frames: frames, Tail: tail})
}

package adapter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gosocketio/socketio/protocol"
)

// Packet is an event for many sockets: a name and arguments, or Data, or both.
//
// It is encoded late, because there may be no receiver, and at most once.
type Packet struct {
	Event string
	Args  []any
	// Data is the encoded event, the JSON array ["event", args...]. It is nil until Encode.
	// A packet of another server has only this, see [Packet.Decode].
	Data []byte
	// Attachments are the binary values that placeholders in Data refer to.
	Attachments [][]byte
	// ID is the acknowledgement id that the sender chose, if HasID. Official servers do so for one
	// socket of their own when they recover connections.
	ID    uint64
	HasID bool
	// Position is the position of the event in the broker's log, "" if it has none (see [Recoverer]).
	Position string
}

// Encode sets Data and Attachments, unless they are set. Attachments are not copied.
func (p *Packet) Encode() error {
	if p.Data != nil {
		return nil
	}
	data, attachments, err := p.AppendData(nil)
	if err == nil {
		p.Data, p.Attachments = data, attachments
	}
	return err
}

// AppendData appends Data, or what Encode would make of it, and returns the attachments too.
func (p *Packet) AppendData(dst []byte) (data []byte, attachments [][]byte, err error) {
	if p.Data != nil {
		return append(dst, p.Data...), p.Attachments, nil
	}
	return protocol.AppendArgs(slices.Grow(dst, p.Size()), nil, p.Event, true, p.Args)
}

// Size estimates the length of Data, to allocate memory for it.
func (p *Packet) Size() int {
	if p.Data != nil {
		return len(p.Data)
	}
	size := len(p.Event) + 32
	for _, arg := range p.Args {
		if text, ok := arg.(string); ok { // the rest grows
			size += len(text)
		}
	}
	return size
}

// plain reports whether all arguments are text, numbers, booleans or binary: nothing in them is
// nested, and each can be encoded.
func (p *Packet) plain() bool {
	for _, arg := range p.Args {
		switch arg.(type) {
		case nil, string, bool, int, int64, uint64, float64, []byte:
		default:
			return false
		}
	}
	return true
}

// Name returns the event's name.
func (p *Packet) Name() string {
	if p.Event != "" || len(p.Data) == 0 {
		return p.Event
	}
	name := bytes.TrimLeft(p.Data[1:], " \t\r\n")
	if end := protocol.SkipValue(name, 0); end > 0 {
		return protocol.EventName(name[:end])
	}
	return ""
}

// Decode returns the event's name and arguments. Where it has only Data, it decodes that each time.
func (p *Packet) Decode() (event string, args []any, err error) {
	if p.Data == nil || p.Event != "" || p.Args != nil {
		return p.Event, p.Args, nil
	}
	event, values, err := p.Split()
	if err != nil {
		return "", nil, err
	}
	args = make([]any, len(values))
	for i, raw := range values {
		if err := protocol.Decode(raw, p.Attachments, &args[i]); err != nil {
			return "", nil, err
		}
	}
	return event, args, nil
}

// Split returns the name and the arguments in Data, one JSON value each. They alias Data.
func (p *Packet) Split() (event string, args []json.RawMessage, err error) {
	spans, ok := protocol.SplitArray(nil, p.Data)
	if !ok || len(spans) == 0 {
		return "", nil, fmt.Errorf("%w: it is not the array of an event", protocol.ErrDecode)
	}
	args = make([]json.RawMessage, len(spans)-1)
	for i, span := range spans[1:] {
		args[i] = p.Data[span.Start:span.End:span.End]
	}
	return protocol.EventName(p.Data[spans[0].Start:spans[0].End]), args, nil
}

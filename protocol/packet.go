package protocol

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// Type is the type of a packet (Socket.IO protocol 5, "Packet types").
// On the wire it is one ASCII digit.
type Type uint8

// The packet types, with their numbers on the wire.
const (
	Connect      Type = iota // asks for, or grants, a connection to a namespace
	Disconnect               // leaves a namespace
	Event                    // an event, which may ask for an acknowledgement
	Ack                      // an acknowledgement
	ConnectError             // refuses a connection to a namespace
	BinaryEvent              // an Event with attachments
	BinaryAck                // an Ack with attachments
)

var typeNames = [...]string{"CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK"}

// String returns the name that the protocol document gives the type.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "TYPE " + strconv.Itoa(int(t))
}

// Span is a part of [Packet.Data].
type Span struct{ Start, End uint32 }

// Packet is one decoded packet.
type Packet struct {
	// Type is never BinaryEvent or BinaryAck. A packet that came with attachments is an Event or
	// an Ack, as in the official decoder.
	Type Type
	// Namespace is "/" when the packet named none. It is verbatim: a query string stays part of it.
	Namespace string
	// ID is the acknowledgement id. 0 is a valid id: look at HasID.
	ID    uint64
	HasID bool
	// Data is the JSON payload, nil when there was none.
	Data []byte
	// Args are the elements of Data when it is the array of an Event (the first element is the
	// name) or of an Ack. They are valid until the next call of the decoder.
	Args []Span
	// Attachments are the binary messages that the placeholders in Data refer to. They are copies,
	// which the decoder does not change.
	Attachments [][]byte
}

// Arg returns the raw JSON of the i-th element of the payload.
func (p *Packet) Arg(i int) []byte {
	s := p.Args[i]
	return p.Data[s.Start:s.End:s.End]
}

// Parser is another wire format for packets. Both sides must use the same one.
//
// The server passes packets to it, and takes them from it, in the default format (Socket.IO
// protocol 5, "Packet encoding"): text, and the attachments that its placeholders refer to.
type Parser interface {
	// Encode returns the messages that carry a packet, in order. It must not keep or change its
	// arguments.
	Encode(text []byte, attachments [][]byte) ([]Message, error)
	// NewDecoder returns a decoder for one connection. maxAttachments limits the binary values of a
	// packet.
	NewDecoder(maxAttachments int) PacketDecoder
}

// Message is one message of the engine.
type Message struct {
	Data   []byte
	Binary bool
}

// PacketDecoder decodes the messages of one connection. [Decoder] is the default one.
//
// It is not used concurrently. A packet is valid until the next call. An error ends the connection.
type PacketDecoder interface {
	// AddText decodes a text message. It returns nil while the packet is incomplete.
	AddText(data []byte) (*Packet, error)
	// AddBinary decodes a binary message. It returns nil while the packet is incomplete.
	AddBinary(data []byte) (*Packet, error)
	// Release drops the memory of the last packet.
	Release()
}

var _ PacketDecoder = (*Decoder)(nil)

// IsReserved reports whether clients must not use name for an event.
//
// Such a name has a meaning of its own (Socket.IO protocol 5, "EVENT"). An incoming event with it
// is an [ErrInvalidPayload].
func IsReserved(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}

// NameBytes returns the name of an event from the first element of its payload, without allocating.
//
// ok is false when the name has escapes, or raw is neither a string nor a small integer:
// [EventName] handles those.
func NameBytes(raw []byte) (name []byte, ok bool) {
	n := len(raw)
	switch {
	case n >= 2 && raw[0] == '"' && raw[n-1] == '"':
		name = raw[1 : n-1]
		return name, bytes.IndexByte(name, '\\') < 0
	case n > 0 && n <= 15 && '1' <= raw[0] && raw[0] <= '9' && scanDigits(raw, 0) == n, n == 1 && raw[0] == '0':
		return raw, true
	}
	return nil, false
}

// EventName returns the name of an event from the first element of its payload.
//
// A number gives the text that JavaScript gives it ("1" for 1.0), because handlers are registered
// under that. Anything but a string or a number gives "".
func EventName(raw []byte) string {
	if name, ok := NameBytes(raw); ok {
		return string(name)
	}
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return ""
		}
		return s
	}
	if !isNumber(raw) {
		return ""
	}
	f, _ := strconv.ParseFloat(string(raw), 64) // out of range gives the infinities, as in JavaScript
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return string(appendFloat(nil, f, 64))
}

// validName reports whether the first element of a payload, which is valid JSON, may name an event.
// It must be a number, or a string that is not reserved.
func validName(raw []byte) bool {
	if raw[0] != '"' {
		return isNumber(raw)
	}
	if name, ok := NameBytes(raw); ok {
		return !IsReserved(string(name))
	}
	return !IsReserved(EventName(raw))
}

package protocol

import "strconv"

// Type is the type of a packet (Socket.IO protocol 5, "Packet types"). On the
// wire it is one ASCII digit.
type Type uint8

// The packet types, with their numbers on the wire.
const (
	Connect      Type = iota // asks for, or grants, a place in a namespace
	Disconnect               // leaves a namespace
	Event                    // an event, possibly asking for an acknowledgement
	Ack                      // an acknowledgement
	ConnectError             // refuses a place in a namespace
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
	// Type is never BinaryEvent or BinaryAck: a packet that came with
	// attachments is an Event or an Ack, as in the official decoder.
	Type Type
	// Namespace is "/" when the packet named none. It is verbatim: a query
	// string stays part of it.
	Namespace string
	// ID is the acknowledgement id. 0 is a real one: look at HasID.
	ID    uint64
	HasID bool
	// Data is the JSON payload, nil when there was none.
	Data []byte
	// Args are the elements of Data when it is the array of an Event (the first
	// one is the name) or an Ack. They are valid until the next call of the
	// decoder.
	Args []Span
	// Attachments are the binary messages that Data's placeholders count. They
	// are copies that the decoder does not touch again.
	Attachments [][]byte
}

// Arg returns the raw JSON of the i-th element of the payload.
func (p *Packet) Arg(i int) []byte {
	s := p.Args[i]
	return p.Data[s.Start:s.End:s.End]
}

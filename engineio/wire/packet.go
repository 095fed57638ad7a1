package wire

import (
	"errors"
	"fmt"
	"strconv"
)

// Type is the type of a packet (Engine.IO protocol 4, "Protocol").
// On the wire it is one ASCII digit.
type Type byte

// The packet types, with their numbers on the wire.
const (
	Open    Type = iota // handshake, sent by the server
	Close               // the sender is closing the transport
	Ping                // heartbeat, sent by the server; "probe" by the client
	Pong                // answer to a ping
	Message             // what the layer above sends; the only type that may be binary
	Upgrade             // the client switches to the new transport
	Noop                // releases a parked poll
)

var typeNames = [...]string{"open", "close", "ping", "pong", "message", "upgrade", "noop"}

// String returns the name that the protocol document gives the type.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "type " + strconv.Itoa(int(t))
}

// Packet is one decoded Engine.IO packet.
type Packet struct {
	Type Type
	// Binary is set when a Message carries bytes rather than text.
	Binary bool
	// Data is the packet without its type. It aliases the decoded input unless that was base64.
	Data []byte
}

// ErrPacket is wrapped by every decoding error of this package.
var ErrPacket = errors.New("wire: invalid packet")

var (
	errEmpty = fmt.Errorf("%w: empty", ErrPacket)
	errType  = fmt.Errorf("%w: unknown type", ErrPacket)
)

// DecodeText decodes one text packet: a type digit followed by data, or 'b' followed by base64.
//
// Base64 is a binary message (Engine.IO protocol 4, "Packet encoding"). It is read as leniently as
// by the official server: both alphabets, other characters skipped, the first '=' ends it.
//
// DecodeText does not check that text is UTF-8. Errors wrap [ErrPacket].
func DecodeText(frame []byte) (Packet, error) {
	if len(frame) == 0 {
		return Packet{}, errEmpty
	}
	switch c := frame[0]; {
	case '0' <= c && c <= '6':
		return Packet{Type: Type(c - '0'), Data: frame[1:]}, nil
	case c == 'b':
		return Packet{Type: Message, Binary: true, Data: decodeBase64(frame[1:])}, nil
	}
	return Packet{}, errType
}

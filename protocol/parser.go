package protocol

// Parser is another form for packets on the wire, which both sides must have chosen. Packets are handed to it, and taken from
// it, in the default form (Socket.IO protocol 5, "Packet encoding"): text, and the attachments that its placeholders number.
type Parser interface {
	// Encode returns the messages that carry a packet, in order. Neither text nor attachments may be kept or changed.
	Encode(text []byte, attachments [][]byte) ([]Message, error)
	// NewDecoder returns a decoder for one connection; maxAttachments is the limit of binary values in a packet.
	NewDecoder(maxAttachments int) PacketDecoder
}

// Message is one message of the engine.
type Message struct {
	Data   []byte
	Binary bool
}

// PacketDecoder decodes the messages of one connection; [Decoder] is the default one. It is not used concurrently. What it
// returns is valid until its next call; an error ends the connection.
type PacketDecoder interface {
	// AddText takes a text message. It returns nil when the packet is not complete.
	AddText(data []byte) (*Packet, error)
	// AddBinary takes a binary message, as AddText does.
	AddBinary(data []byte) (*Packet, error)
	// Release lets go of what the last packet needed.
	Release()
}

var _ PacketDecoder = (*Decoder)(nil)

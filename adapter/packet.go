package adapter

import (
	"encoding/json"
	"time"
)

// Socket is what an adapter sees of a namespace's socket.
type Socket interface {
	ID() string
}

// Packet is an event on its way to many: not encoded yet, because nobody may be there to read it.
type Packet struct {
	Event string
	Args  []any
}

// Options say who is meant, and how.
type Options struct {
	// Rooms are the rooms meant, everyone when empty. A socket in several of them is meant once.
	Rooms []string
	// Except are the rooms whose members are left out, whatever Rooms says.
	Except []string
	// Flags modify the delivery.
	Flags Flags
}

// Flags modify the delivery of a packet. Package clusterwire writes each of them but Local.
type Flags struct {
	// Local keeps it on this server.
	Local bool
	// Volatile drops it for each socket that could not be written to at once.
	Volatile bool
	// NoCompress sends it uncompressed even where the transport compresses.
	NoCompress bool
	// Timeout is how long acknowledgements are waited for; 0 when nobody said.
	Timeout time.Duration
}

// Answer is one socket's acknowledgement of a broadcast.
type Answer struct {
	// SocketID is the id of the socket that was asked.
	SocketID string
	// Args are what it answered, one JSON value each.
	Args []json.RawMessage
	// Attachments are the binary values that placeholders in Args refer to.
	Attachments [][]byte
	// Err, if set, is why there will be no answer: the socket disconnected.
	Err error
}

// ServerSideEvent is an event that another server sent.
type ServerSideEvent struct {
	// Event is the event's name.
	Event string
	// Args are its arguments, one JSON value each. They are kept.
	Args []json.RawMessage
	// Attachments are the binary values that placeholders in Args refer to.
	Attachments [][]byte
	// Answer, nil unless the sender wants to be answered, takes the one value that answers it. It is called at most once, from
	// any goroutine, and must not block.
	Answer func(value json.RawMessage, attachments [][]byte)
}

// Info describes a socket, on this server or on another one.
type Info struct {
	// ID is the socket's id.
	ID string
	// Rooms are the rooms that it was in when it was asked.
	Rooms []string
	// Local is the socket when it is on this server, otherwise nil.
	Local Socket
	// Handshake is how a socket that is not Local came, as JSON of the official server's form.
	Handshake json.RawMessage
	// Data is what the application keeps with a socket that is not Local and shares with other servers, as a JSON object.
	Data json.RawMessage
}

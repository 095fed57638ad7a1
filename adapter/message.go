package adapter

import (
	"bytes"
	"encoding/json"

	"github.com/gosocketio/socketio/protocol"
)

// MessageType is the type of a [Message]. The numbers are those of the official adapters.
type MessageType uint8

// The types of messages between servers.
const (
	// MessageInitialHeartbeat says that a server has come, and wants to know the others.
	MessageInitialHeartbeat MessageType = iota + 1
	// MessageHeartbeat says that a server is there.
	MessageHeartbeat
	// MessageBroadcast sends an event to sockets; with a request id their acknowledgements are wanted.
	MessageBroadcast
	// MessageSocketsJoin makes sockets join rooms.
	MessageSocketsJoin
	// MessageSocketsLeave makes sockets leave rooms.
	MessageSocketsLeave
	// MessageDisconnectSockets disconnects sockets.
	MessageDisconnectSockets
	// MessageFetchSockets asks which sockets there are.
	MessageFetchSockets
	// MessageFetchSocketsResponse answers MessageFetchSockets.
	MessageFetchSocketsResponse
	// MessageServerSideEmit is an event for the other servers; with a request id answers are wanted.
	MessageServerSideEmit
	// MessageServerSideEmitResponse answers MessageServerSideEmit.
	MessageServerSideEmitResponse
	// MessageBroadcastClientCount says of how many sockets acknowledgements of a MessageBroadcast are to come.
	MessageBroadcastClientCount
	// MessageBroadcastAck is one of these acknowledgements.
	MessageBroadcastAck
	// MessageAdapterClose says that a server has gone.
	MessageAdapterClose
)

// Emitter is the UID of messages that do not come from a server: a program that only sends (socket.io-redis-emitter).
const Emitter = "emitter"

// Message is what the adapters of one namespace say to each other. It is data and nothing else; how it is written is the
// broker's. It must not be changed once it was published or received.
type Message struct {
	// UID is that of the adapter that sent it, or Emitter.
	UID string
	// Namespace is the namespace's name.
	Namespace string
	// Type says which of the other fields there are.
	Type MessageType
	// RequestID ties responses to the message that they answer. It is empty in those that want none.
	RequestID string
	// Options say which sockets are meant. Flags.Local is never set, Flags.Timeout only where acknowledgements are wanted.
	// (MessageBroadcast, MessageSocketsJoin, MessageSocketsLeave, MessageDisconnectSockets, MessageFetchSockets)
	Options Options
	// Event is an event's name. (MessageBroadcast, MessageServerSideEmit)
	Event string
	// Values are an event's arguments (MessageBroadcast, MessageServerSideEmit), or the one value of an answer (MessageServerSideEmitResponse,
	// MessageBroadcastAck).
	Values Values
	// Rooms are the rooms to join or leave. (MessageSocketsJoin, MessageSocketsLeave)
	Rooms []string
	// Close closes the whole connections. (MessageDisconnectSockets)
	Close bool
	// Sockets are those found. Local is nil. (MessageFetchSocketsResponse)
	Sockets []Info
	// Count is the number of sockets that were asked. (MessageBroadcastClientCount)
	Count int
}

// Values are JSON values. Binary data is beside them, with placeholders where it belongs (protocol.AppendJSON).
type Values struct {
	JSON        []json.RawMessage
	Attachments [][]byte
}

// NewValues encodes values.
func NewValues(values ...any) (v Values, err error) {
	v.JSON = make([]json.RawMessage, len(values))
	for i, value := range values {
		if v.JSON[i], v.Attachments, err = protocol.AppendJSON(nil, v.Attachments, value); err != nil {
			return Values{}, err
		}
	}
	return v, nil
}

// Args returns the values as arguments of an event: as JSON, so that they stay what they are, but for those that hold binary
// data, which are decoded.
func (v Values) Args() []any {
	args := make([]any, len(v.JSON))
	for i, raw := range v.JSON {
		if len(v.Attachments) == 0 || !bytes.Contains(raw, []byte(`"_placeholder"`)) {
			args[i] = raw
			continue
		}
		var value any
		if protocol.Decode(raw, v.Attachments, &value) == nil { // else nil, as what another server got wrong
			args[i] = value
		}
	}
	return args
}

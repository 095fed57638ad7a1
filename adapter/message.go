package adapter

import "encoding/json"

// MessageType is the type of a [Message]. The numbers are those of the official adapters.
type MessageType uint8

// The types of messages between servers.
const (
	// MessageInitialHeartbeat announces a new server, which wants to know the others.
	MessageInitialHeartbeat MessageType = iota + 1
	// MessageHeartbeat says that a server is alive.
	MessageHeartbeat
	// MessageBroadcast sends an event to sockets; with a request id their acknowledgements are
	// wanted.
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
	// MessageServerSideEmit is an event for the other servers; with a request id answers are
	// wanted.
	MessageServerSideEmit
	// MessageServerSideEmitResponse answers MessageServerSideEmit.
	MessageServerSideEmitResponse
	// MessageBroadcastClientCount announces how many sockets acknowledge a MessageBroadcast.
	MessageBroadcastClientCount
	// MessageBroadcastAck is one of these acknowledgements.
	MessageBroadcastAck
	// MessageAdapterClose says that a server has gone.
	MessageAdapterClose
)

// Emitter is the UID of a program that only sends (socket.io-redis-emitter).
const Emitter = "emitter"

// Message is a message between the adapters of one namespace.
// It is only data; the broker defines its encoding. It must not change once published or received.
type Message struct {
	// UID is the id of the server that sent it, or Emitter.
	UID string
	// Namespace is the namespace's name.
	Namespace string
	// Type says which of the other fields are set.
	Type MessageType
	// RequestID matches responses with their request. It is empty if no response is wanted.
	RequestID string
	// Position is the position of a received broadcast in the broker's log, "" if there is no log.
	Position string
	// Rest decodes the fields that follow Options. A broker may set it in a received message, so that a
	// message without targets on this server costs nothing more. It is called at most once. Nil means
	// that all fields are set.
	Rest func(m *Message) error
	// Options select the sockets. Flags.Local is never set, Flags.Timeout only where
	// acknowledgements are wanted. (MessageBroadcast, MessageSocketsJoin, MessageSocketsLeave,
	// MessageDisconnectSockets, MessageFetchSockets)
	Options Options
	// Packet is the event. (MessageBroadcast, MessageServerSideEmit)
	Packet *Packet
	// Values holds the one value of an answer, or none for undefined. (MessageServerSideEmitResponse,
	// MessageBroadcastAck)
	Values Values
	// Rooms are the rooms to join or leave (MessageSocketsJoin, MessageSocketsLeave), or the namespaces
	// of a process, none when they have not changed (heartbeats in the namespace "").
	Rooms []string
	// Close closes the whole connections. (MessageDisconnectSockets)
	Close bool
	// Sockets are the sockets found. Local is nil. (MessageFetchSocketsResponse)
	Sockets []Info
	// Count is the number of sockets that were asked (MessageBroadcastClientCount), or the version of
	// the list of a process's namespaces, from 1 (heartbeats in the namespace "").
	Count int
	// Hello is what a process says of itself. (heartbeats in the namespace "")
	Hello *Hello
}

// Values are JSON values. Attachments holds their binary data; placeholders in JSON refer to it (see
// protocol.AppendJSON).
type Values struct {
	JSON        []json.RawMessage
	Attachments [][]byte
}

package clusterwire

import (
	"encoding/json"
	"strconv"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

// Encode returns the encoding of a message: text (JSON) unless binary is set.
func Encode(m *adapter.Message) (data []byte, binary bool, err error) {
	return finish(appendMessage(m), m)
}

// EncodeMsgpack returns a message as MessagePack, with or without binary data.
func EncodeMsgpack(m *adapter.Message) ([]byte, error) {
	return msgpack.AppendValue(nil, appendMessage(m), m.Values.Attachments)
}

func appendMessage(m *adapter.Message) []byte {
	text := append(make([]byte, 0, 256), `{"type":`...)
	text = strconv.AppendUint(text, uint64(m.Type), 10)
	if body := appendData(nil, m); body != nil {
		text = append(append(text, `,"data":`...), body...)
	}
	text = appendString(append(text, `,"uid":`...), m.UID)
	return append(appendString(append(text, `,"nsp":`...), m.Namespace), '}')
}

// EncodeData returns the part of a message that depends on its type, nil when there is none.
// It lacks sender, namespace and type, for brokers that have fields for these.
func EncodeData(m *adapter.Message) (data []byte, binary bool, err error) {
	text := appendData(nil, m)
	if text == nil {
		return nil, false, nil
	}
	return finish(text, m)
}

// finish converts a message with binary data to MessagePack.
func finish(text []byte, m *adapter.Message) ([]byte, bool, error) {
	if len(m.Values.Attachments) == 0 {
		return text, false, nil
	}
	packed, err := msgpack.AppendValue(nil, text, m.Values.Attachments)
	return packed, true, err
}

// appendData appends the JSON of a message's data, with placeholders where it holds binary data.
func appendData(dst []byte, m *adapter.Message) []byte {
	switch m.Type {
	case adapter.MessageBroadcast:
		dst = appendEvent(append(dst, `{"packet":{"type":2,"data":`...), m)
		dst = appendRequest(append(dst, '}'), m)
		return append(appendOptions(append(dst, `,"opts":`...), m.Options), '}')
	case adapter.MessageSocketsJoin, adapter.MessageSocketsLeave:
		dst = appendOptions(append(dst, `{"opts":`...), m.Options)
		return append(appendStrings(append(dst, `,"rooms":`...), m.Rooms), '}')
	case adapter.MessageDisconnectSockets:
		dst = appendOptions(append(dst, `{"opts":`...), m.Options)
		return append(strconv.AppendBool(append(dst, `,"close":`...), m.Close), '}')
	case adapter.MessageFetchSockets:
		dst = appendOptions(append(dst, `{"opts":`...), m.Options)
		return append(appendRequest(dst, m), '}')
	case adapter.MessageFetchSocketsResponse:
		return appendSockets(dst, m)
	case adapter.MessageServerSideEmit:
		dst = append(dst, '{')
		if m.RequestID != "" {
			dst = append(appendString(append(dst, `"requestId":`...), m.RequestID), ',')
		}
		return append(appendEvent(append(dst, `"packet":`...), m), '}')
	case adapter.MessageServerSideEmitResponse, adapter.MessageBroadcastAck:
		dst = appendString(append(dst, `{"requestId":`...), m.RequestID)
		dst = append(dst, `,"packet":`...)
		if len(m.Values.JSON) == 0 {
			return append(dst, `null}`...)
		}
		return append(append(dst, m.Values.JSON[0]...), '}')
	case adapter.MessageBroadcastClientCount:
		dst = appendString(append(dst, `{"requestId":`...), m.RequestID)
		return append(strconv.AppendInt(append(dst, `,"clientCount":`...), int64(m.Count), 10), '}')
	case adapter.MessageInitialHeartbeat, adapter.MessageHeartbeat, adapter.MessageAdapterClose:
	}
	return dst
}

// appendRequest appends a comma and the request id, if there is one.
// A null would mean that there is one.
func appendRequest(dst []byte, m *adapter.Message) []byte {
	if m.RequestID == "" {
		return dst
	}
	return appendString(append(dst, `,"requestId":`...), m.RequestID)
}

// appendEvent appends an event's name and arguments, as one array.
func appendEvent(dst []byte, m *adapter.Message) []byte {
	dst = appendString(append(dst, '['), m.Event)
	for _, raw := range m.Values.JSON {
		dst = append(append(dst, ','), raw...)
	}
	return append(dst, ']')
}

func appendOptions(dst []byte, o adapter.Options) []byte {
	dst = appendStrings(append(dst, `{"rooms":`...), o.Rooms)
	dst = appendStrings(append(dst, `,"except":`...), o.Except)
	dst = appendFlags(append(dst, `,"flags":`...), o.Flags)
	return append(dst, '}')
}

func appendSockets(dst []byte, m *adapter.Message) []byte {
	dst = append(appendString(append(dst, `{"requestId":`...), m.RequestID), `,"sockets":[`...)
	for i, s := range m.Sockets {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(append(dst, `{"id":`...), s.ID)
		dst = appendRaw(append(dst, `,"handshake":`...), s.Handshake)
		dst = appendStrings(append(dst, `,"rooms":`...), s.Rooms)
		dst = append(appendRaw(append(dst, `,"data":`...), s.Data), '}')
	}
	return append(dst, `]}`...)
}

// appendRaw appends an object, {} if there is none.
func appendRaw(dst []byte, raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return append(dst, `{}`...)
	}
	return append(dst, raw...)
}

func appendString(dst []byte, s string) []byte {
	dst, _, _ = protocol.AppendJSON(dst, nil, s) // a string always encodes
	return dst
}

// appendStrings appends an array, [] for nil.
func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, s)
	}
	return append(dst, ']')
}

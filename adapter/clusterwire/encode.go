package clusterwire

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

var errNoPacket = errors.New("clusterwire: an event without a packet")

// Encode returns the encoding of a message: text (JSON) unless binary is set.
func Encode(m *adapter.Message) (data []byte, binary bool, err error) { return Append(nil, m) }

// Append is Encode into the memory of dst, which must be empty, where that has room.
func Append(dst []byte, m *adapter.Message) (data []byte, binary bool, err error) {
	text, attachments, err := appendMessage(dst, m)
	return finish(text, attachments, err)
}

// EncodeMsgpack returns a message as MessagePack, with or without binary data.
func EncodeMsgpack(m *adapter.Message) ([]byte, error) {
	text, attachments, err := appendMessage(nil, m)
	if err != nil {
		return nil, err
	}
	return msgpack.AppendValue(nil, text, attachments)
}

// EncodeData returns the part of a message that depends on its type, nil when there is none.
// It lacks sender, namespace and type, for brokers that have fields for these.
func EncodeData(m *adapter.Message) (data []byte, binary bool, err error) {
	var dst []byte
	if m.Packet != nil {
		dst = make([]byte, 0, Size(m))
	}
	return AppendData(dst, m)
}

// AppendData is EncodeData into the memory of dst, which must be empty, where that has room.
func AppendData(dst []byte, m *adapter.Message) (data []byte, binary bool, err error) {
	text, attachments, err := appendData(dst, m)
	return finish(text, attachments, err)
}

// Size estimates the length of a message's encoding, to allocate memory for it.
func Size(m *adapter.Message) int {
	size := 128 + len(m.UID) + len(m.Namespace)
	for _, room := range m.Options.Rooms {
		size += len(room) + len(`"",`)
	}
	for _, room := range m.Options.Except {
		size += len(room) + len(`"",`)
	}
	if m.Packet != nil {
		size += m.Packet.Size()
	}
	return size
}

// finish converts a message with binary data to MessagePack.
func finish(text []byte, attachments [][]byte, err error) ([]byte, bool, error) {
	if err != nil || len(attachments) == 0 {
		return text, false, err
	}
	packed, err := msgpack.AppendValue(nil, text, attachments)
	return packed, true, err
}

// appendMessage appends a message as JSON, with placeholders where it holds binary data.
func appendMessage(dst []byte, m *adapter.Message) (text []byte, attachments [][]byte, err error) {
	text = append(slices.Grow(dst, Size(m)), `{"type":`...)
	text = strconv.AppendUint(text, uint64(m.Type), 10)
	head := len(text)
	text = append(text, `,"data":`...)
	empty := len(text)
	if text, attachments, err = appendData(text, m); err != nil {
		return nil, nil, err
	}
	if len(text) == empty {
		text = text[:head]
	}
	text = protocol.AppendString(append(text, `,"uid":`...), m.UID)
	return append(protocol.AppendString(append(text, `,"nsp":`...), m.Namespace), '}'), attachments, nil
}

// appendData appends the data of a message, nothing when it has none.
func appendData(dst []byte, m *adapter.Message) (text []byte, attachments [][]byte, err error) {
	switch m.Type {
	case adapter.MessageBroadcast:
		nsp := ""
		if m.UID == adapter.Emitter { // as official emitters do
			nsp = m.Namespace
		}
		if dst, attachments, err = AppendPacket(append(dst, `{"packet":`...), m.Packet, nsp); err != nil {
			return nil, nil, err
		}
		dst = append(AppendOptions(append(appendRequest(dst, m), `,"opts":`...), m.Options), '}')
	case adapter.MessageSocketsJoin, adapter.MessageSocketsLeave:
		dst = AppendOptions(append(dst, `{"opts":`...), m.Options)
		dst = append(AppendStrings(append(dst, `,"rooms":`...), m.Rooms), '}')
	case adapter.MessageDisconnectSockets:
		dst = AppendOptions(append(dst, `{"opts":`...), m.Options)
		dst = append(strconv.AppendBool(append(dst, `,"close":`...), m.Close), '}')
	case adapter.MessageFetchSockets:
		dst = AppendOptions(append(dst, `{"opts":`...), m.Options)
		dst = append(appendRequest(dst, m), '}')
	case adapter.MessageFetchSocketsResponse:
		dst = protocol.AppendString(append(dst, `{"requestId":`...), m.RequestID)
		dst = append(AppendSockets(append(dst, `,"sockets":`...), m.Sockets), '}')
	case adapter.MessageServerSideEmit:
		dst = append(dst, '{')
		if m.RequestID != "" {
			dst = append(protocol.AppendString(append(dst, `"requestId":`...), m.RequestID), ',')
		}
		if dst, attachments, err = AppendEvent(append(dst, `"packet":`...), m.Packet); err != nil {
			return nil, nil, err
		}
		dst = append(dst, '}')
	case adapter.MessageServerSideEmitResponse, adapter.MessageBroadcastAck:
		dst = protocol.AppendString(append(dst, `{"requestId":`...), m.RequestID)
		if len(m.Values.JSON) > 0 { // else undefined; null is a value
			dst = append(append(dst, `,"packet":`...), m.Values.JSON[0]...)
			attachments = m.Values.Attachments
		}
		dst = append(dst, '}')
	case adapter.MessageBroadcastClientCount:
		dst = protocol.AppendString(append(dst, `{"requestId":`...), m.RequestID)
		dst = append(strconv.AppendInt(append(dst, `,"clientCount":`...), int64(m.Count), 10), '}')
	case adapter.MessageInitialHeartbeat, adapter.MessageHeartbeat:
		if m.Count > 0 { // of a process
			dst = append(strconv.AppendInt(append(dst, `{"clientCount":`...), int64(m.Count), 10), ',')
			dst = AppendStrings(append(dst, `"rooms":`...), m.Rooms)
			dst = append(appendHello(dst, m.Hello), '}')
		}
	case adapter.MessageAdapterClose:
	}
	return dst, attachments, nil
}

// appendRequest appends a comma and the request id, if there is one.
// A null would mean that there is one.
func appendRequest(dst []byte, m *adapter.Message) []byte {
	if m.RequestID == "" {
		return dst
	}
	return protocol.AppendString(append(dst, `,"requestId":`...), m.RequestID)
}

// appendHello appends the members of what a process says of itself, nothing for nil.
func appendHello(dst []byte, h *adapter.Hello) []byte {
	if h == nil {
		return dst
	}
	dst = strconv.AppendInt(append(dst, `,"protocol":`...), int64(h.Protocol), 10)
	dst = strconv.AppendInt(append(dst, `,"oldest":`...), int64(h.Oldest), 10)
	if h.Address != "" {
		dst = protocol.AppendString(append(dst, `,"address":`...), h.Address)
	}
	if h.Counts {
		dst = append(dst, `,"counts":true`...)
	}
	if len(h.Resync) > 0 {
		dst = AppendStrings(append(dst, `,"resync":`...), h.Resync)
	}
	if h.Digest != "" {
		dst = protocol.AppendString(append(dst, `,"digest":`...), h.Digest)
	}
	return dst
}

// AppendPacket appends the JSON object of a packet, with placeholders for the attachments, and with
// a namespace unless nsp is "". It encodes p if that has not been done.
func AppendPacket(dst []byte, p *adapter.Packet, nsp string) (json []byte, attachments [][]byte, err error) {
	if dst, attachments, err = AppendEvent(append(dst, `{"type":2,"data":`...), p); err != nil {
		return nil, nil, err
	}
	if p.HasID {
		dst = strconv.AppendUint(append(dst, `,"id":`...), p.ID, 10)
	}
	if nsp != "" {
		dst = protocol.AppendString(append(dst, `,"nsp":`...), nsp)
	}
	return append(dst, '}'), attachments, nil
}

// AppendEvent appends the JSON array of an event.
func AppendEvent(dst []byte, p *adapter.Packet) (json []byte, attachments [][]byte, err error) {
	if p == nil {
		return nil, nil, errNoPacket
	}
	return p.AppendData(dst)
}

// AppendSockets appends the JSON array of the sockets in an answer.
func AppendSockets(dst []byte, list []adapter.Info) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = protocol.AppendString(append(dst, `{"id":`...), s.ID)
		dst = appendObject(append(dst, `,"handshake":`...), s.Handshake)
		dst = AppendStrings(append(dst, `,"rooms":`...), s.Rooms)
		dst = append(appendObject(append(dst, `,"data":`...), s.Data), '}')
	}
	return append(dst, ']')
}

// appendObject appends an object, {} if there is none.
func appendObject(dst []byte, raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return append(dst, `{}`...)
	}
	return append(dst, raw...)
}

// AppendStrings appends a JSON array, [] for nil.
func AppendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = protocol.AppendString(dst, s)
	}
	return append(dst, ']')
}

package redis

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

// encode returns a message for all servers: a broadcast for the channels of events, or a request.
// It returns nothing for a type that the wire does not have.
func (l *classicLink) encode(m *adapter.Message) ([]byte, error) {
	switch m.Type {
	case adapter.MessageBroadcast:
		return l.encodeBroadcast(m)
	case adapter.MessageSocketsJoin:
		return append(clusterwire.AppendStrings(append(l.command(typeJoin, m), `,"rooms":`...), m.Rooms), '}'), nil
	case adapter.MessageSocketsLeave:
		return append(clusterwire.AppendStrings(append(l.command(typeLeave, m), `,"rooms":`...), m.Rooms), '}'), nil
	case adapter.MessageDisconnectSockets:
		return append(strconv.AppendBool(append(l.command(typeDisconnect, m), `,"close":`...), m.Close), '}'), nil
	case adapter.MessageFetchSockets:
		return append(l.command(typeFetch, m), '}'), nil
	case adapter.MessageServerSideEmit:
		text := append(l.appendHead(nil, typeServerSideEmit, m), `,"data":`...)
		text, attachments, err := clusterwire.AppendEvent(text, m.Packet)
		if err != nil {
			return nil, err
		}
		return packIfBinary(append(text, '}'), attachments)
	default:
		return nil, nil
	}
}

// encodeBroadcast returns [uid, packet, options], or the request for acknowledgements.
func (l *classicLink) encodeBroadcast(m *adapter.Message) ([]byte, error) {
	switch {
	case m.Packet == nil:
		return nil, fmt.Errorf("%w: a broadcast without a packet", clusterwire.ErrMessage)
	case m.RequestID == "":
		return l.encodeEvent(m)
	}
	text := append(l.appendHead(nil, typeBroadcast, m), `,"packet":`...)
	text, attachments, err := clusterwire.AppendPacket(text, m.Packet, l.namespace)
	if err != nil {
		return nil, err
	}
	text = append(clusterwire.AppendOptions(append(text, `,"opts":`...), m.Options), '}')
	return msgpack.AppendValue(nil, text, attachments)
}

// encodeEvent returns [uid, packet, options]. Common arguments become MessagePack directly, others
// from the JSON that clients get.
func (l *classicLink) encodeEvent(m *adapter.Message) ([]byte, error) {
	p := m.Packet
	scratch := texts.Get().(*[]byte)
	defer texts.Put(scratch)
	data, direct := append(getBuffer(clusterwire.Size(m)), l.head...), false
	if p.Event != "" && !p.HasID && l.tail != "" {
		data, direct = msgpack.AppendEvent(data, p.Event, p.Args)
	}
	if direct {
		data = append(data, l.tail...)
		if packed, ok := appendOptions(data, m.Options); ok {
			return packed, nil
		}
		text := clusterwire.AppendOptions((*scratch)[:0], m.Options)
		*scratch = text
		return msgpack.AppendValid(data, text, nil)
	}
	text := append(protocol.AppendString(append((*scratch)[:0], '['), l.c.uid), ',')
	text, attachments, err := clusterwire.AppendPacket(text, p, l.namespace)
	if err != nil {
		return nil, err
	}
	text = append(clusterwire.AppendOptions(append(text, ','), m.Options), ']')
	if cap(text) <= maxScratch {
		*scratch = text
	}
	return msgpack.AppendValue(data[:0], text, attachments)
}

// appendOptions appends options without flags directly, as clusterwire.AppendOptions would as JSON. It
// reports false for others, and when a name is not UTF-8, which only JSON corrects.
func appendOptions(dst []byte, o adapter.Options) (packed []byte, ok bool) {
	if o.Flags != (adapter.Flags{}) {
		return dst, false
	}
	packed, ok = msgpack.AppendStrings(append(dst, "\x83\xa5rooms"...), o.Rooms)
	if ok {
		packed, ok = msgpack.AppendStrings(append(packed, "\xa6except"...), o.Except)
	}
	return append(packed, "\xa5flags\x80"...), ok
}

// texts are memory for the JSON of broadcasts, which is only needed until it is MessagePack.
var texts = sync.Pool{New: func() any { return new([]byte) }}

const maxScratch = 64 << 10

// appendHead appends the start of a request, as far as its type.
func (l *classicLink) appendHead(dst []byte, kind int, m *adapter.Message) []byte {
	dst = protocol.AppendString(append(dst, `{"uid":`...), l.c.uid)
	if m.RequestID != "" {
		dst = protocol.AppendString(append(dst, `,"requestId":`...), m.RequestID)
	}
	return strconv.AppendInt(append(dst, `,"type":`...), int64(kind), 10)
}

// command is appendHead with options, which have no flags.
func (l *classicLink) command(kind int, m *adapter.Message) []byte {
	text := append(l.appendHead(nil, kind, m), `,"opts":{"rooms":`...)
	text = clusterwire.AppendStrings(text, m.Options.Rooms)
	return append(clusterwire.AppendStrings(append(text, `,"except":`...), m.Options.Except), '}')
}

// encodeResponse returns an answer, nothing when there is none.
func (l *classicLink) encodeResponse(m *adapter.Message) ([]byte, error) {
	switch m.Type {
	case adapter.MessageFetchSocketsResponse:
		return encodeSockets(m), nil
	case adapter.MessageServerSideEmitResponse:
		text := protocol.AppendString([]byte(`{"type":6,"requestId":`), m.RequestID)
		if len(m.Values.JSON) > 0 { // else it is undefined
			text = append(append(text, `,"data":`...), m.Values.JSON[0]...)
		}
		return packIfBinary(append(text, '}'), m.Values.Attachments)
	case adapter.MessageBroadcastClientCount:
		text := protocol.AppendString([]byte(`{"type":8,"requestId":`), m.RequestID)
		return append(strconv.AppendInt(append(text, `,"clientCount":`...), int64(m.Count), 10), '}'), nil
	case adapter.MessageBroadcastAck:
		text := protocol.AppendString([]byte(`{"type":9,"requestId":`), m.RequestID)
		if len(m.Values.JSON) > 0 { // else it is undefined
			text = append(append(text, `,"packet":`...), m.Values.JSON[0]...)
		}
		return msgpack.AppendValue(nil, append(text, '}'), m.Values.Attachments)
	default:
		return nil, nil
	}
}

// encodeSockets returns the answer to MessageFetchSockets, in the form that the request wants.
func encodeSockets(m *adapter.Message) []byte {
	id, form := m.RequestID, ""
	if strings.HasPrefix(id, "\x00") && len(id) >= answerForm {
		id, form = id[answerForm:], id[:answerForm]
	}
	text := protocol.AppendString([]byte(`{"requestId":`), id)
	switch form {
	case answerIDs:
		ids := make([]string, len(m.Sockets))
		for i, s := range m.Sockets {
			ids[i] = s.ID
		}
		text = clusterwire.AppendStrings(append(text, `,"sockets":`...), ids)
	case answerRooms:
		var rooms []string
		for _, s := range m.Sockets {
			rooms = append(rooms, s.Rooms...)
		}
		slices.Sort(rooms)
		text = clusterwire.AppendStrings(append(text, `,"rooms":`...), slices.Compact(rooms))
	case answerDone:
		if len(m.Sockets) == 0 {
			return nil
		}
	default:
		text = clusterwire.AppendSockets(append(text, `,"sockets":`...), m.Sockets)
	}
	return append(text, '}')
}

// packIfBinary returns JSON as MessagePack if it has placeholders. Official servers always write
// JSON here, which spoils binary data, but read both.
func packIfBinary(text []byte, attachments [][]byte) ([]byte, error) {
	if len(attachments) == 0 {
		return text, nil
	}
	return msgpack.AppendValue(nil, text, attachments)
}

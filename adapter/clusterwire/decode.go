package clusterwire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

// ErrMessage is wrapped by the errors of Decode and DecodeData.
var ErrMessage = errors.New("clusterwire: invalid message")

// maxAttachments limits the binary values of one message.
const maxAttachments = 10_000

// Decode decodes a message of Encode or of an official adapter.
func Decode(data []byte) (*adapter.Message, error) {
	text, attachments, err := unpack(data)
	if err != nil {
		return nil, err
	}
	var e struct {
		UID  string          `json:"uid"`
		Nsp  string          `json:"nsp"`
		Type number          `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	m := &adapter.Message{UID: e.UID, Namespace: e.Nsp, Type: adapter.MessageType(e.Type)}
	if e.Type < 1 || e.Type > 255 {
		return nil, fmt.Errorf("%w: type %d", ErrMessage, e.Type)
	}
	return m, readData(m, e.Data, attachments)
}

// DecodeData decodes the result of EncodeData into m, which has its sender, namespace and type.
func DecodeData(m *adapter.Message, data []byte) error {
	if len(data) == 0 {
		return readData(m, nil, nil)
	}
	text, attachments, err := unpack(data)
	if err != nil {
		return err
	}
	return readData(m, text, attachments)
}

// unpack returns a message as JSON, whichever of the two forms it has.
func unpack(data []byte) (text []byte, attachments [][]byte, err error) {
	if bytes.HasPrefix(data, []byte{'{'}) {
		return data, nil, nil
	}
	if text, attachments, err = msgpack.ReadValue(data, maxAttachments); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	return text, attachments, nil
}

// number is an integer that may be written as 2 or as 2.0.
type number int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(b []byte) error {
	var f float64
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	*n = number(f)
	return nil
}

// names are names of rooms. A program in JavaScript may have used numbers.
type names []string

// UnmarshalJSON implements json.Unmarshaler.
func (n *names) UnmarshalJSON(b []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*n = make(names, len(list))
	for i, raw := range list {
		if raw[0] == '"' {
			if err := json.Unmarshal(raw, &(*n)[i]); err != nil {
				return err
			}
		} else {
			(*n)[i] = string(raw)
		}
	}
	return nil
}

// body is the data of a message, for all types.
type body struct {
	Packet    json.RawMessage `json:"packet"`
	RequestID string          `json:"requestId"`
	Rooms     names           `json:"rooms"`
	Close     bool            `json:"close"`
	Count     number          `json:"clientCount"`
	Opts      struct {
		Rooms  names `json:"rooms"`
		Except names `json:"except"`
		Flags  flags `json:"flags"`
	} `json:"opts"`
	Sockets []struct {
		ID        string          `json:"id"`
		Handshake json.RawMessage `json:"handshake"`
		Rooms     names           `json:"rooms"`
		Data      json.RawMessage `json:"data"`
	} `json:"sockets"`
}

func readData(m *adapter.Message, text []byte, attachments [][]byte) error {
	switch {
	case m.Type == adapter.MessageInitialHeartbeat || m.Type == adapter.MessageHeartbeat:
		return nil
	case m.Type >= adapter.MessageAdapterClose: // later ones belong to a newer version and are ignored
		return nil
	case len(text) == 0:
		return fmt.Errorf("%w: type %d has no data", ErrMessage, m.Type)
	}
	var b body
	if err := json.Unmarshal(text, &b); err != nil {
		return fmt.Errorf("%w: %w", ErrMessage, err)
	}
	m.RequestID, m.Rooms, m.Close, m.Count = b.RequestID, b.Rooms, b.Close, int(b.Count)
	m.Options = adapter.Options{Rooms: b.Opts.Rooms, Except: b.Opts.Except, Flags: b.Opts.Flags.decode()}
	for _, s := range b.Sockets {
		m.Sockets = append(m.Sockets, adapter.Info{ID: s.ID, Rooms: s.Rooms, Handshake: s.Handshake, Data: s.Data})
	}
	return readPacket(m, b.Packet, attachments)
}

// readPacket decodes an event, or the one value of an answer.
func readPacket(m *adapter.Message, raw json.RawMessage, attachments [][]byte) error {
	var list []json.RawMessage
	switch m.Type {
	case adapter.MessageBroadcast:
		var packet struct {
			Data []json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(raw, &packet); err != nil {
			return fmt.Errorf("%w: packet: %w", ErrMessage, err)
		}
		list = packet.Data
	case adapter.MessageServerSideEmit:
		if err := json.Unmarshal(raw, &list); err != nil {
			return fmt.Errorf("%w: packet: %w", ErrMessage, err)
		}
	case adapter.MessageServerSideEmitResponse, adapter.MessageBroadcastAck:
		if raw == nil { // undefined
			raw = json.RawMessage("null")
		}
		m.Values = adapter.Values{JSON: []json.RawMessage{raw}, Attachments: attachments}
		return nil
	default:
		return nil
	}
	if len(list) == 0 {
		return fmt.Errorf("%w: an event without a name", ErrMessage)
	}
	if list[0][0] != '"' { // a number is a name too
		m.Event = string(list[0])
	} else if err := json.Unmarshal(list[0], &m.Event); err != nil {
		return fmt.Errorf("%w: the event's name: %w", ErrMessage, err)
	}
	m.Values = adapter.Values{JSON: list[1:], Attachments: attachments}
	return nil
}

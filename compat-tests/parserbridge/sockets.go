package main

import (
	"encoding/json"
	"fmt"

	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

// message is one message of the engine: text, or bytes where there are some.
type message struct {
	Text   *string `json:"text,omitempty"`
	Binary []byte  `json:"binary,omitempty"`
}

// socketPacket is a decoded packet. Data is its payload with bytes as [mark] marks them.
type socketPacket struct {
	Type protocol.Type `json:"type"`
	Nsp  string        `json:"nsp"`
	ID   *uint64       `json:"id,omitempty"`
	Data any           `json:"data"`
	// Has tells a payload of null from none.
	Has bool `json:"has"`
}

// decodeSockets decodes the messages of a connection up to the first error.
func decodeSockets(input json.RawMessage) (any, error) {
	var in []message
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	return decodeMessages(new(protocol.Decoder), in)
}

// decodeMsgpack decodes the same in the form of the msgpack parser.
func decodeMsgpack(input json.RawMessage) (any, error) {
	var in []message
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	return decodeMessages(msgpack.Parser.NewDecoder(protocol.DefaultMaxAttachments), in)
}

func decodeMessages(d protocol.PacketDecoder, in []message) (any, error) {
	packets := []socketPacket{}
	for _, m := range in {
		add := d.AddBinary
		data := m.Binary
		if m.Text != nil {
			add, data = d.AddText, []byte(*m.Text)
		}
		p, err := add(data)
		if err != nil {
			return packets, err
		}
		if p == nil {
			continue
		}
		decoded, err := newSocketPacket(p)
		if err != nil {
			return packets, err
		}
		packets = append(packets, decoded)
		d.Release()
	}
	return packets, nil
}

func newSocketPacket(p *protocol.Packet) (socketPacket, error) {
	s := socketPacket{Type: p.Type, Nsp: p.Namespace, Has: p.Data != nil}
	if p.HasID {
		id := p.ID
		s.ID = &id
	}
	if p.Data == nil {
		return s, nil
	}
	if p.Type != protocol.Event && p.Type != protocol.Ack {
		err := protocol.Decode(p.Data, nil, &s.Data)
		s.Data = mark(s.Data)
		return s, err
	}
	args := make([]any, len(p.Args))
	for i := range args {
		if err := protocol.Decode(p.Arg(i), p.Attachments, &args[i]); err != nil {
			return s, fmt.Errorf("argument %d: %w", i, err)
		}
		args[i] = mark(args[i])
	}
	s.Data = args
	return s, nil
}

// bytesKey is the one member of an object that stands for bytes.
const bytesKey = "$bytes"

// mark replaces bytes in a decoded value by objects that JSON can hold, and unmark does the reverse.
func mark(v any) any {
	switch v := v.(type) {
	case []byte:
		return map[string]any{bytesKey: v}
	case []any:
		for i := range v {
			v[i] = mark(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = mark(v[k])
		}
	}
	return v
}

func unmark(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case []any:
		for i := range v {
			if v[i], err = unmark(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if text, ok := v[bytesKey].(string); ok {
			var b []byte
			err := json.Unmarshal([]byte(`"`+text+`"`), &b)
			return b, err
		}
		for k := range v {
			if v[k], err = unmark(v[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// encodeSockets encodes a packet into messages.
func encodeSockets(input json.RawMessage) (any, error) {
	text, attachments, err := encodeDefault(input)
	if err != nil {
		return nil, err
	}
	return toMessages(text, attachments), nil
}

// encodeMsgpack encodes it in the form of the msgpack parser.
func encodeMsgpack(input json.RawMessage) (any, error) {
	text, attachments, err := encodeDefault(input)
	if err != nil {
		return nil, err
	}
	encoded, err := msgpack.Parser.Encode(text, attachments)
	if err != nil {
		return nil, err
	}
	var out []message
	for _, m := range encoded {
		out = append(out, message{Binary: m.Data})
	}
	return out, nil
}

func toMessages(text []byte, attachments [][]byte) []message {
	s := string(text)
	out := []message{{Text: &s}}
	for _, a := range attachments {
		out = append(out, message{Binary: a})
	}
	return out
}

func encodeDefault(input json.RawMessage) (text []byte, attachments [][]byte, err error) {
	var in struct {
		Type protocol.Type
		Nsp  string
		ID   *uint64
		Data any
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, nil, err
	}
	data, err := unmark(in.Data)
	if err != nil {
		return nil, nil, err
	}
	args, isArray := data.([]any)
	if in.Type != protocol.Event && in.Type != protocol.Ack || !isArray {
		text, err = protocol.AppendControl(nil, in.Type, in.Nsp, data)
		return text, nil, err
	}
	var id uint64
	if in.ID != nil {
		id = *in.ID
	}
	name := ""
	if in.Type == protocol.Event {
		name, args = args[0].(string), args[1:]
	}
	return protocol.AppendPacket(nil, in.Type, in.Nsp, id, in.ID != nil, name, args)
}

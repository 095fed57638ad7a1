package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/gosocketio/socketio/engineio/wire"
)

// enginePacket is a packet of the engine. Data is text or, with Binary, bytes.
type enginePacket struct {
	Type   wire.Type `json:"type"`
	Binary bool      `json:"binary"`
	Data   []byte    `json:"data"`
}

// decodeEngine decodes one packet or a payload, and returns what came before the first error too.
func decodeEngine(input json.RawMessage) (any, error) {
	var in struct {
		Form string
		Data []byte
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	packets := []enginePacket{}
	add := func(p wire.Packet, err error) error {
		if err == nil {
			packets = append(packets, enginePacket{p.Type, p.Binary, p.Data})
		}
		return err
	}
	data := in.Data
	switch in.Form {
	case "packet4":
		return packets, add(wire.DecodeText(data))
	case "packet3":
		return packets, add(wire.DecodeText3(data))
	case "packet3binary":
		return packets, add(wire.DecodeBinary3(data))
	}
	for more := true; more; {
		var p wire.Packet
		var skip bool
		var err error
		switch in.Form {
		case "payload4":
			p, data, more, err = wire.NextPacket(data)
		case "payload3":
			p, skip, data, err = wire.NextPacketText3(data)
			more = len(data) > 0
		case "payload3binary":
			p, data, err = wire.NextPacketBinary3(data)
			more = len(data) > 0
			if err == nil && !p.Binary && !utf8.Valid(p.Data) {
				err = errors.New("text that is not UTF-8") // which the engine checks
			}
		default:
			err = fmt.Errorf("there is no form %q", in.Form)
		}
		if !skip {
			err = add(p, err)
		}
		if err != nil {
			return packets, err
		}
	}
	return packets, nil
}

// encodeEngine encodes a payload.
func encodeEngine(input json.RawMessage) (any, error) {
	var in struct {
		Form    string
		Packets []enginePacket
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	var frames []byte
	for _, p := range in.Packets {
		if p.Binary {
			frames = wire.AppendBinary(frames, p.Data)
		} else {
			frames = wire.AppendText(frames, p.Type, p.Data)
		}
	}
	switch in.Form {
	case "payload4":
		return wire.AppendPayload(nil, frames, true), nil
	case "payload3":
		return wire.AppendPayloadText3(nil, frames), nil
	case "payload3binary":
		return wire.AppendPayloadBinary3(nil, frames), nil
	}
	return nil, fmt.Errorf("there is no form %q", in.Form)
}

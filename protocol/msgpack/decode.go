package msgpack

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/gosocketio/socketio/protocol"
)

// Errors of the decoder, in the official parser's words.
var (
	errType      = &protocol.ParseError{Message: "invalid packet type"}
	errNamespace = &protocol.ParseError{Message: "invalid namespace"}
	errPayload   = &protocol.ParseError{Message: "invalid payload"}
	errID        = &protocol.ParseError{Message: "invalid packet id"}
	errFormat    = &protocol.ParseError{Message: "invalid format"}
)

// NewDecoder returns a decoder for one connection.
func (parser) NewDecoder(maxAttachments int) protocol.PacketDecoder {
	return &decoder{max: maxAttachments, inner: protocol.Decoder{MaxAttachments: maxAttachments}}
}

// decoder transcodes packets to the default form and lets the default decoder judge them.
type decoder struct {
	max   int
	inner protocol.Decoder
}

func (d *decoder) Release() { d.inner.Release() }

// AddText refuses: every packet is binary.
func (d *decoder) AddText([]byte) (*protocol.Packet, error) { return nil, errFormat }

// AddBinary decodes a packet.
func (d *decoder) AddBinary(message []byte) (*protocol.Packet, error) {
	f, err := readFields(message, d.max)
	if err != nil {
		return nil, err
	}
	text, err := f.text()
	if err != nil {
		return nil, err
	}
	p, err := d.inner.AddText(text)
	for _, a := range f.attachments {
		if err == nil {
			p, err = d.inner.AddBinary(a)
		}
	}
	if err != nil {
		d.inner.Reset()
		if errors.Is(err, protocol.ErrInvalidPayload) {
			err = errPayload
		}
		return nil, err
	}
	return p, nil
}

// fields are the members of a packet's map.
type fields struct {
	typ         uint64
	nsp         string
	hasID       bool
	id          uint64
	data        []byte // as JSON; nil when there is none
	attachments [][]byte
}

func readFields(b []byte, maxAttachments int) (f fields, err error) {
	f.typ = math.MaxUint64
	members, b := readHead(b)
	if members.kind != object {
		return f, errFormat
	}
	for range members.n {
		var key, h head
		if key, b = readHead(b); key.kind != text {
			return f, errFormat
		}
		name, value := b[:key.n], b[key.n:]
		switch h, b = readHead(value); string(name) {
		case "type":
			if f.typ = h.n; h.kind != unsigned && h.kind != signed {
				return f, errType
			}
		case "nsp":
			if h.kind != text {
				return f, errNamespace
			}
			f.nsp, b = string(b[:h.n]), b[h.n:]
		case "id":
			if h.kind == null {
				continue
			}
			if h.kind != unsigned && h.kind != signed || int64(h.n) < 0 {
				return f, errID
			}
			f.hasID, f.id = true, h.n
		default:
			t := transcoder{max: maxAttachments}
			if b, err = t.value(value, 0); err != nil {
				return f, err
			}
			if string(name) != "data" {
				continue // clients may add members of their own
			}
			if t.literal && len(t.attachments) > 0 {
				return f, errPayload // an object that looks like a placeholder cannot be told from one
			}
			if string(t.json) != "null" {
				f.data, f.attachments = t.json, t.attachments
			}
		}
	}
	if len(b) > 0 {
		return f, errFormat
	}
	return f, nil
}

// text returns the packet in its default form.
func (f *fields) text() ([]byte, error) {
	switch {
	case f.typ > uint64(protocol.ConnectError):
		return nil, errType
	case !strings.HasPrefix(f.nsp, "/") || strings.Contains(f.nsp, ","):
		return nil, errNamespace
	}
	typ := protocol.Type(f.typ)
	if !f.fits(typ) {
		return nil, errPayload
	}
	if len(f.attachments) > 0 {
		switch typ {
		case protocol.Event:
			typ = protocol.BinaryEvent
		case protocol.Ack:
			typ = protocol.BinaryAck
		default:
			return nil, errPayload
		}
	}
	b := append([]byte(nil), '0'+byte(typ))
	if n := len(f.attachments); n > 0 {
		b = append(strconv.AppendInt(b, int64(n), 10), '-')
	}
	if f.nsp != "/" || f.data == nil {
		b = append(append(b, f.nsp...), ',')
	}
	if f.hasID {
		b = strconv.AppendUint(b, f.id, 10)
	}
	return append(b, f.data...), nil
}

// fits tells whether the data is of the kind that the type of packet wants. Whatever else would read as part of the header.
func (f *fields) fits(typ protocol.Type) bool {
	kind := byte(0)
	if f.data != nil {
		kind = f.data[0]
	}
	switch typ {
	case protocol.Connect:
		return kind == 0 || kind == '{'
	case protocol.Disconnect:
		return kind == 0
	case protocol.ConnectError:
		return kind == '"' || kind == '{'
	}
	return kind == '['
}

package msgpack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

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

// decoder transcodes packets to the default format, which the default decoder checks.
type decoder struct {
	max   int
	inner protocol.Decoder
}

// Release drops the memory of the last packet.
func (d *decoder) Release() { d.inner.Release() }

// AddText returns an error: every packet is binary.
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
	members, b := ReadHead(b)
	if members.Kind != Map {
		return f, errFormat
	}
	for range members.N {
		var key, h Head
		if key, b = ReadHead(b); key.Kind != Text {
			return f, errFormat
		}
		name, value := b[:key.N], b[key.N:]
		switch h, b = ReadHead(value); string(name) {
		case "type":
			if f.typ = h.N; h.Kind != Unsigned && h.Kind != Signed {
				return f, errType
			}
		case "nsp":
			if h.Kind != Text {
				return f, errNamespace
			}
			f.nsp, b = string(b[:h.N]), b[h.N:]
		case "id":
			if h.Kind == Null {
				continue
			}
			if h.Kind != Unsigned && h.Kind != Signed || int64(h.N) < 0 {
				return f, errID
			}
			f.hasID, f.id = true, h.N
		default:
			t := transcoder{max: maxAttachments}
			if b, err = t.value(value, 0); err != nil {
				return f, err
			}
			if string(name) != "data" {
				continue // clients may add members of their own
			}
			if t.ambiguous() {
				return f, errPayload
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

// text returns the packet's text in the default format.
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
		if typ != protocol.Event && typ != protocol.Ack {
			return nil, errPayload
		}
		typ += protocol.BinaryEvent - protocol.Event
	}
	header := protocol.AppendHeader(nil, typ, len(f.attachments), f.nsp, f.id, f.hasID)
	return append(header, f.data...), nil
}

// fits reports whether the data is of the kind that the type of packet requires.
// Other data, such as a number, could be read as part of the header.
func (f *fields) fits(typ protocol.Type) bool {
	first := byte(0)
	if f.data != nil {
		first = f.data[0]
	}
	switch typ {
	case protocol.Connect:
		return first == 0 || first == '{'
	case protocol.Disconnect:
		return first == 0
	case protocol.ConnectError:
		return first == '"' || first == '{'
	}
	return first == '['
}

// ReadValue returns one MessagePack value, which must be all of data, as JSON with placeholders.
//
// Binary data becomes attachments, of which there may be at most maxAttachments. The error wraps
// [protocol.ErrParse], also when data holds binary data beside an object with the member
// "_placeholder". The results do not refer to data.
func ReadValue(data []byte, maxAttachments int) (json []byte, attachments [][]byte, err error) {
	t := transcoders.Get().(*transcoder)
	defer t.release()
	t.max = maxAttachments
	rest, err := t.value(data, 0)
	switch {
	case err != nil:
		return nil, nil, err
	case len(rest) > 0:
		return nil, nil, errFormat
	case t.ambiguous():
		return nil, nil, errPayload
	}
	for _, a := range t.attachments {
		attachments = append(attachments, append(make([]byte, 0, len(a)), a...)) // never nil
	}
	return bytes.Clone(t.json), attachments, nil
}

// transcoders are pooled, because the JSON grows many times until it is complete.
var transcoders = sync.Pool{New: func() any { return new(transcoder) }}

func (t *transcoder) release() {
	const keep = 64 << 10 // what one large value grew is left to the collector
	if cap(t.json) <= keep {
		*t = transcoder{json: t.json[:0]}
		transcoders.Put(t)
	}
}

// maxDepth limits how deep values nest.
const maxDepth = 10_000

// transcoder transcodes MessagePack to JSON with placeholders.
type transcoder struct {
	json        []byte
	attachments [][]byte
	max         int  // attachments
	literal     bool // an object has the member "_placeholder"
}

// ambiguous reports whether an object of the client may look like a placeholder.
func (t *transcoder) ambiguous() bool { return t.literal && len(t.attachments) > 0 }

func (t *transcoder) value(b []byte, depth int) (rest []byte, err error) {
	if depth > maxDepth {
		return nil, errFormat
	}
	h, b := ReadHead(b)
	switch h.Kind {
	case Null:
		t.json = append(t.json, "null"...)
	case Boolean:
		t.json = strconv.AppendBool(t.json, h.N == 1)
	case Unsigned:
		t.json = strconv.AppendUint(t.json, h.N, 10)
	case Signed:
		t.json = strconv.AppendInt(t.json, int64(h.N), 10)
	case Float:
		if f := math.Float64frombits(h.N); math.IsNaN(f) || math.IsInf(f, 0) {
			t.json = append(t.json, "null"...)
		} else {
			t.json = strconv.AppendFloat(t.json, f, 'g', -1, 64)
		}
	case Text:
		t.quote(b[:h.N])
		return b[h.N:], nil
	case Binary:
		return b[h.N:], t.attach(b[:h.N])
	case Array:
		return t.array(b, int(h.N), depth)
	case Map:
		return t.object(b, int(h.N), depth)
	case Extension, FixedExtension:
		rest, typ, content := b[h.N+1:], int8(b[0]), b[1:h.N+1]
		if h.Kind == Extension && typ == 0 { // an ArrayBuffer, as notepack.io 2 writes it
			return rest, t.attach(content)
		}
		return rest, t.extension(typ, content)
	default:
		return nil, errFormat
	}
	return b, nil
}

func (t *transcoder) quote(s []byte) {
	t.json = protocol.AppendQuoted(t.json, s) // bytes that are not UTF-8 become U+FFFD
}

func (t *transcoder) attach(data []byte) error {
	if len(t.attachments) >= t.max {
		return protocol.ErrTooManyAttachments
	}
	t.json = append(t.json, `{"_placeholder":true,"num":`...)
	t.json = append(strconv.AppendInt(t.json, int64(len(t.attachments)), 10), '}')
	t.attachments = append(t.attachments, data)
	return nil
}

func (t *transcoder) array(b []byte, n, depth int) (rest []byte, err error) {
	t.json = append(t.json, '[')
	for i := range n {
		if i > 0 {
			t.json = append(t.json, ',')
		}
		if b, err = t.value(b, depth+1); err != nil {
			return nil, err
		}
	}
	t.json = append(t.json, ']')
	return b, nil
}

func (t *transcoder) object(b []byte, n, depth int) (rest []byte, err error) {
	t.json = append(t.json, '{')
	for i := range n {
		if i > 0 {
			t.json = append(t.json, ',')
		}
		var h Head
		switch h, b = ReadHead(b); h.Kind {
		case Text:
			t.literal = t.literal || bytes.Equal(b[:h.N], []byte("_placeholder"))
			t.quote(b[:h.N])
			b = b[h.N:]
		case Unsigned:
			t.quote(strconv.AppendUint(nil, h.N, 10))
		case Signed:
			t.quote(strconv.AppendInt(nil, int64(h.N), 10))
		default:
			return nil, errFormat
		}
		t.json = append(t.json, ':')
		if b, err = t.value(b, depth+1); err != nil {
			return nil, err
		}
	}
	t.json = append(t.json, '}')
	return b, nil
}

// extension transcodes a timestamp, its old form, undefined, or an extension of another type.
func (t *transcoder) extension(typ int8, data []byte) error {
	var at time.Time
	switch n := len(data); {
	case typ == 0 && n == 1: // undefined, as old clients write it
		t.json = append(t.json, "null"...)
		return nil
	case typ == 0 && n == 8:
		at = time.UnixMilli(int64(binary.BigEndian.Uint64(data)))
	case typ == -1 && n == 4:
		at = time.Unix(int64(binary.BigEndian.Uint32(data)), 0)
	case typ == -1 && n == 8:
		v := binary.BigEndian.Uint64(data)
		at = time.Unix(int64(v&(1<<34-1)), int64(v>>34))
	case typ == -1 && n == 12:
		at = time.Unix(int64(binary.BigEndian.Uint64(data[4:])), int64(binary.BigEndian.Uint32(data)))
	default:
		t.json = append(strconv.AppendInt(append(t.json, '['), int64(typ), 10), ',')
		err := t.attach(data)
		t.json = append(t.json, ']')
		return err
	}
	t.quote(at.UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"))
	return nil
}

package msgpack

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tinylib/msgp/msgp"

	"github.com/gosocketio/socketio/protocol"
)

// maxDepth is how deep values may nest.
const maxDepth = 10_000

// transcoder makes JSON with placeholders of a value. Every announced length is checked against the bytes that are there before
// anything is done with it.
type transcoder struct {
	json        []byte
	attachments [][]byte
	max         int // attachments
	literal     bool
}

func (t *transcoder) value(b []byte, depth int) (rest []byte, err error) {
	if len(b) == 0 || depth > maxDepth {
		return nil, errFormat
	}
	switch msgp.NextType(b) {
	case msgp.NilType:
		t.json = append(t.json, "null"...)
		return b[1:], nil
	case msgp.BoolType:
		v, rest, err := msgp.ReadBoolBytes(b)
		t.json = strconv.AppendBool(t.json, v)
		return rest, format(err)
	case msgp.StrType:
		s, rest, err := msgp.ReadStringZC(b)
		t.quote(s)
		return rest, format(err)
	case msgp.IntType:
		v, rest, err := msgp.ReadInt64Bytes(b)
		t.json = strconv.AppendInt(t.json, v, 10)
		return rest, format(err)
	case msgp.UintType:
		v, rest, err := msgp.ReadUint64Bytes(b)
		t.json = strconv.AppendUint(t.json, v, 10)
		return rest, format(err)
	case msgp.Float32Type:
		v, rest, err := msgp.ReadFloat32Bytes(b)
		t.float(float64(v))
		return rest, format(err)
	case msgp.Float64Type:
		v, rest, err := msgp.ReadFloat64Bytes(b)
		t.float(v)
		return rest, format(err)
	case msgp.BinType:
		v, rest, err := msgp.ReadBytesZC(b)
		if err != nil {
			return nil, errFormat
		}
		return rest, t.attach(v)
	case msgp.ArrayType:
		return t.array(b, depth)
	case msgp.MapType:
		return t.object(b, depth)
	}
	return t.extension(b)
}

func format(err error) error {
	if err != nil {
		return errFormat
	}
	return nil
}

func (t *transcoder) quote(s []byte) {
	// Valid UTF-8 always quotes.
	t.json, _ = jsontext.AppendQuote(t.json, strings.ToValidUTF8(string(s), "\ufffd"))
}

func (t *transcoder) float(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		t.json = append(t.json, "null"...)
		return
	}
	t.json = strconv.AppendFloat(t.json, v, 'g', -1, 64)
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

func (t *transcoder) array(b []byte, depth int) (rest []byte, err error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || int64(n) > int64(len(b)) {
		return nil, errFormat
	}
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

func (t *transcoder) object(b []byte, depth int) (rest []byte, err error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil || 2*int64(n) > int64(len(b)) {
		return nil, errFormat
	}
	t.json = append(t.json, '{')
	for i := range n {
		if i > 0 {
			t.json = append(t.json, ',')
		}
		var key []byte
		switch msgp.NextType(b) {
		case msgp.StrType:
			if key, b, err = msgp.ReadStringZC(b); err != nil {
				return nil, errFormat
			}
		case msgp.IntType:
			var v int64
			if v, b, err = msgp.ReadInt64Bytes(b); err != nil {
				return nil, errFormat
			}
			key = strconv.AppendInt(nil, v, 10)
		default:
			return nil, errFormat
		}
		if string(key) == "_placeholder" {
			t.literal = true // not a value of ours
		}
		t.quote(key)
		t.json = append(t.json, ':')
		if b, err = t.value(b, depth+1); err != nil {
			return nil, err
		}
	}
	t.json = append(t.json, '}')
	return b, nil
}

// extension transcodes a value of an extension type: timestamps, their old form, undefined.
func (t *transcoder) extension(b []byte) (rest []byte, err error) {
	var head, n int
	switch c := b[0]; {
	case c >= 0xd4 && c <= 0xd8:
		head, n = 1, 1<<(c-0xd4)
	case c == 0xc7 && len(b) > 1:
		head, n = 2, int(b[1])
	case c == 0xc8 && len(b) > 2:
		head, n = 3, int(binary.BigEndian.Uint16(b[1:]))
	case c == 0xc9 && len(b) > 4:
		head, n = 5, int(binary.BigEndian.Uint32(b[1:]))
	default:
		return nil, errFormat
	}
	if n > len(b)-head-1 {
		return nil, errFormat
	}
	kind, data, rest := int8(b[head]), b[head+1:head+1+n], b[head+1+n:]
	var at time.Time
	switch {
	case kind == 0 && n == 1: // how an old client says undefined
		t.json = append(t.json, "null"...)
		return rest, nil
	case kind == 0 && n == 8:
		at = time.UnixMilli(int64(binary.BigEndian.Uint64(data)))
	case kind == -1 && n == 4:
		at = time.Unix(int64(binary.BigEndian.Uint32(data)), 0)
	case kind == -1 && n == 8:
		v := binary.BigEndian.Uint64(data)
		at = time.Unix(int64(v&(1<<34-1)), int64(v>>34))
	case kind == -1 && n == 12:
		at = time.Unix(int64(binary.BigEndian.Uint64(data[4:])), int64(binary.BigEndian.Uint32(data)))
	default:
		t.json = append(strconv.AppendInt(append(t.json, '['), int64(kind), 10), ',')
		err = t.attach(data)
		t.json = append(t.json, ']')
		return rest, err
	}
	t.quote([]byte(at.UTC().Format("2006-01-02T15:04:05.000Z")))
	return rest, nil
}

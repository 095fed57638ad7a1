package msgpack

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/gosocketio/socketio/protocol"
)

// maxDepth limits how deep values nest.
const maxDepth = 10_000

// transcoder turns MessagePack into JSON with placeholders.
type transcoder struct {
	json        []byte
	attachments [][]byte
	max         int  // attachments
	literal     bool // an object has the member "_placeholder"
}

func (t *transcoder) value(b []byte, depth int) (rest []byte, err error) {
	if depth > maxDepth {
		return nil, errFormat
	}
	h, b := readHead(b)
	switch h.kind {
	case null:
		t.json = append(t.json, "null"...)
	case boolean:
		t.json = strconv.AppendBool(t.json, h.n == 1)
	case unsigned:
		t.json = strconv.AppendUint(t.json, h.n, 10)
	case signed:
		t.json = strconv.AppendInt(t.json, int64(h.n), 10)
	case float:
		t.float(math.Float64frombits(h.n))
	case text:
		t.quote(b[:h.n])
		return b[h.n:], nil
	case data:
		return b[h.n:], t.attach(b[:h.n])
	case array:
		return t.array(b, int(h.n), depth)
	case object:
		return t.object(b, int(h.n), depth)
	case extension:
		return b[h.n+1:], t.extension(int8(b[0]), b[1:h.n+1])
	default:
		return nil, errFormat
	}
	return b, nil
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
		var h head
		switch h, b = readHead(b); h.kind {
		case text:
			if string(b[:h.n]) == "_placeholder" {
				t.literal = true // not a placeholder of ours
			}
			t.quote(b[:h.n])
			b = b[h.n:]
		case unsigned:
			t.quote(strconv.AppendUint(nil, h.n, 10))
		case signed:
			t.quote(strconv.AppendInt(nil, int64(h.n), 10))
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

// extension transcodes a value of an extension type: a timestamp, its old form, or undefined.
func (t *transcoder) extension(kind int8, data []byte) error {
	var at time.Time
	switch n := len(data); {
	case kind == 0 && n == 1: // how an old client says undefined
		t.json = append(t.json, "null"...)
		return nil
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
		err := t.attach(data)
		t.json = append(t.json, ']')
		return err
	}
	t.quote([]byte(at.UTC().Format("2006-01-02T15:04:05.000Z")))
	return nil
}

package clusterwire

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

// ErrMessage is wrapped by the errors of everything that reads.
var ErrMessage = errors.New("clusterwire: invalid message")

// maxAttachments limits the binary values of one message.
const maxAttachments = 10_000

// Reader reads one value, JSON or MessagePack, in one pass from the front.
//
// Each method reads the next value. After an error they all return zero values, and Err returns the
// first error. Strings are parts of the text and not copied, unless they have escapes.
type Reader struct {
	text   string
	bytes  []byte // the same memory as text
	pos    int
	packed bool // MessagePack
	err    error
}

// NewReader returns a Reader of text, which is JSON when it begins with a brace or a bracket, and
// MessagePack otherwise. Bytes of text that are not UTF-8 become U+FFFD.
func NewReader(text string) Reader {
	packed := text == "" || text[0] != '{' && text[0] != '['
	if !packed && !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	return Reader{text: text, bytes: bytesOf(text), packed: packed}
}

// bytesOf returns the bytes of a string without copying them. They must not be written to. That
// holds here: they are scanned, copied from, and passed on as JSON in messages, which do not change.
func bytesOf(text string) []byte {
	return unsafe.Slice(unsafe.StringData(text), len(text)) //nolint:gosec // see above
}

// Err returns the first error, which wraps [ErrMessage].
func (r *Reader) Err() error { return r.err }

// End checks that nothing follows what was read, and returns Err.
func (r *Reader) End() error {
	if r.space(); r.err == nil && r.pos < len(r.text) {
		r.fail("something follows it")
	}
	return r.err
}

func (r *Reader) fail(reason string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: at byte %d: %s", ErrMessage, r.pos, reason)
	}
	r.pos = len(r.text)
}

// space skips the white space of JSON.
func (r *Reader) space() {
	for !r.packed && r.pos < len(r.text) {
		switch r.text[r.pos] {
		case ' ', '\t', '\r', '\n':
			r.pos++
		default:
			return
		}
	}
}

// next skips white space and returns the byte that follows, 0 at the end.
func (r *Reader) next() byte {
	if r.space(); r.pos < len(r.text) {
		return r.text[r.pos]
	}
	return 0
}

// head reads the start of a MessagePack value.
func (r *Reader) head() (kind msgpack.Kind, n uint64) {
	h, rest := msgpack.ReadHead(r.bytes[r.pos:])
	if h.Kind == msgpack.Invalid {
		r.fail("a value is missing")
		return 0, 0
	}
	r.pos = len(r.text) - len(rest)
	return h.Kind, h.N
}

// Object calls field for each member of an object, with its key, in their order. A value that field
// does not read is skipped. present is false for null.
func (r *Reader) Object(field func(key string)) (present bool) {
	return r.elements('{', msgpack.Map, func() {
		key := r.String()
		if !r.packed {
			if r.next() != ':' {
				r.fail("a key without a value")
				return
			}
			r.pos++
		}
		at := r.pos
		if field(key); r.pos == at {
			r.Skip()
		}
	})
}

// Array calls element for each element of an array, with its index. A value that element does not
// read is skipped. present is false for null.
func (r *Reader) Array(element func(i int)) (present bool) {
	i := 0
	return r.elements('[', msgpack.Array, func() {
		at := r.pos
		if element(i); r.pos == at {
			r.Skip()
		}
		i++
	})
}

// elements calls element for each element of an array or object.
func (r *Reader) elements(open byte, kind msgpack.Kind, element func()) (present bool) {
	if r.packed {
		k, n := r.head()
		if k != kind {
			if k != msgpack.Null {
				r.fail("a value of another kind was expected")
			}
			return false
		}
		for ; n > 0 && r.err == nil; n-- {
			element()
		}
		return r.err == nil
	}
	switch r.next() {
	case open:
		r.pos++
	case 'n':
		r.Skip()
		return false
	default:
		r.fail("a value of another kind was expected")
		return false
	}
	for closing := open + 2; r.next() != closing; {
		element()
		if c := r.next(); c == ',' {
			if r.pos++; r.next() != closing {
				continue
			}
		} else if c == closing {
			break
		}
		r.fail("a comma or the end was expected")
		return false
	}
	if r.err == nil {
		r.pos++
	}
	return r.err == nil
}

// Skip reads a value of any kind and drops it.
func (r *Reader) Skip() {
	if r.err != nil {
		return
	}
	if r.packed {
		rest, ok := msgpack.Skip(r.bytes[r.pos:])
		if !ok {
			r.fail("a value is missing")
			return
		}
		r.pos = len(r.text) - len(rest)
		return
	}
	end := protocol.SkipValue(r.bytes, r.pos)
	if end < 0 {
		r.fail("it is not JSON")
		return
	}
	r.pos = end
}

// Raw reads a value of any kind and leaves it as it is. JSON has been checked, MessagePack has not.
func (r *Reader) Raw() Raw {
	r.space()
	start := r.pos
	r.Skip()
	return r.since(start)
}

// since returns what was read from start on.
func (r *Reader) since(start int) Raw {
	if r.err != nil {
		return Raw{}
	}
	return Raw{r.text[start:r.pos], r.packed}
}

// atObject reports whether an object follows.
func (r *Reader) atObject() bool {
	if !r.packed {
		return r.next() == '{'
	}
	h, _ := msgpack.ReadHead(r.bytes[r.pos:])
	return h.Kind == msgpack.Map
}

// String reads text, or null as "".
func (r *Reader) String() string { return r.string(false) }

// Name reads text, or null as "", or a number in the words of JavaScript: a program may have used
// one for a room or an event.
func (r *Reader) Name() string { return r.string(true) }

func (r *Reader) string(number bool) string {
	if r.packed {
		switch k, n := r.head(); k {
		case msgpack.Text:
			start := r.pos
			r.pos += int(n)
			return strings.ToValidUTF8(r.text[start:r.pos], "\uFFFD")
		case msgpack.Null:
			return ""
		case msgpack.Unsigned, msgpack.Signed, msgpack.Float:
			if number {
				json := strconv.AppendFloat(nil, float(k, n), 'g', -1, 64)
				return protocol.EventName(json)
			}
		}
		r.fail("text was expected")
		return ""
	}
	c := r.next()
	start := r.pos
	if r.Skip(); r.err != nil {
		return ""
	}
	switch {
	case c == '"':
		if s := r.text[start+1 : r.pos-1]; strings.IndexByte(s, '\\') < 0 {
			return s
		}
		var s string
		_ = json.Unmarshal(r.bytes[start:r.pos], &s) // it is valid
		return s
	case c == 'n':
		return ""
	case number && (c == '-' || '0' <= c && c <= '9'):
		return protocol.EventName(r.bytes[start:r.pos])
	}
	r.fail("text was expected")
	return ""
}

// float returns the number of a MessagePack value.
func float(k msgpack.Kind, n uint64) float64 {
	switch k {
	case msgpack.Unsigned:
		return float64(n)
	case msgpack.Signed:
		return float64(int64(n))
	}
	return math.Float64frombits(n)
}

// Strings reads an array of names, or null as none, and appends them to dst.
func (r *Reader) Strings(dst []string) []string {
	r.Array(func(int) { dst = append(dst, r.Name()) })
	return dst
}

// Number reads a number in any form, 2 as 2.0.
func (r *Reader) Number() float64 {
	if r.packed {
		switch k, n := r.head(); k {
		case msgpack.Unsigned, msgpack.Signed, msgpack.Float:
			return float(k, n)
		}
	} else {
		c := r.next()
		start := r.pos
		if r.Skip(); c == '-' || '0' <= c && c <= '9' {
			f, _ := strconv.ParseFloat(r.text[start:r.pos], 64) // out of range it is an infinity
			return f
		}
	}
	r.fail("a number was expected")
	return 0
}

// Int reads an integer from low to high.
func (r *Reader) Int(low, high int64) int64 {
	f := r.Number()
	if f != math.Trunc(f) || f < float64(low) || f > float64(high) { // also for NaN
		r.fail("a number is out of range")
		return 0
	}
	return int64(f)
}

// Bool reads a boolean; anything but true is false.
func (r *Reader) Bool() bool { return r.Raw().is(true) }

// Raw is a value that was left as it is. Its zero value is that of a member that is absent, which
// JavaScript calls undefined.
type Raw struct {
	text   string
	packed bool
}

// IsZero reports whether there is no value.
func (v Raw) IsZero() bool { return v.text == "" }

// Reader returns a Reader of the value.
func (v Raw) Reader() Reader { return Reader{text: v.text, bytes: bytesOf(v.text), packed: v.packed} }

// is reports whether the value is that boolean.
func (v Raw) is(b bool) bool {
	switch {
	case v.packed && b:
		return v.text == "\xc3"
	case v.packed:
		return v.text == "\xc2"
	}
	return v.text == strconv.FormatBool(b)
}

// JSON returns the value as JSON, with placeholders for its binary values. It must not be written
// to. The attachments are copies.
func (v Raw) JSON() (data []byte, attachments [][]byte, err error) {
	switch {
	case v.IsZero():
		return nil, nil, fmt.Errorf("%w: a value is missing", ErrMessage)
	case !v.packed:
		return bytesOf(v.text), nil, nil
	}
	if data, attachments, err = msgpack.ReadValue(bytesOf(v.text), maxAttachments); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	return data, attachments, nil
}

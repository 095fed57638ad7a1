package protocol

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendHeader appends the part of a packet before its payload.
//
// attachments is written for the binary types only, nsp unless it is "" or "/", and id if hasID is
// set (Socket.IO protocol 5, "Packet encoding"). nsp must not hold a comma, and id must not exceed
// 2^53-1: a peer could not read them.
func AppendHeader(dst []byte, t Type, attachments int, nsp string, id uint64, hasID bool) []byte {
	dst = append(dst, '0'+byte(t))
	if t == BinaryEvent || t == BinaryAck {
		dst = strconv.AppendInt(dst, int64(attachments), 10)
		dst = append(dst, '-')
	}
	if nsp != "" && nsp != "/" {
		dst = append(dst, nsp...)
		dst = append(dst, ',')
	}
	if hasID {
		dst = strconv.AppendUint(dst, id, 10)
	}
	return dst
}

// AppendPacket appends the text of an Event, or of an Ack, whose name must be empty.
//
// When an argument holds binary data at any depth, the packet becomes a BinaryEvent or BinaryAck,
// and atts must be sent after the text, each as a message of its own. atts are the byte slices
// found, not copies. Arguments are never changed.
//
// Official clients accept at most [DefaultMaxAttachments]; AppendPacket does not check that.
// Errors wrap [ErrEncode] and leave dst as it was.
func AppendPacket(
	dst []byte, t Type, nsp string, id uint64, hasID bool, name string, args []any,
) (text []byte, atts [][]byte, err error) {
	if t != Event && t != Ack || t == Ack && name != "" {
		return dst, nil, fmt.Errorf("%w: packet %v with name %q, must be EVENT, or ACK without a name", ErrEncode, t, name)
	}
	start := len(dst)
	text = AppendHeader(dst, t, 0, nsp, id, hasID)
	if text, atts, err = AppendArgs(text, nil, name, t == Event, args); err != nil {
		return dst, nil, err
	}
	if len(atts) > 0 {
		// The number of attachments is known only now. It goes behind the type.
		var count [20]byte
		text[start] += byte(BinaryEvent - Event)
		text = slices.Insert(text, start+1, append(strconv.AppendInt(count[:0], int64(len(atts)), 10), '-')...)
	}
	return text, atts, nil
}

// AppendControl appends the text of a Connect, Disconnect or ConnectError packet.
//
// payload is written as by encoding/json, but without HTML escaping; nil means none. Binary data is
// not taken out of it. Errors wrap [ErrEncode] and leave dst as it was.
func AppendControl(dst []byte, t Type, nsp string, payload any) ([]byte, error) {
	if t != Connect && t != Disconnect && t != ConnectError {
		return dst, fmt.Errorf("%w: the packet is %v, it must be CONNECT, DISCONNECT or CONNECT_ERROR", ErrEncode, t)
	}
	text := AppendHeader(dst, t, 0, nsp, 0, false)
	if payload == nil {
		return text, nil
	}
	text, err := appendPlain(text, payload)
	if err != nil {
		return dst, err
	}
	return text, nil
}

// AppendArgs appends the payload of an Event (hasName) or Ack: an array of the name and arguments.
// See [AppendJSON] for their format and for atts. Errors wrap [ErrEncode] and leave dst and atts as
// they were.
func AppendArgs(dst []byte, atts [][]byte, name string, hasName bool, args []any) ([]byte, [][]byte, error) {
	out, found := append(dst, '['), atts
	if hasName {
		out = AppendString(out, name)
	}
	for i, v := range args {
		if i > 0 || hasName {
			out = append(out, ',')
		}
		var err error
		if out, found, err = appendValue(out, found, v, 0); err != nil {
			return dst, atts, err
		}
	}
	return append(out, ']'), found, nil
}

// AppendJSON appends v as JSON.
//
// Each []byte in it, at any depth and also of a named type, is replaced by a placeholder and
// appended to atts, without being copied; a nil one is null. Everything else is written as by
// encoding/json (struct tags, sorted maps, marshalers), except as JSON.stringify differs: no HTML
// escaping, and null for NaN and infinities. A type that marshals itself is not searched for binary
// data.
//
// Errors wrap [ErrEncode] and leave dst and atts as they were.
func AppendJSON(dst []byte, atts [][]byte, v any) ([]byte, [][]byte, error) {
	out, found, err := appendValue(dst, atts, v, 0)
	if err != nil {
		return dst, atts, err
	}
	return out, found, nil
}

// maxFast is how deeply appendValue follows maps and slices. Values that are nested more deeply may
// contain themselves, which the JSON libraries detect.
const maxFast = 100

// appendValue appends the most common types without reflection or allocation.
// It leaves the others to appendGeneral. After an error its results are unusable.
func appendValue(dst []byte, atts [][]byte, v any, depth int) ([]byte, [][]byte, error) {
	switch v := v.(type) {
	case nil:
		dst = append(dst, "null"...)
	case bool:
		dst = strconv.AppendBool(dst, v)
	case string:
		dst = AppendString(dst, v)
	case int:
		dst = strconv.AppendInt(dst, int64(v), 10)
	case int64:
		dst = strconv.AppendInt(dst, v, 10)
	case int8, int16, int32:
		dst = strconv.AppendInt(dst, reflect.ValueOf(v).Int(), 10)
	case uint, uint8, uint16, uint32, uint64:
		dst = strconv.AppendUint(dst, reflect.ValueOf(v).Uint(), 10)
	case float32:
		dst = appendFloat(dst, float64(v), 32)
	case float64:
		dst = appendFloat(dst, v, 64)
	case []byte:
		if v == nil {
			return append(dst, "null"...), atts, nil
		}
		return appendPlaceholder(dst, len(atts)), append(atts, v), nil
	case json.Number:
		out, err := appendNumber(dst, v)
		return out, atts, err
	case json.RawMessage:
		if v == nil {
			return append(dst, "null"...), atts, nil
		}
		if _, ok := scanAll(v); !ok {
			return dst, atts, fmt.Errorf("%w: json.RawMessage is %.40q, it must be one JSON value", ErrEncode, v)
		}
		dst = append(dst, v...)
	case *json.RawMessage:
		if v == nil {
			return append(dst, "null"...), atts, nil
		}
		return appendValue(dst, atts, *v, depth)
	case []string:
		dst = appendStrings(dst, v)
	case []any:
		return appendSlice(dst, atts, v, depth)
	case map[string]any:
		return appendMap(dst, atts, v, depth)
	default:
		return appendGeneral(dst, atts, v)
	}
	return dst, atts, nil
}

func appendPlaceholder(dst []byte, num int) []byte {
	dst = append(dst, placeholderHead...)
	dst = strconv.AppendInt(dst, int64(num), 10)
	return append(dst, '}')
}

func appendStrings(dst []byte, v []string) []byte {
	if v == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '[')
	for i, s := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, s)
	}
	return append(dst, ']')
}

func appendSlice(dst []byte, atts [][]byte, v []any, depth int) ([]byte, [][]byte, error) {
	switch {
	case v == nil:
		return append(dst, "null"...), atts, nil
	case depth == maxFast:
		return appendGeneral(dst, atts, v)
	}
	dst = append(dst, '[')
	for i, elem := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, atts, err = appendValue(dst, atts, elem, depth+1); err != nil {
			return dst, atts, err
		}
	}
	return append(dst, ']'), atts, nil
}

// member is a member of an object.
type member struct {
	key   string
	value any
}

func appendMap(dst []byte, atts [][]byte, v map[string]any, depth int) ([]byte, [][]byte, error) {
	switch {
	case v == nil:
		return append(dst, "null"...), atts, nil
	case depth == maxFast:
		return appendGeneral(dst, atts, v)
	}
	var few [8]member
	members := few[:0]
	for k, elem := range v {
		members = append(members, member{k, elem})
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.key, b.key) })
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendString(dst, m.key), ':')
		var err error
		if dst, atts, err = appendValue(dst, atts, m.value, depth+1); err != nil {
			return dst, atts, err
		}
	}
	return append(dst, '}'), atts, nil
}

// AppendString appends a string as JSON, as JSON.stringify does, which escapes only what it must.
// Each byte that is not UTF-8 becomes U+FFFD.
func AppendString(dst []byte, text string) []byte {
	if len(text) < manyBytes && plainStart(text) == len(text) {
		return append(append(append(dst, '"'), text...), '"')
	}
	// This does not copy as long as s is neither kept nor passed to assembly, as by bytes.IndexByte.
	s := []byte(text)
	dst = append(dst, '"')
	ascii := false
	if len(s) >= manyBytes && strings.IndexByte(text, '"') < 0 && strings.IndexByte(text, '\\') < 0 {
		var plain bool
		if plain, ascii = noControls(s); plain && (ascii || utf8.Valid(s)) {
			dst = append(dst, s...)
			return append(dst, '"')
		}
	}
	start := 0 // of the bytes that are not appended yet
	valid := ascii || utf8.Valid(s)
	for i := 0; i < len(s); {
		if valid && len(s)-i >= 8 {
			m := special(binary.LittleEndian.Uint64(s[i:]))
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) / 8
		}
		c := s[i]
		switch {
		case c == '"' || c == '\\' || c < ' ':
			dst = append(dst, s[start:i]...)
			dst = appendEscaped(dst, c)
			i++
			start = i
		case c < utf8.RuneSelf || valid:
			i++
		default:
			r, size := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\uFFFD"...)
				start = i + 1
			}
			i += size
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// AppendQuoted is AppendString of text in bytes. It copies them once more if they need escapes.
func AppendQuoted(dst, text []byte) []byte {
	plain, ascii := true, true
	if len(text) >= manyBytes {
		plain, ascii = plainBytes(text)
	} else {
		for _, c := range text {
			plain = plain && c >= ' ' && c != '"' && c != '\\'
			ascii = ascii && c < utf8.RuneSelf
		}
	}
	if plain && (ascii || utf8.Valid(text)) {
		return append(append(append(dst, '"'), text...), '"')
	}
	return AppendString(dst, string(text))
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '\b':
		c = 'b'
	case '\f':
		c = 'f'
	case '\n':
		c = 'n'
	case '\r':
		c = 'r'
	case '\t':
		c = 't'
	case '"', '\\':
	default:
		const hex = "0123456789abcdef"
		return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
	}
	return append(dst, '\\', c)
}

// appendFloat appends a number as JavaScript writes it (ECMA-262, Number::toString).
//
// That is the shortest digits that read back, an exponent below 1e-6 and from 1e21 on, 0 for -0,
// and null for NaN and infinities.
func appendFloat(dst []byte, f float64, bitSize int) []byte {
	switch {
	case f == 0:
		return append(dst, '0')
	case math.IsNaN(f) || math.IsInf(f, 0):
		return append(dst, "null"...)
	}
	exact := int64(1) << 53 // below, all integers are numbers, so that no fewer digits read back
	if bitSize == 32 {
		exact = 1 << 24
	}
	if n := int64(f); float64(n) == f && -exact < n && n < exact {
		return strconv.AppendInt(dst, n, 10)
	}
	abs := math.Abs(f)
	low, high := abs < 1e-6, abs >= 1e21
	if bitSize == 32 {
		low, high = float32(abs) < 1e-6, float32(abs) >= 1e21
	}
	if !low && !high {
		return strconv.AppendFloat(dst, f, 'f', -1, bitSize)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, bitSize)
	if n := len(dst); low && dst[n-2] == '0' && dst[n-3] == '-' {
		// e-09 is e-9 in JavaScript.
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// appendNumber appends a json.Number. The empty one is 0, as in encoding/json.
func appendNumber(dst []byte, n json.Number) ([]byte, error) {
	if n == "" {
		return append(dst, '0'), nil
	}
	if !isNumber([]byte(n)) {
		return dst, fmt.Errorf("%w: json.Number is %.40q, it must be a JSON number", ErrEncode, n)
	}
	return append(dst, n...), nil
}

package protocol

import (
	"bytes"
	"fmt"
	"reflect"
	"strconv"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// Decode stores raw, one JSON value such as an argument of a packet, in *v.
//
// Placeholders count atts, and a []byte that meets one takes the attachment,
// without copying it, at any depth: in fields, slices, maps and pointers, also
// as a named type. In an any it becomes a []byte. A json.RawMessage and types
// that unmarshal themselves see the raw JSON.
//
// Everything else is as with encoding/json; so a []byte also takes a string of
// base64. Errors wrap [ErrDecode].
func Decode(raw []byte, atts [][]byte, v any) (err error) {
	if decodeFast(raw, v) || decodeAttachment(raw, atts, v) {
		return nil
	}
	switch k := incoming.kind(reflect.TypeOf(v)); {
	case len(atts) > 0 && k.binary && bytes.IndexByte(raw, '{') >= 0: // without an object there is no placeholder
		err = decodeBinary(raw, atts, v)
	case k.number:
		err = jsonv2.Unmarshal(raw, v, numberDecoding)
	default:
		err = jsonv1.Unmarshal(raw, v) // encoding/json's rules at a third of its time (docs/decisions)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDecode, err)
	}
	return nil
}

// decodeFast handles the plainest values, and reports whether it did. What it
// declines is good for encoding/json, if only to get the error from there.
func decodeFast(raw []byte, v any) bool {
	switch v := v.(type) {
	case *string:
		s, ok := plainString(raw)
		if ok && v != nil {
			*v = string(s)
			return true
		}
	case *int:
		n, ok := plainInt(raw)
		if ok && v != nil && int64(int(n)) == n {
			*v = int(n)
			return true
		}
	case *int64:
		n, ok := plainInt(raw)
		if ok && v != nil {
			*v = n
			return true
		}
	case *float64:
		f, ok := plainFloat(raw)
		if ok && v != nil {
			*v = f
			return true
		}
	case *any:
		// One that holds something may hold a pointer, to what is decoded into.
		if v != nil && *v == nil {
			var ok bool
			*v, ok = plainAny(raw)
			return ok
		}
	case *bool:
		if v == nil {
			return false
		}
		switch string(raw) {
		case "true":
			*v = true
			return true
		case "false":
			*v = false
			return true
		}
	}
	return false
}

// plainAny returns a value of no particular type, unless it is an array, an object, or a string that has to be worked on.
func plainAny(raw []byte) (v any, ok bool) {
	if len(raw) == 0 {
		return nil, false
	}
	switch raw[0] {
	case '"':
		if s, ok := plainString(raw); ok {
			return string(s), true
		}
	case 'n':
		return nil, string(raw) == "null"
	case 't':
		if string(raw) == "true" {
			return true, true
		}
	case 'f':
		if string(raw) == "false" {
			return false, true
		}
	default:
		if f, ok := plainFloat(raw); ok {
			return f, true
		}
	}
	return nil, false
}

// decodeAttachment handles an argument that is an attachment.
func decodeAttachment(raw []byte, atts [][]byte, v any) bool {
	i, ok := plainPlaceholder(raw)
	if !ok || i >= len(atts) {
		return false
	}
	switch v := v.(type) {
	case *[]byte:
		if v != nil {
			*v = atts[i]
			return true
		}
	case *any:
		if v != nil && *v == nil {
			*v = atts[i]
			return true
		}
	}
	return false
}

// plainString returns what is between the quotes when that is the string.
func plainString(raw []byte) ([]byte, bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return nil, false
	}
	s := raw[1 : len(raw)-1]
	plain, ascii := plainBytes(s)
	return s, plain && (ascii || utf8.Valid(s))
}

// plainFloat parses a number that a float64 holds.
func plainFloat(raw []byte) (f float64, ok bool) {
	if n, ok := plainInt(raw); ok && n <= 1<<53 && raw[0] != '-' { // -0 is not 0
		return float64(n), true
	}
	if len(raw) == 0 || raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') || scanNumber(raw, 0) != len(raw) {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	return f, err == nil
}

// plainInt parses an integer that cannot overflow.
func plainInt(raw []byte) (n int64, ok bool) {
	digits := raw
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 18 || digits[0] == '0' && len(digits) > 1 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(raw) {
		n = -n
	}
	return n, true
}

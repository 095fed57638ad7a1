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
// Placeholders refer to atts. A []byte takes the attachment of its placeholder, without copying it,
// at any depth: in fields, slices, maps and pointers, also as a named type. In an any the
// attachment becomes a []byte. A json.RawMessage and types that unmarshal themselves see the raw JSON.
//
// Everything else is as with encoding/json; so a []byte also takes a string of base64. Errors wrap
// [ErrDecode].
func Decode(raw []byte, atts [][]byte, v any) (err error) {
	if decodeFast(raw, atts, v) {
		return nil
	}
	switch k := incoming.kind(reflect.TypeOf(v)); {
	case len(atts) > 0 && k.binary && bytes.IndexByte(raw, '{') >= 0: // every placeholder is an object
		err = decodeBinary(raw, atts, v)
	case k.number:
		err = jsonv2.Unmarshal(raw, v, numberDecoding)
	default:
		err = jsonv1.Unmarshal(raw, v) // encoding/json's rules at half its time (docs/decisions)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDecode, err)
	}
	return nil
}

// decodeFast decodes the simplest values without reflection. It reports whether it did.
// It also declines what is invalid: the library has the error for that.
func decodeFast(raw []byte, atts [][]byte, v any) bool {
	switch v := v.(type) {
	case *string:
		s, ok := plainString(raw)
		return set(v, s, ok)
	case *int:
		if n, ok := plainInt(raw); ok && v != nil && int64(int(n)) == n {
			*v = int(n)
			return true
		}
	case *int64:
		n, ok := plainInt(raw)
		return set(v, n, ok)
	case *float64:
		f, ok := plainFloat(raw)
		return set(v, f, ok)
	case *bool:
		yes := string(raw) == "true"
		return set(v, yes, yes || string(raw) == "false")
	case *[]byte:
		i, ok := plainPlaceholder(raw)
		if ok = ok && i < len(atts); ok {
			return set(v, atts[i], true)
		}
	case *any:
		if v != nil && *v == nil { // else it may hold a pointer to the value to decode into
			x, ok := decodeAny(raw, atts)
			return set(v, x, ok)
		}
	case *map[string]any:
		if v != nil && *v == nil { // else the object is added to it
			x, ok := decodeTree(raw, atts)
			m, isMap := x.(map[string]any)
			return set(v, m, ok && isMap)
		}
	case *[]any:
		if v != nil && *v == nil { // else its elements may hold pointers
			x, ok := decodeTree(raw, atts)
			a, isSlice := x.([]any)
			return set(v, a, ok && isSlice)
		}
	}
	return false
}

// set stores v in *p and returns true, unless ok is false or p is nil.
func set[T any](p *T, v T, ok bool) bool {
	if ok = ok && p != nil; ok {
		*p = v
	}
	return ok
}

// plainAny returns a number, a boolean or null.
func plainAny(raw []byte) (any, bool) {
	switch string(raw) {
	case "null":
		return nil, true
	case "true":
		return true, true
	case "false":
		return false, true
	}
	f, ok := plainFloat(raw)
	return f, ok
}

// plainString returns a string that has no escapes.
func plainString(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return "", false
	}
	s := raw[1 : len(raw)-1]
	if plain, ascii := plainBytes(s); !plain || !ascii && !utf8.Valid(s) {
		return "", false
	}
	return string(s), true
}

// plainFloat parses a number that a float64 holds.
func plainFloat(raw []byte) (f float64, ok bool) {
	if n, ok := plainInt(raw); ok && n <= 1<<53 && raw[0] != '-' { // -0 is not 0
		return float64(n), true
	}
	if !isNumber(raw) {
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

// placeholderHead is how all encoders begin a placeholder. Its number and a brace follow.
const placeholderHead = `{"_placeholder":true,"num":`

// plainPlaceholder returns the number of a placeholder that is written as all encoders do.
func plainPlaceholder(raw []byte) (num int, ok bool) {
	if len(raw) < len(placeholderHead)+2 || raw[len(raw)-1] != '}' ||
		string(raw[:len(placeholderHead)]) != placeholderHead {
		return 0, false
	}
	digits := raw[len(placeholderHead) : len(raw)-1]
	n, ok := plainInt(digits)
	return int(n), ok && len(digits) <= 9 && digits[0] != '-'
}

package protocol

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// maxFast is how deeply the fast path follows maps and slices. Values that are
// nested more deeply may contain themselves; encoding them is left to where that
// is found out.
const maxFast = 100

// AppendArgs appends the payload of an Event (hasName) or Ack: a JSON array of
// the name and the arguments. See [AppendJSON] for how they are written and what
// atts is. Errors wrap [ErrEncode] and leave dst and atts as they were.
func AppendArgs(dst []byte, atts [][]byte, name string, hasName bool, args []any) ([]byte, [][]byte, error) {
	out, found := append(dst, '['), atts
	if hasName {
		out = appendString(out, name)
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

// AppendJSON appends v as JSON. Each []byte in it, at any depth and also of a
// named type, is replaced by a placeholder and appended to atts, without being
// copied; a nil one is null. Everything else is as encoding/json has it, struct
// tags, sorted maps and marshalers included, but for the manners of
// JSON.stringify: no HTML escaping, and null for NaN and infinities. A type that
// marshals itself is not searched for binary data.
//
// Errors wrap [ErrEncode] and leave dst and atts as they were.
func AppendJSON(dst []byte, atts [][]byte, v any) ([]byte, [][]byte, error) {
	out, found, err := appendValue(dst, atts, v, 0)
	if err != nil {
		return dst, atts, err
	}
	return out, found, nil
}

// appendValue handles the types that most events are made of without reflection
// or allocation, and leaves the others to appendGeneral. After an error, what it
// returns is to be thrown away.
func appendValue(dst []byte, atts [][]byte, v any, depth int) ([]byte, [][]byte, error) {
	switch v := v.(type) {
	case nil:
		dst = append(dst, "null"...)
	case bool:
		dst = strconv.AppendBool(dst, v)
	case string:
		dst = appendString(dst, v)
	case int:
		dst = strconv.AppendInt(dst, int64(v), 10)
	case int8:
		dst = strconv.AppendInt(dst, int64(v), 10)
	case int16:
		dst = strconv.AppendInt(dst, int64(v), 10)
	case int32:
		dst = strconv.AppendInt(dst, int64(v), 10)
	case int64:
		dst = strconv.AppendInt(dst, v, 10)
	case uint:
		dst = strconv.AppendUint(dst, uint64(v), 10)
	case uint8:
		dst = strconv.AppendUint(dst, uint64(v), 10)
	case uint16:
		dst = strconv.AppendUint(dst, uint64(v), 10)
	case uint32:
		dst = strconv.AppendUint(dst, uint64(v), 10)
	case uint64:
		dst = strconv.AppendUint(dst, v, 10)
	case float32:
		dst = appendFloat(dst, float64(v), 32)
	case float64:
		dst = appendFloat(dst, v, 64)
	case []byte:
		dst, atts = appendBytes(dst, atts, v)
	case json.Number:
		out, err := appendNumber(dst, v)
		return out, atts, err
	case json.RawMessage:
		return appendRaw(dst, atts, v)
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

func appendBytes(dst []byte, atts [][]byte, b []byte) ([]byte, [][]byte) {
	if b == nil {
		return append(dst, "null"...), atts
	}
	return appendPlaceholder(dst, len(atts)), append(atts, b)
}

func appendPlaceholder(dst []byte, num int) []byte {
	dst = append(dst, `{"_placeholder":true,"num":`...)
	dst = strconv.AppendInt(dst, int64(num), 10)
	return append(dst, '}')
}

func appendRaw(dst []byte, atts [][]byte, raw json.RawMessage) ([]byte, [][]byte, error) {
	if raw == nil {
		return append(dst, "null"...), atts, nil
	}
	if _, ok := scanAll(raw); !ok {
		return dst, atts, fmt.Errorf("%w: a json.RawMessage is not JSON", ErrEncode)
	}
	return append(dst, raw...), atts, nil
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
		dst = appendString(dst, s)
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

func appendMap(dst []byte, atts [][]byte, v map[string]any, depth int) ([]byte, [][]byte, error) {
	switch {
	case v == nil:
		return append(dst, "null"...), atts, nil
	case depth == maxFast:
		return appendGeneral(dst, atts, v)
	}
	var few [8]string
	keys := few[:0]
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, k), ':')
		var err error
		if dst, atts, err = appendValue(dst, atts, v[k], depth+1); err != nil {
			return dst, atts, err
		}
	}
	return append(dst, '}'), atts, nil
}

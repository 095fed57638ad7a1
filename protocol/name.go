package protocol

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// NameBytes returns the name of an event, given the first element of its
// payload, without allocating. ok is false when that takes more than cutting off
// the quotes, or raw is neither a string nor a number: see [EventName].
func NameBytes(raw []byte) (name []byte, ok bool) {
	n := len(raw)
	switch {
	case n >= 2 && raw[0] == '"' && raw[n-1] == '"':
		name = raw[1 : n-1]
		return name, bytes.IndexByte(name, '\\') < 0
	case n > 0 && n <= 15 && '1' <= raw[0] && raw[0] <= '9' && scanDigits(raw, 0) == n, n == 1 && raw[0] == '0':
		return raw, true
	}
	return nil, false
}

// EventName returns the name of an event, given the first element of its
// payload: a string, or the text that JavaScript gives a number ("1" for 1.0),
// as that is what listeners are registered for. Everything else gives "".
func EventName(raw []byte) string {
	if name, ok := NameBytes(raw); ok {
		return string(name)
	}
	if len(raw) == 0 {
		return ""
	}
	if raw[0] == '"' {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return ""
		}
		return s
	}
	if c := raw[0]; c != '-' && (c < '0' || c > '9') || scanNumber(raw, 0) != len(raw) {
		return ""
	}
	f, _ := strconv.ParseFloat(string(raw), 64) // out of range gives the infinities, as in JavaScript
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return string(appendFloat(nil, f, 64))
}

// validName reports whether a payload's first element, which is valid JSON, may
// name an event: it is a number, or a string that is not reserved.
func validName(raw []byte) bool {
	switch c := raw[0]; {
	case c == '-' || '0' <= c && c <= '9':
		return true
	case c != '"':
		return false
	}
	if name, ok := NameBytes(raw); ok {
		return !IsReserved(string(name))
	}
	return !IsReserved(EventName(raw))
}

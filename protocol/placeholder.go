package protocol

import (
	"encoding/json"
	"math"
	"strconv"
)

// A placeholder is an object whose "_placeholder" is true (Socket.IO protocol 5,
// "Packet encoding"); its "num" is the index of the attachment that replaces it,
// whatever else the object holds.

// level is what validPlaceholders knows of an array or object that it is in.
type level struct {
	object      bool
	placeholder bool // "_placeholder" is true
	num         bool // "num" is the index of an attachment
	bad         bool // holds a placeholder without attachment
}

// note takes in the value of key, or just the first byte of it.
func (l *level) note(key byte, raw []byte, n int) {
	// Of a repeated key the last value counts, as for JSON.parse.
	switch key {
	case placeholderMark:
		l.placeholder = raw[0] == 't'
	case placeholderNum:
		_, l.num = readIndex(raw, n)
	}
}

// validPlaceholders reports whether all placeholders in data, which is a valid
// JSON array or nil, have one of n attachments.
func validPlaceholders(data []byte, n int) bool {
	stack := make([]level, 1, 8) // the lowest one stands for what is around data
	key, isKey := byte(otherKey), false
	for i := 0; i < len(data); {
		top := &stack[len(stack)-1]
		switch c := data[i]; c {
		case ' ', '\t', '\r', '\n', ':':
			i++
		case ',':
			isKey = top.object
			i++
		case '{', '[':
			top.note(key, data[i:i+1], n)
			stack = append(stack, level{object: c == '{'})
			key, isKey = otherKey, c == '{'
			i++
		case '}', ']':
			// What a placeholder holds besides is replaced along with it.
			bad := top.bad
			if top.placeholder {
				bad = !top.num
			}
			stack = stack[:len(stack)-1]
			if bad {
				stack[len(stack)-1].bad = true
			}
			isKey = false
			i++
		default:
			start := i
			i = scanScalar(data, i)
			if isKey {
				key, isKey = placeholderKey(data[start:i]), false
			} else {
				top.note(key, data[start:i], n)
				key = otherKey
			}
		}
	}
	return !stack[0].bad
}

// The keys that make a placeholder.
const (
	otherKey = iota
	placeholderMark
	placeholderNum
)

func placeholderKey(raw []byte) byte {
	name, ok := NameBytes(raw)
	if !ok {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return otherKey
		}
		name = []byte(s)
	}
	switch string(name) {
	case "_placeholder":
		return placeholderMark
	case "num":
		return placeholderNum
	}
	return otherKey
}

// readIndex reads a placeholder's number as JavaScript does: 1.0 and 1e0 are 1.
// A fraction is refused, where the official decoder delivers undefined.
func readIndex(raw []byte, n int) (index int, ok bool) {
	if c := raw[0]; c != '-' && (c < '0' || c > '9') {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return 0, false
	}
	return attachmentIndex(f, n)
}

func attachmentIndex(num float64, n int) (index int, ok bool) {
	if num < 0 || num >= float64(n) || num != math.Trunc(num) {
		return 0, false
	}
	return int(num), true
}

// readPlaceholder looks at an object, which is valid JSON, on its own: not at
// what its other members hold. index is -1 when it is a placeholder without
// attachment.
func readPlaceholder(raw []byte, n int) (index int, ok bool) {
	if i, plain := plainPlaceholder(raw); plain && i < n {
		return i, true
	}
	index = -1
	i := skipSpace(raw, 0) + 1
	for i = skipSpace(raw, i); raw[i] == '"'; i = skipSpace(raw, i+1) {
		end := scanString(raw, i)
		key := placeholderKey(raw[i:end])
		i = skipSpace(raw, skipSpace(raw, end)+1) // the colon
		end = scanValue(raw, i, maxDepth)
		switch value := raw[i:end]; key {
		case placeholderMark:
			ok = value[0] == 't'
		case placeholderNum:
			var valid bool
			if index, valid = readIndex(value, n); !valid {
				index = -1
			}
		}
		if i = skipSpace(raw, end); raw[i] == '}' {
			break
		}
	}
	return index, ok
}

// plainPlaceholder reads a placeholder that is written as all encoders do.
func plainPlaceholder(raw []byte) (index int, ok bool) {
	const head = `{"_placeholder":true,"num":`
	if len(raw) < len(head)+2 || string(raw[:len(head)]) != head || raw[len(raw)-1] != '}' {
		return 0, false
	}
	num := raw[len(head) : len(raw)-1]
	if len(num) > 9 || num[0] == '0' && len(num) > 1 {
		return 0, false
	}
	for _, c := range num {
		if c < '0' || c > '9' {
			return 0, false
		}
		index = index*10 + int(c-'0')
	}
	return index, true
}

// Package binaryjson is the form in which the arguments of events pass through plain JSON, from and
// to backends in any language: binary data is the object {"base64":"AAEC"}.
//
// An object is binary data if base64 is its only member, so such an object cannot be sent as it is.
// The package is functions on bytes, without goroutines and locks.
package binaryjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"

	"github.com/gosocketio/socketio/internal/refusal"
	"github.com/gosocketio/socketio/protocol"
)

// MaxBinary limits the binary values in a list of arguments: official clients accept no more.
const MaxBinary = protocol.DefaultMaxAttachments

// member is the member of an object that stands for binary data, placeholder the one that stands for
// it on the wire.
const (
	member      = "base64"
	placeholder = "_placeholder"
)

// Arguments are a *socketio.Event or a socketio.Reply.
type Arguments interface {
	Args() []any
	Len() int
	Decode(pointers ...any) error
}

// Marshal returns arguments as a JSON array.
//
// An argument without binary data stays as the client sent it: its numbers keep all their digits.
func Marshal(a Arguments) ([]byte, error) {
	raw := make([]json.RawMessage, a.Len())
	pointers := make([]any, len(raw))
	for i := range raw {
		pointers[i] = &raw[i]
	}
	if err := a.Decode(pointers...); err != nil {
		return nil, err
	}
	list := make([]any, len(raw))
	for i, v := range a.Args() {
		if v, found := withBase64(v); found {
			list[i] = v
		} else {
			list[i] = raw[i]
		}
	}
	return json.Marshal(list)
}

// withBase64 replaces the binary data in v, and tells whether there was any. It changes v.
func withBase64(v any) (_ any, found bool) {
	switch v := v.(type) {
	case []byte:
		return map[string][]byte{member: v}, true // encoding/json writes []byte as base64
	case []any:
		for i, x := range v {
			y, binary := withBase64(x)
			v[i], found = y, found || binary
		}
	case map[string]any:
		for k, x := range v {
			y, binary := withBase64(x)
			v[k], found = y, found || binary
		}
	}
	return v, found
}

// Unmarshal returns the arguments for Emit in a JSON array. Errors are a [*refusal.Refusal] without
// a Field.
//
// An argument without binary data stays raw JSON.
func Unmarshal(data []byte) ([]any, error) {
	if !utf8.Valid(data) { // a client would close the connection
		return nil, &refusal.Refusal{Rule: "text that is not UTF-8"}
	}
	var raw []json.RawMessage
	var list []any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if json.Unmarshal(data, &raw) != nil || raw == nil || d.Decode(&list) != nil {
		return nil, &refusal.Refusal{Rule: "not a JSON array", Value: string(data)}
	}
	var in reader
	for i, v := range list {
		before := in.binary
		if v = in.value(v); in.binary == before {
			v = raw[i]
		}
		list[i] = v
	}
	switch {
	case in.err != nil:
		return nil, in.err
	case in.binary > MaxBinary:
		return nil, &refusal.Refusal{Rule: "too many binary values", Value: in.binary, Limit: MaxBinary}
	case in.binary > 0 && in.placeholder: // a client would take it for binary data
		return nil, &refusal.Refusal{Rule: "an object with " + placeholder + " beside binary data"}
	}
	return list, nil
}

// reader replaces the objects that stand for binary data.
type reader struct {
	binary      int
	placeholder bool
	err         error // the first
}

// value returns v for Emit. It changes v.
func (in *reader) value(v any) any {
	switch v := v.(type) {
	case json.Number:
		return json.RawMessage(v)
	case []any:
		for i, x := range v {
			v[i] = in.value(x)
		}
	case map[string]any:
		if text, ok := v[member].(string); ok && len(v) == 1 {
			data, err := base64.StdEncoding.Strict().DecodeString(text)
			if err != nil && in.err == nil {
				in.err = &refusal.Refusal{Rule: "invalid base64", Value: text}
			}
			in.binary++
			return data
		}
		if v[placeholder] == true {
			in.placeholder = true
		}
		for k, x := range v {
			v[k] = in.value(x)
		}
	}
	return v
}

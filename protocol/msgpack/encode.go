package msgpack

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/gosocketio/socketio/protocol"
)

// Encode makes one map of a packet: type, nsp, and data and id if it has them.
func (parser) Encode(text []byte, attachments [][]byte) ([]protocol.Message, error) {
	d := protocol.Decoder{MaxAttachments: max(len(attachments), 1)}
	p, err := d.AddText(text)
	for _, a := range attachments {
		if err == nil {
			p, err = d.AddBinary(a)
		}
	}
	if err != nil {
		return nil, err
	}
	fields := 2
	if p.Data != nil {
		fields++
	}
	if p.HasID {
		fields++
	}
	b := appendCount(nil, 0x80, 0xde, fields)
	b = appendUint(appendText(b, "type"), uint64(p.Type))
	b = appendText(appendText(b, "nsp"), p.Namespace)
	if p.Data != nil {
		e := encoder{text: p.Data, in: jsontext.NewDecoder(bytes.NewReader(p.Data), jsontext.AllowDuplicateNames(true)), attachments: p.Attachments}
		if b, err = e.value(appendText(b, "data")); err != nil {
			return nil, fmt.Errorf("msgpack: %w", err)
		}
	}
	if p.HasID {
		b = appendUint(appendText(b, "id"), p.ID)
	}
	return []protocol.Message{{Data: b, Binary: true}}, nil
}

// encoder transcodes one JSON text.
type encoder struct {
	text        []byte
	in          *jsontext.Decoder
	attachments [][]byte
}

// value appends the next value.
func (e *encoder) value(b []byte) ([]byte, error) {
	if a, ok, err := e.placeholder(); ok || err != nil {
		return appendBytes(b, a), err
	}
	t, err := e.in.ReadToken()
	if err != nil {
		return b, err
	}
	switch t.Kind() {
	case 'n':
		return append(b, 0xc0), nil
	case 'f':
		return append(b, 0xc2), nil
	case 't':
		return append(b, 0xc3), nil
	case '"':
		return appendText(b, t.String()), nil
	case '0':
		return appendNumber(b, t.String()), nil
	}
	// The header says how many follow, so that those come first.
	var inner []byte
	n := 0
	for k := e.in.PeekKind(); k != ']' && k != '}'; k = e.in.PeekKind() {
		if inner, err = e.value(inner); err != nil {
			return b, err
		}
		n++
	}
	if _, err = e.in.ReadToken(); err != nil {
		return b, err
	}
	if t.Kind() == '[' {
		b = appendCount(b, 0x90, 0xdc, n)
	} else {
		b = appendCount(b, 0x80, 0xde, n/2)
	}
	return append(b, inner...), nil
}

// placeholder returns the attachment that stands next, if one does.
func (e *encoder) placeholder() (attachment []byte, ok bool, err error) {
	if len(e.attachments) == 0 || e.in.PeekKind() != '{' {
		return nil, false, nil
	}
	next := bytes.TrimLeft(e.text[e.in.InputOffset():], ",: \t\r\n")
	digits, ok := bytes.CutPrefix(next, []byte(`{"_placeholder":true,"num":`))
	end := bytes.IndexByte(digits, '}')
	if !ok || end < 0 {
		return nil, false, nil
	}
	for n, a := range e.attachments {
		if strconv.Itoa(n) == string(digits[:end]) {
			return a, true, e.in.SkipValue()
		}
	}
	return nil, false, nil // an object of the user's that only looks like one
}

// appendNumber appends a number in its smallest form, as JavaScript does: what is whole is an integer.
func appendNumber(b []byte, s string) []byte {
	if u, err := strconv.ParseUint(s, 10, 64); err == nil {
		return appendUint(b, u)
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return appendInt(b, i)
	}
	f, _ := strconv.ParseFloat(s, 64) // out of range it is an infinity, as in JavaScript
	const exact = 1 << 53
	switch {
	case f != math.Trunc(f) || math.Abs(f) > exact || f == 0 && math.Signbit(f):
		return appendFloat(b, f)
	}
	return appendInt(b, int64(f))
}

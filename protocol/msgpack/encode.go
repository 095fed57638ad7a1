package msgpack

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/gosocketio/socketio/protocol"
)

// Encode returns the map of a packet: type, nsp, and data and id if it has them.
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
	b := appendCount(make([]byte, 0, 32+len(text)), Map, fields)
	b = appendUint(appendText(b, "type"), uint64(p.Type))
	b = appendText(appendText(b, "nsp"), p.Namespace)
	if p.Data != nil {
		if b, err = AppendValue(appendText(b, "data"), p.Data, p.Attachments); err != nil {
			return nil, err
		}
	}
	if p.HasID {
		b = appendUint(appendText(b, "id"), p.ID)
	}
	return []protocol.Message{{Data: b, Binary: true}}, nil
}

// AppendValue appends a JSON value as MessagePack, with the attachments in place of placeholders.
func AppendValue(dst, json []byte, attachments [][]byte) ([]byte, error) {
	in := jsontext.NewDecoder(bytes.NewBuffer(json), jsontext.AllowDuplicateNames(true))
	e := encoder{text: json, in: in, attachments: attachments, out: make([]byte, 0, len(json))}
	err := e.value()
	if err == nil {
		t, end := in.ReadToken()
		if errors.Is(end, io.EOF) {
			return e.appendTo(dst), nil
		}
		err = cmp.Or(end, fmt.Errorf("%v follows it", t.Kind()))
	}
	return dst, fmt.Errorf("msgpack: the input must be one JSON value: %w", err)
}

// encoder transcodes one JSON text, in linear time whatever its depth.
type encoder struct {
	text        []byte
	in          *jsontext.Decoder
	attachments [][]byte

	// An array or object begins with the number of its elements, which is known at its end. So its
	// start is kept beside the output until that is complete.
	out    []byte
	starts []start
}

// start is the start of an array or object.
type start struct {
	at   int // in encoder.out
	kind Kind
	n    int
}

// appendTo appends the output with the starts in place.
func (e *encoder) appendTo(dst []byte) []byte {
	done := 0
	for _, s := range e.starts {
		dst = appendCount(append(dst, e.out[done:s.at]...), s.kind, s.n)
		done = s.at
	}
	return append(dst, e.out[done:]...)
}

// value transcodes the next value. jsontext limits the depth.
func (e *encoder) value() error {
	if a, ok, err := e.placeholder(); ok || err != nil {
		e.out = appendBytes(e.out, a)
		return err
	}
	t, err := e.in.ReadToken()
	if err != nil {
		return err
	}
	switch t.Kind() {
	case 'n':
		e.out = append(e.out, 0xc0)
	case 'f':
		e.out = append(e.out, 0xc2)
	case 't':
		e.out = append(e.out, 0xc3)
	case '"':
		e.out = appendText(e.out, t.String())
	case '0':
		e.out = appendNumber(e.out, t.String())
	case '[':
		return e.elements(Array, 1)
	case '{':
		return e.elements(Map, 2)
	}
	return nil
}

// elements transcodes the rest of an array or object, whose elements are so many values each.
func (e *encoder) elements(k Kind, values int) error {
	i, n := len(e.starts), 0
	e.starts = append(e.starts, start{at: len(e.out), kind: k})
	for end := e.in.PeekKind(); end != ']' && end != '}'; end = e.in.PeekKind() {
		if err := e.value(); err != nil {
			return err
		}
		n++
	}
	e.starts[i].n = n / values
	_, err := e.in.ReadToken()
	return err
}

// placeholder returns the attachment whose placeholder is the next value, if it is one.
// Another object only looks like a placeholder when there are no attachments.
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
	if n, err := strconv.ParseUint(string(digits[:end]), 10, 31); err == nil && n < uint64(len(e.attachments)) {
		return e.attachments[n], true, e.in.SkipValue()
	}
	return nil, false, nil
}

// appendNumber appends a number in its smallest form. Whole numbers are integers, as in JavaScript.
func appendNumber(b []byte, s string) []byte {
	if u, err := strconv.ParseUint(s, 10, 64); err == nil {
		return appendUint(b, u)
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return appendInt(b, i)
	}
	f, _ := strconv.ParseFloat(s, 64) // out of range it is an infinity, as in JavaScript
	const exact = 1 << 53
	if f != math.Trunc(f) || math.Abs(f) > exact || f == 0 && math.Signbit(f) {
		return appendFloat(b, f)
	}
	return appendInt(b, int64(f))
}

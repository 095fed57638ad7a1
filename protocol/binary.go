package protocol

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// kind is what the codec must know about a type before it encodes or decodes its values.
// It does not cover types behind interfaces.
type kind struct {
	// binary: values may hold binary data. It errs on the side of true.
	binary bool
	// sealed: a struct embeds one of an unexported type and gives it a name in its tag.
	// go-json-experiment panics when it has to pass that to a function for arbitrary types, so only
	// functions for exact types may be used.
	sealed bool
	// number: a json.Number may occur. go-json-experiment has a type of its own instead.
	number bool
}

// direction is encoding or decoding: the methods by which a type does it itself differ.
type direction struct {
	methods []reflect.Type
	cache   sync.Map // of kind, by reflect.Type
}

var (
	outgoing = &direction{methods: []reflect.Type{
		reflect.TypeFor[json.Marshaler](),
		reflect.TypeFor[encoding.TextMarshaler](),
	}}
	incoming = &direction{methods: []reflect.Type{
		reflect.TypeFor[json.Unmarshaler](),
		reflect.TypeFor[encoding.TextUnmarshaler](),
	}}
)

// own reports whether the type encodes or decodes itself.
func (d *direction) own(t reflect.Type) bool {
	for _, m := range d.methods {
		if t.Implements(m) || reflect.PointerTo(t).Implements(m) {
			return true
		}
	}
	return false
}

// isBytes reports whether t is a slice of bytes that stands for binary data.
func (d *direction) isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !d.own(t) && !d.own(t.Elem())
}

// kind returns the kind of t, which may be nil.
func (d *direction) kind(t reflect.Type) kind {
	if t == nil {
		return kind{}
	}
	if k, ok := d.cache.Load(t); ok {
		return k.(kind)
	}
	// Only the result for t itself is kept. In a recursive type, those for the types inside it may
	// be incomplete.
	var k kind
	d.search(t, &k, map[reflect.Type]bool{})
	d.cache.Store(t, k)
	return k
}

func (d *direction) search(t reflect.Type, k *kind, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	k.number = k.number || t == reflect.TypeFor[json.Number]()
	switch t.Kind() {
	case reflect.Interface:
		k.binary = true
	case reflect.Slice, reflect.Array, reflect.Pointer, reflect.Map:
		k.binary = k.binary || d.isBytes(t)
		d.search(t.Elem(), k, seen)
	case reflect.Struct:
		for f := range t.Fields() {
			tag := f.Tag.Get("json")
			// An embedded struct of an unexported type may have exported fields.
			if tag == "-" || !f.IsExported() && !f.Anonymous {
				continue
			}
			if name, _, _ := strings.Cut(tag, ","); name != "" && !f.IsExported() {
				k.sealed = true
			}
			d.search(f.Type, k, seen)
		}
	}
}

// appendGeneral appends any value. encoding/json writes the types that cannot hold binary data.
// It has no way to replace some values inside others, so go-json-experiment writes the rest.
func appendGeneral(dst []byte, atts [][]byte, v any) ([]byte, [][]byte, error) {
	if !outgoing.kind(reflect.TypeOf(v)).binary {
		out, err := appendPlain(dst, v)
		if _, unsupported := errors.AsType[*json.UnsupportedValueError](err); !unsupported {
			return out, atts, err
		}
		// It may be a NaN, which is null here.
	}
	return appendBinary(dst, atts, v)
}

// appender is an io.Writer that appends.
type appender struct{ buf []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.buf = append(a.buf, p...)
	return len(p), nil
}

// plainEncoder is encoding/json with its output.
type plainEncoder struct {
	out  appender
	json *json.Encoder
}

var plainEncoders = sync.Pool{New: func() any {
	e := new(plainEncoder)
	e.json = json.NewEncoder(&e.out)
	e.json.SetEscapeHTML(false)
	return e
}}

// appendPlain appends v as encoding/json writes it, but without HTML escaping.
func appendPlain(dst []byte, v any) ([]byte, error) {
	e := plainEncoders.Get().(*plainEncoder)
	e.out.buf = dst
	err := e.json.Encode(v)
	out := e.out.buf
	e.out.buf = nil
	plainEncoders.Put(e)
	if err != nil {
		return dst, fmt.Errorf("%w: %w", ErrEncode, err)
	}
	return out[:len(out)-1], nil // without the newline
}

// binaryEncoder encodes one value at a time and takes the binary data out of it.
type binaryEncoder struct {
	out    appender
	atts   [][]byte
	any    jsonv2.Options // calls marshal for each value
	sealed jsonv2.Options // for types that are sealed: has functions for exact types only
}

var binaryEncoders sync.Pool // of *binaryEncoder. New would be an initialization cycle.

func newBinaryEncoder() *binaryEncoder {
	if e, ok := binaryEncoders.Get().(*binaryEncoder); ok {
		return e
	}
	e := new(binaryEncoder)
	base := jsonv2.JoinOptions(jsonv1.DefaultOptionsV1(), jsontext.EscapeForHTML(false), jsontext.EscapeForJS(false))
	e.any = jsonv2.JoinOptions(base, jsonv2.WithMarshalers(jsonv2.MarshalToFunc(e.marshal)))
	e.sealed = jsonv2.JoinOptions(base, jsonv2.WithMarshalers(jsonv2.JoinMarshalers(
		jsonv2.MarshalToFunc(e.writeBytes),
		jsonv2.MarshalToFunc(writeNull),
		jsonv2.MarshalToFunc(writeNumber),
	)))
	return e
}

func appendBinary(dst []byte, atts [][]byte, v any) ([]byte, [][]byte, error) {
	e := newBinaryEncoder()
	options := e.any
	if outgoing.kind(reflect.TypeOf(v)).sealed {
		options = e.sealed
	}
	e.out.buf, e.atts = dst, atts
	err := jsonv2.MarshalWrite(&e.out, v, options)
	out, found := e.out.buf, e.atts
	e.out.buf, e.atts = nil, nil
	binaryEncoders.Put(e)
	if err != nil {
		return dst, atts, fmt.Errorf("%w: %w", ErrEncode, err)
	}
	return out, found, nil
}

// marshal encodes one value, to which v points, or declines with errors.ErrUnsupported.
func (e *binaryEncoder) marshal(enc *jsontext.Encoder, v any) error {
	switch v := v.(type) {
	case *string:
		return errors.ErrUnsupported
	case *[]byte:
		return e.writeBytes(enc, *v)
	case *float64:
		return writeNull(enc, *v)
	case *json.Number:
		return writeNumber(enc, *v)
	}
	p := reflect.ValueOf(v).Elem()
	switch t := p.Type(); t.Kind() {
	case reflect.Slice:
		if outgoing.isBytes(t) {
			return e.writeBytes(enc, p.Bytes())
		}
	case reflect.Float32, reflect.Float64:
		if !outgoing.own(t) {
			return writeNull(enc, p.Float())
		}
	case reflect.Interface: // its type may be sealed
		if !p.IsNil() && outgoing.kind(p.Elem().Type()).sealed {
			raw, atts, err := appendBinary(nil, e.atts, p.Interface())
			if err != nil {
				return err
			}
			e.atts = atts
			return enc.WriteValue(raw)
		}
	}
	return errors.ErrUnsupported
}

func (e *binaryEncoder) writeBytes(enc *jsontext.Encoder, b []byte) error {
	if b == nil {
		return enc.WriteToken(jsontext.Null)
	}
	var buf [64]byte
	if err := enc.WriteValue(appendPlaceholder(buf[:0], len(e.atts))); err != nil {
		return err
	}
	e.atts = append(e.atts, b)
	return nil
}

// writeNull writes null for the numbers that JSON cannot express.
func writeNull(enc *jsontext.Encoder, f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return enc.WriteToken(jsontext.Null)
	}
	return errors.ErrUnsupported
}

// writeNumber writes a json.Number.
func writeNumber(enc *jsontext.Encoder, n json.Number) error {
	if kind, length := enc.StackIndex(enc.StackDepth()); kind == '{' && length%2 == 0 {
		return errors.ErrUnsupported // the key of a map, which is a string
	}
	raw, err := appendNumber(nil, n)
	if err != nil {
		return err
	}
	return enc.WriteValue(raw)
}

// binaryDecoder decodes one value at a time and puts the attachments into it.
type binaryDecoder struct {
	atts   [][]byte
	bad    int            // placeholders without attachment, except those inside other placeholders
	any    jsonv2.Options // calls unmarshal for each value
	sealed jsonv2.Options // for types that are sealed: has functions for exact types only
}

// numberDecoding has the rules of encoding/json for types in which a json.Number occurs.
var numberDecoding = decoding(jsonv2.UnmarshalFromFunc(readNumber))

var binaryDecoders sync.Pool // of *binaryDecoder. New would be an initialization cycle.

func newBinaryDecoder() *binaryDecoder {
	if d, ok := binaryDecoders.Get().(*binaryDecoder); ok {
		return d
	}
	d := new(binaryDecoder)
	d.any = decoding(jsonv2.UnmarshalFromFunc(d.unmarshal))
	d.sealed = decoding(
		jsonv2.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *[]byte) error { return d.unmarshal(dec, v) }),
		jsonv2.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *any) error { return d.unmarshal(dec, v) }),
		jsonv2.UnmarshalFromFunc(readNumber),
	)
	return d
}

// decoding has the rules of encoding/json, but for some types.
func decoding(types ...*jsonv2.Unmarshalers) jsonv2.Options {
	return jsonv2.JoinOptions(jsonv1.DefaultOptionsV1(), jsonv2.WithUnmarshalers(jsonv2.JoinUnmarshalers(types...)))
}

func decodeBinary(raw []byte, atts [][]byte, v any) error {
	d := newBinaryDecoder()
	options := d.any
	if incoming.kind(reflect.TypeOf(v)).sealed {
		options = d.sealed
	}
	d.atts = atts
	err := jsonv2.Unmarshal(raw, v, options)
	d.atts = nil
	binaryDecoders.Put(d)
	return err
}

// unmarshal decodes one value into *v, or declines with errors.ErrUnsupported.
func (d *binaryDecoder) unmarshal(dec *jsontext.Decoder, v any) error {
	switch v := v.(type) {
	case *string:
		return errors.ErrUnsupported
	case *[]byte:
		b, err := d.bytes(dec, reflect.TypeFor[[]byte]())
		if err == nil {
			*v = b
		}
		return err
	case *json.Number:
		return readNumber(dec, v)
	}
	p := reflect.ValueOf(v).Elem()
	switch t := p.Type(); t.Kind() {
	case reflect.Slice:
		if incoming.isBytes(t) {
			b, err := d.bytes(dec, t)
			if err == nil {
				p.SetBytes(b)
			}
			return err
		}
	case reflect.Interface:
		return d.unmarshalInterface(dec, p)
	}
	return errors.ErrUnsupported
}

func (d *binaryDecoder) unmarshalInterface(dec *jsontext.Decoder, p reflect.Value) error {
	if !p.IsNil() && p.Elem().Kind() == reflect.Pointer && !p.Elem().IsNil() {
		// It decodes into the value there, whose type may be sealed.
		if dec.PeekKind() == 'n' || !incoming.kind(p.Elem().Type()).sealed {
			return errors.ErrUnsupported
		}
		raw, err := dec.ReadValue()
		if err != nil {
			return err
		}
		return decodeBinary(raw, d.atts, p.Interface())
	}
	if p.Type().NumMethod() > 0 {
		return errors.ErrUnsupported
	}
	d.bad = 0
	v, err := d.value(dec)
	switch {
	case err != nil:
		return err
	case d.bad > 0:
		return ErrPlaceholder
	case v == nil:
		p.SetZero()
	default:
		p.Set(reflect.ValueOf(v))
	}
	return nil
}

// bytes returns the attachment of a placeholder, for a value of type t.
func (d *binaryDecoder) bytes(dec *jsontext.Decoder, t reflect.Type) ([]byte, error) {
	if dec.PeekKind() != '{' {
		return nil, errors.ErrUnsupported
	}
	raw, err := dec.ReadValue()
	if err != nil {
		return nil, err
	}
	if i, ok := plainPlaceholder(raw); ok && i < len(d.atts) {
		return d.atts[i], nil
	}
	var v any
	if err := decodeBinary(raw, d.atts, &v); err != nil {
		return nil, err
	}
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("cannot decode an object into %v: it is no placeholder of %d attachments", t, len(d.atts))
	}
	return b, nil
}

// value decodes any value, as encoding/json does into an any. jsontext limits the depth.
func (d *binaryDecoder) value(dec *jsontext.Decoder) (any, error) {
	switch dec.PeekKind() {
	case '{':
		return d.object(dec)
	case '[':
		return d.array(dec)
	case '0':
		raw, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		return strconv.ParseFloat(string(raw), 64)
	}
	t, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case 't', 'f':
		return t.Bool(), nil
	case '"':
		return t.String(), nil
	}
	return nil, nil // null
}

func (d *binaryDecoder) array(dec *jsontext.Decoder) (any, error) {
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	a := []any{}
	for dec.PeekKind() != ']' {
		v, err := d.value(dec)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
	_, err := dec.ReadToken()
	return a, err
}

func (d *binaryDecoder) object(dec *jsontext.Decoder) (any, error) {
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	m := map[string]any{}
	bad := d.bad
	for dec.PeekKind() != '}' {
		k, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		key := k.String()
		if m[key], err = d.value(dec); err != nil {
			return nil, err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	if m["_placeholder"] != true {
		return m, nil
	}
	// The attachment replaces the whole object, also the placeholders inside it.
	num, ok := m["num"].(float64)
	i, inRange := attachmentIndex(num, len(d.atts))
	if !ok || !inRange {
		d.bad = bad + 1
		return nil, nil
	}
	d.bad = bad
	return d.atts[i], nil
}

// readNumber reads a json.Number.
func readNumber(dec *jsontext.Decoder, n *json.Number) error {
	switch dec.PeekKind() {
	case '0':
		raw, err := dec.ReadValue()
		if err == nil {
			*n = json.Number(raw)
		}
		return err
	case '"':
		if kind, length := dec.StackIndex(dec.StackDepth()); kind == '{' && length%2 == 0 {
			return errors.ErrUnsupported // the key of a map, which may be any string
		}
		t, err := dec.ReadToken()
		if err != nil {
			return err
		}
		s := t.String()
		if !isNumber([]byte(s)) {
			return fmt.Errorf("cannot decode string %.40q into %T: it must be a JSON number", s, *n)
		}
		*n = json.Number(s)
		return nil
	}
	return errors.ErrUnsupported
}

package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"sync"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// binaryDecoder decodes one value at a time, putting the attachments in.
type binaryDecoder struct {
	atts   [][]byte
	bad    int            // placeholders without attachment, but for those inside of other placeholders
	any    jsonv2.Options // asks unmarshal about each value
	sealed jsonv2.Options // for types that are sealed: knows exact types only
}

// numberDecoding has the rules of encoding/json for types in which a json.Number occurs.
var numberDecoding = jsonv2.JoinOptions(jsonv1.DefaultOptionsV1(), jsonv2.WithUnmarshalers(jsonv2.UnmarshalFromFunc(readNumber)))

var binaryDecoders sync.Pool // of *binaryDecoder

func newBinaryDecoder() *binaryDecoder {
	if d, ok := binaryDecoders.Get().(*binaryDecoder); ok {
		return d
	}
	d := new(binaryDecoder)
	d.any = jsonv2.JoinOptions(jsonv1.DefaultOptionsV1(), jsonv2.WithUnmarshalers(jsonv2.UnmarshalFromFunc(d.unmarshal)))
	d.sealed = jsonv2.JoinOptions(jsonv1.DefaultOptionsV1(), jsonv2.WithUnmarshalers(jsonv2.JoinUnmarshalers(
		jsonv2.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *[]byte) error { return d.unmarshal(dec, v) }),
		jsonv2.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *any) error { return d.unmarshal(dec, v) }),
		jsonv2.UnmarshalFromFunc(readNumber),
	)))
	return d
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

// unmarshal is asked before each value is decoded, and given a pointer to where
// it goes. It declines with errors.ErrUnsupported.
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
		// It decodes into what is there, which may be of a type that the outermost
		// one did not show.
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
	v, err := d.whole(dec)
	switch {
	case err != nil:
		return err
	case v == nil:
		p.SetZero()
	default:
		p.Set(reflect.ValueOf(v))
	}
	return nil
}

// bytes returns the attachment of a placeholder.
func (d *binaryDecoder) bytes(dec *jsontext.Decoder, t reflect.Type) ([]byte, error) {
	if dec.PeekKind() != '{' {
		return nil, errors.ErrUnsupported
	}
	raw, err := dec.ReadValue()
	if err != nil {
		return nil, err
	}
	switch i, ok := readPlaceholder(raw, len(d.atts)); {
	case !ok:
		return nil, fmt.Errorf("an object that is no placeholder cannot be a %v", t)
	case i < 0:
		return nil, ErrPlaceholder
	default:
		return d.atts[i], nil
	}
}

// whole decodes anything, and fails if it holds a bad placeholder.
func (d *binaryDecoder) whole(dec *jsontext.Decoder) (any, error) {
	d.bad = 0
	v, err := d.value(dec)
	if err == nil && d.bad > 0 {
		err = ErrPlaceholder
	}
	return v, err
}

// value decodes anything, as encoding/json does into an any. jsontext limits the
// depth.
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
		v, err := d.value(dec)
		if err != nil {
			return nil, err
		}
		m[key] = v
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	if m["_placeholder"] != true {
		return m, nil
	}
	// What it holds besides is replaced along with it.
	num, ok := m["num"].(float64)
	i, inRange := attachmentIndex(num, len(d.atts))
	if !ok || !inRange {
		d.bad = bad + 1
		return nil, nil
	}
	d.bad = bad
	return d.atts[i], nil
}

// readNumber reads the standard library's type of numbers, of which
// go-json-experiment has its own.
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
			return errors.ErrUnsupported // a map's key, which may be any string
		}
		t, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if s := t.String(); validNumber(s) {
			*n = json.Number(s)
			return nil
		}
		return fmt.Errorf("a string that is no number cannot be a %T", *n)
	}
	return errors.ErrUnsupported
}

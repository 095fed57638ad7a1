package protocol

import (
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
	atts    [][]byte
	bad     int // placeholders without attachment, but for those inside of other placeholders
	options jsonv2.Options
}

var binaryDecoders = sync.Pool{New: func() any {
	d := new(binaryDecoder)
	d.options = jsonv2.JoinOptions(
		jsonv1.DefaultOptionsV1(),
		jsonv2.WithUnmarshalers(jsonv2.UnmarshalFromFunc(d.unmarshal)),
	)
	return d
}}

func decodeBinary(raw []byte, atts [][]byte, v any) error {
	d := binaryDecoders.Get().(*binaryDecoder)
	d.atts = atts
	err := jsonv2.Unmarshal(raw, v, d.options)
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
	}
	p := reflect.ValueOf(v).Elem()
	switch t := p.Type(); {
	case t.Kind() == reflect.Slice && isBytes(t, decoding):
		b, err := d.bytes(dec, t)
		if err == nil {
			p.SetBytes(b)
		}
		return err
	case t.Kind() == reflect.Interface && t.NumMethod() == 0:
		if !p.IsNil() && p.Elem().Kind() == reflect.Pointer && !p.Elem().IsNil() {
			return errors.ErrUnsupported // it decodes into what is there
		}
		value, err := d.whole(dec)
		if err != nil {
			return err
		}
		if value == nil {
			p.SetZero()
		} else {
			p.Set(reflect.ValueOf(value))
		}
		return nil
	}
	return errors.ErrUnsupported
}

// bytes returns the attachment of a placeholder.
func (d *binaryDecoder) bytes(dec *jsontext.Decoder, t reflect.Type) ([]byte, error) {
	if dec.PeekKind() != '{' {
		return nil, errors.ErrUnsupported
	}
	v, err := d.whole(dec)
	if err != nil {
		return nil, err
	}
	if b, ok := v.([]byte); ok {
		return b, nil
	}
	return nil, fmt.Errorf("an object that is no placeholder cannot be a %v", t)
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

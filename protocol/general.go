package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"sync"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// appendGeneral appends any value. encoding/json writes the types that cannot
// hold binary data. It has no way to replace some values inside of others, so
// the rest is left to its designated successor, told to keep the semantics of
// the original.
func appendGeneral(dst []byte, atts [][]byte, v any) ([]byte, [][]byte, error) {
	if !outgoing.kind(reflect.TypeOf(v)).binary {
		out, err := appendPlain(dst, v)
		if _, unsupported := errors.AsType[*json.UnsupportedValueError](err); !unsupported {
			return out, atts, err
		}
		// Perhaps a NaN, which is no error to us.
	}
	return appendBinary(dst, atts, v)
}

// plainEncoder appends what encoding/json writes to out.
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

// appendPlain appends v as encoding/json writes it, but without escaping HTML.
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

// binaryEncoder encodes one value at a time, taking the binary data out.
type binaryEncoder struct {
	out    appender
	atts   [][]byte
	any    jsonv2.Options // asks marshal about each value
	sealed jsonv2.Options // for types that are sealed: knows exact types only
}

var binaryEncoders sync.Pool // of *binaryEncoder

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

// marshal is asked before each value is encoded, and given a pointer to it. It
// declines with errors.ErrUnsupported.
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
	case reflect.Interface:
		// Here types come to light that the outermost one did not show.
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

// writeNumber writes the standard library's type of numbers, of which
// go-json-experiment has its own.
func writeNumber(enc *jsontext.Encoder, n json.Number) error {
	if kind, length := enc.StackIndex(enc.StackDepth()); kind == '{' && length%2 == 0 {
		return errors.ErrUnsupported // a map's key, which is a string
	}
	raw, err := appendNumber(nil, n)
	if err != nil {
		return err
	}
	return enc.WriteValue(raw)
}

// appender is an io.Writer that appends.
type appender struct{ buf []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.buf = append(a.buf, p...)
	return len(p), nil
}

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
	if !mayHoldBinary(reflect.TypeOf(v), encoding) {
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
	out     appender
	atts    [][]byte
	options jsonv2.Options
}

var binaryEncoders = sync.Pool{New: func() any {
	e := new(binaryEncoder)
	e.options = jsonv2.JoinOptions(
		jsonv1.DefaultOptionsV1(),
		jsontext.EscapeForHTML(false),
		jsontext.EscapeForJS(false),
		jsonv2.WithMarshalers(jsonv2.MarshalToFunc(e.marshal)),
	)
	return e
}}

func appendBinary(dst []byte, atts [][]byte, v any) ([]byte, [][]byte, error) {
	e := binaryEncoders.Get().(*binaryEncoder)
	e.out.buf, e.atts = dst, atts
	err := jsonv2.MarshalWrite(&e.out, v, e.options)
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
	case *string, *any:
		return errors.ErrUnsupported
	case *[]byte:
		return e.writeBytes(enc, *v)
	case *float64:
		return writeNull(enc, *v)
	}
	switch t := reflect.TypeOf(v).Elem(); t.Kind() {
	case reflect.Slice:
		if isBytes(t, encoding) {
			return e.writeBytes(enc, reflect.ValueOf(v).Elem().Bytes())
		}
	case reflect.Float32, reflect.Float64:
		if !encoding.own(t) {
			return writeNull(enc, reflect.ValueOf(v).Elem().Float())
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

// appender is an io.Writer that appends.
type appender struct{ buf []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.buf = append(a.buf, p...)
	return len(p), nil
}

package protocol

import (
	stdencoding "encoding"
	"encoding/json"
	"reflect"
	"sync"
)

// direction says whether values are encoded or decoded: what a type does by
// itself differs.
type direction struct {
	methods []reflect.Type
	cache   sync.Map // of bool, by reflect.Type: mayHoldBinary
}

var (
	encoding = &direction{methods: []reflect.Type{
		reflect.TypeFor[json.Marshaler](),
		reflect.TypeFor[stdencoding.TextMarshaler](),
	}}
	decoding = &direction{methods: []reflect.Type{
		reflect.TypeFor[json.Unmarshaler](),
		reflect.TypeFor[stdencoding.TextUnmarshaler](),
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
func isBytes(t reflect.Type, d *direction) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !d.own(t) && !d.own(t.Elem())
}

// mayHoldBinary reports whether a value of type t can hold binary data. It may
// err on the side of true.
func mayHoldBinary(t reflect.Type, d *direction) bool {
	if t == nil {
		return false
	}
	if v, ok := d.cache.Load(t); ok {
		return v.(bool)
	}
	// Only the answer for t itself is kept: those for types inside of it may
	// rest on the assumption that a type that is being looked at holds none.
	may := searchBinary(t, d, map[reflect.Type]bool{})
	d.cache.Store(t, may)
	return may
}

func searchBinary(t reflect.Type, d *direction, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Slice, reflect.Array, reflect.Pointer, reflect.Map:
		return isBytes(t, d) || searchBinary(t.Elem(), d, seen)
	case reflect.Struct:
		for f := range t.Fields() {
			// An unexported struct may be embedded and have exported fields.
			if (f.IsExported() || f.Anonymous) && f.Tag.Get("json") != "-" && searchBinary(f.Type, d, seen) {
				return true
			}
		}
	}
	return false
}

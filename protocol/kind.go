package protocol

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// direction says whether values are encoded or decoded: what a type does by
// itself differs.
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

// kind is what there is to know about a type before its values are encoded or
// decoded. Types behind interfaces are not part of it.
type kind struct {
	// binary: values may hold binary data. It errs on the side of true.
	binary bool
	// sealed: some struct embeds one of an unexported type, under a name of its
	// own. Package encoding/json treats that as a field. go-json-experiment does
	// too, but panics when it has to show it to a function for arbitrary types,
	// so only functions for exact types may be used.
	sealed bool
	// number: a json.Number may occur, of which go-json-experiment has its own.
	number bool
}

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

// kind returns what there is to know about t, which may be nil.
func (d *direction) kind(t reflect.Type) kind {
	if t == nil {
		return kind{}
	}
	if k, ok := d.cache.Load(t); ok {
		return k.(kind)
	}
	// Only the answer for t itself is kept: those for the types inside of it may
	// lack what was found before they were met again.
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
			// A struct of an unexported type may be embedded and have exported fields.
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

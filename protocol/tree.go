package protocol

import (
	"bytes"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// treeDecoder decodes an array or an object into an any, as encoding/json does, in one pass. It declines
// what is invalid or rare: the library decodes that, or has the error for it.
type treeDecoder struct {
	raw    []byte
	i      int // the next byte
	atts   [][]byte
	values []any    // those of the arrays and objects that are not complete yet
	keys   []string // of the objects among them
	// Short keys and strings that came before: most objects have those of others.
	names   [64]string
	strings [64]any
}

// The lengths in bytes of the longest key and string that are kept.
const (
	maxName   = 32
	maxString = 16
)

// smallInts are the integers from 0 on as values, which would take memory each time.
var smallInts = func() (v [256]any) {
	for i := range v {
		v[i] = float64(i)
	}
	return v
}()

var treeDecoders = sync.Pool{New: func() any { return new(treeDecoder) }}

// decodeAny decodes any value. It reports whether it did.
func decodeAny(raw []byte, atts [][]byte) (v any, ok bool) {
	if len(raw) == 0 {
		return nil, false
	}
	switch raw[0] {
	case '"':
		s, ok := plainString(raw)
		return s, ok
	case '{', '[':
		return decodeTree(raw, atts)
	}
	return plainAny(raw)
}

// decodeTree decodes an array or an object. It reports whether it did.
func decodeTree(raw []byte, atts [][]byte) (v any, ok bool) {
	d := treeDecoders.Get().(*treeDecoder)
	d.raw, d.i, d.atts = raw, 0, atts
	v, ok = d.value(0)
	ok = ok && skipSpace(raw, d.i) == len(raw)
	d.raw, d.atts = nil, nil
	d.drop(0, 0)
	if cap(d.values) <= 1024 && cap(d.keys) <= 1024 {
		treeDecoders.Put(d)
	}
	return v, ok
}

// drop forgets the values and keys from these on: what is pooled must not keep them.
func (d *treeDecoder) drop(value, key int) {
	clear(d.values[value:])
	clear(d.keys[key:])
	d.values, d.keys = d.values[:value], d.keys[:key]
}

// peek skips white space and returns the next byte, or 0 at the end.
func (d *treeDecoder) peek() byte {
	if d.i = skipSpace(d.raw, d.i); d.i == len(d.raw) {
		return 0
	}
	return d.raw[d.i]
}

func (d *treeDecoder) value(depth int) (any, bool) {
	switch c := d.peek(); {
	case c == 0 || depth > maxFast:
		return nil, false
	case c == '{':
		return d.object(depth + 1)
	case c == '[':
		return d.array(depth + 1)
	case c == '"':
		s, ok := d.text()
		return d.string(s), ok
	}
	start := d.i
	if d.i = scanScalar(d.raw, start); d.i < 0 {
		return nil, false
	}
	scalar := d.raw[start:d.i]
	if n, ok := plainInt(scalar); ok && scalar[0] != '-' && n < int64(len(smallInts)) {
		return smallInts[n], true
	}
	return plainAny(scalar)
}

// text returns the content of a string: a part of raw, unless it has escapes.
func (d *treeDecoder) text() ([]byte, bool) {
	start := d.i
	if end := start + 1 + plainStart(d.raw[start+1:]); end < len(d.raw) && d.raw[end] == '"' {
		d.i = end + 1
		return d.raw[start+1 : end], true
	}
	if d.i = scanString(d.raw, start); d.i < 0 {
		return nil, false
	}
	s := d.raw[start+1 : d.i-1]
	if bytes.IndexByte(s, '\\') < 0 {
		return s, utf8.Valid(s)
	}
	s, err := jsontext.AppendUnquote(nil, d.raw[start:d.i])
	return s, err == nil
}

// more skips the comma or the bracket after an element. It reports whether another element follows.
func (d *treeDecoder) more(end byte) (more, ok bool) {
	c := d.peek()
	d.i++
	return c == ',', c == ',' || c == end
}

func (d *treeDecoder) array(depth int) (any, bool) {
	d.i++
	if d.peek() == ']' {
		d.i++
		return []any{}, true
	}
	first := len(d.values)
	for more := true; more; {
		v, ok := d.value(depth)
		if !ok {
			return nil, false
		}
		d.values = append(d.values, v)
		if more, ok = d.more(']'); !ok {
			return nil, false
		}
	}
	a := slices.Clone(d.values[first:])
	d.drop(first, len(d.keys))
	return a, true
}

func (d *treeDecoder) object(depth int) (any, bool) {
	start := d.i
	d.i++
	if d.peek() == '}' {
		d.i++
		return map[string]any{}, true
	}
	first, firstKey := len(d.values), len(d.keys)
	for more := true; more; {
		if d.peek() != '"' {
			return nil, false
		}
		name, ok := d.text()
		if !ok || d.peek() != ':' {
			return nil, false
		}
		d.i++
		d.keys = append(d.keys, d.name(name))
		v, ok := d.value(depth)
		if !ok {
			return nil, false
		}
		d.values = append(d.values, v)
		if more, ok = d.more('}'); !ok {
			return nil, false
		}
	}
	m := make(map[string]any, len(d.values)-first)
	for i, v := range d.values[first:] {
		m[d.keys[firstKey+i]] = v // of equal keys the last one counts
	}
	d.drop(first, firstKey)
	if len(d.atts) == 0 || m["_placeholder"] != true {
		return m, true
	}
	num, ok := plainPlaceholder(d.raw[start:d.i])
	if !ok || num >= len(d.atts) {
		return nil, false
	}
	return d.atts[num], true
}

// name returns a key as a string.
func (d *treeDecoder) name(b []byte) string {
	if len(b) == 0 || len(b) > maxName {
		return string(b)
	}
	seen := &d.names[place(b)%uint(len(d.names))]
	if *seen != string(b) {
		*seen = string(b)
	}
	return *seen
}

// string returns a string as a value.
func (d *treeDecoder) string(b []byte) any {
	if len(b) == 0 || len(b) > maxString {
		return string(b)
	}
	seen := &d.strings[place(b)%uint(len(d.strings))]
	if s, ok := (*seen).(string); !ok || s != string(b) {
		*seen = string(b)
	}
	return *seen
}

// place is where a string that is not empty is looked for.
func place(b []byte) uint { return uint(len(b))*31 + uint(b[0])*7 + uint(b[len(b)-1]) }

package msgpack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

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
func AppendValue(dst, text []byte, attachments [][]byte) ([]byte, error) {
	text = bytes.Trim(text, " \t\r\n")
	if protocol.SkipValue(text, 0) != len(text) {
		return dst, fmt.Errorf("msgpack: not one JSON value: %w", json.Unmarshal(text, new(json.RawMessage)))
	}
	return AppendValid(dst, text, attachments)
}

// AppendEvent appends the array of an event's name and arguments, as AppendValue would from JSON. It
// reports false, and leaves dst as it was, unless all of them are nil, booleans, text in UTF-8, int or
// []byte.
func AppendEvent(dst []byte, name string, args []any) (packed []byte, ok bool) {
	if !utf8.ValidString(name) {
		return dst, false
	}
	packed = appendText(appendCount(dst, Array, 1+len(args)), name)
	for _, arg := range args {
		switch v := arg.(type) {
		case nil:
			packed = append(packed, 0xc0)
		case bool:
			if packed = append(packed, 0xc2); v {
				packed[len(packed)-1] = 0xc3
			}
		case string:
			if !utf8.ValidString(v) {
				return dst, false
			}
			packed = appendText(packed, v)
		case int:
			packed = appendInt(packed, int64(v))
		case []byte:
			if v == nil {
				packed = append(packed, 0xc0)
			} else {
				packed = appendBytes(packed, v)
			}
		default:
			return dst, false
		}
	}
	return packed, true
}

// AppendStrings appends an array of text. It reports false, and leaves dst as it was, unless all of it
// is UTF-8.
func AppendStrings(dst []byte, list []string) (packed []byte, ok bool) {
	packed = appendCount(dst, Array, len(list))
	for _, text := range list {
		if !utf8.ValidString(text) {
			return dst, false
		}
		packed = appendText(packed, text)
	}
	return packed, true
}

// AppendValid is AppendValue for text that is known to be one JSON value, without white space around
// it, such as what protocol.AppendArgs writes. It may panic when that is not so.
func AppendValid(dst, text []byte, attachments [][]byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return dst, errors.New("msgpack: JSON that is not UTF-8")
	}
	var few [32]int
	e := encoder{text: text, attachments: attachments}
	return e.appendTo(slices.Grow(dst, len(text)+16), e.count(few[:0])), nil
}

// encoder transcodes one valid JSON text, in linear time whatever its depth.
type encoder struct {
	text        []byte
	attachments [][]byte
}

// The kinds of tokens, besides the bytes with which the others begin.
const (
	separator   = ','
	placeholder = 'p'
)

// token returns the kind of the token at i, and the index after it. A placeholder is one token.
func (e *encoder) token(i int) (kind byte, end int) {
	switch c := e.text[i]; c {
	case ' ', '\t', '\r', '\n', ',', ':':
		return separator, i + 1
	case '{':
		if _, n := e.placeholder(i); n > 0 {
			return placeholder, i + n
		}
		return c, i + 1
	case '[', ']', '}':
		return c, i + 1
	case '"':
		return c, stringEnd(e.text, i)
	case 't', 'f', 'n':
		return c, protocol.SkipValue(e.text, i)
	}
	return '0', protocol.SkipValue(e.text, i)
}

// stringEnd returns the index after the string that begins at i. The text is valid.
func stringEnd(text []byte, i int) int {
	for end := i + 1; ; end++ {
		end += bytes.IndexByte(text[end:], '"')
		start := end // of the backslashes before the quote
		for text[start-1] == '\\' {
			start--
		}
		if (end-start)%2 == 0 {
			return end + 1
		}
	}
}

// count appends the number of values in each array and object, in the order of their starts:
// MessagePack begins with it. Keys are values too.
func (e *encoder) count(counts []int) []int {
	var few [32]int
	open := few[:0] // indexes of counts
	for i := 0; i < len(e.text); {
		var kind byte
		switch kind, i = e.token(i); kind {
		case separator:
			continue
		case ']', '}':
			open = open[:len(open)-1]
			continue
		}
		if len(open) > 0 {
			counts[open[len(open)-1]]++
		}
		if kind == '[' || kind == '{' {
			open = append(open, len(counts))
			counts = append(counts, 0)
		}
	}
	return counts
}

func (e *encoder) appendTo(dst []byte, counts []int) []byte {
	for start := 0; start < len(e.text); {
		kind, end := e.token(start)
		switch token := e.text[start:end]; kind {
		case 'n':
			dst = append(dst, 0xc0)
		case 'f':
			dst = append(dst, 0xc2)
		case 't':
			dst = append(dst, 0xc3)
		case '"':
			text := token[1 : len(token)-1]
			if bytes.IndexByte(text, '\\') >= 0 {
				text, _ = jsontext.AppendUnquote(nil, token) // a lone surrogate becomes U+FFFD
			}
			dst = appendText(dst, text)
		case '0':
			dst = appendNumber(dst, token)
		case placeholder:
			num, _ := e.placeholder(start)
			dst = appendBytes(dst, e.attachments[num])
		case '[':
			dst, counts = appendCount(dst, Array, counts[0]), counts[1:]
		case '{':
			dst, counts = appendCount(dst, Map, counts[0]/2), counts[1:]
		}
		start = end
	}
	return dst
}

// placeholder returns the number of the attachment whose placeholder is at i, and its length; 0 when
// there is none. Another object only looks like a placeholder when there are no attachments.
func (e *encoder) placeholder(i int) (num, size int) {
	if len(e.attachments) == 0 {
		return 0, 0
	}
	const head = `{"_placeholder":true,"num":`
	digits, ok := bytes.CutPrefix(e.text[i:], []byte(head))
	end := 0
	for ok && end < len(digits) && end < 9 && '0' <= digits[end] && digits[end] <= '9' {
		num = num*10 + int(digits[end]-'0')
		end++
	}
	if end == 0 || end == len(digits) || digits[end] != '}' || num >= len(e.attachments) {
		return 0, 0
	}
	return num, len(head) + end + 1
}

// appendNumber appends a number in its smallest form. Whole numbers are integers, as in JavaScript.
func appendNumber(b, token []byte) []byte {
	if len(token) < 16 && token[0] != '-' { // else it may not fit
		n, i := uint64(0), 0
		for ; i < len(token) && '0' <= token[i] && token[i] <= '9'; i++ {
			n = n*10 + uint64(token[i]-'0')
		}
		if i == len(token) {
			return appendUint(b, n)
		}
	}
	s := string(token)
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

package protocol

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// DefaultMaxAttachments limits the attachments of a packet when [Decoder.MaxAttachments] is 0.
// It is also the limit of official clients.
const DefaultMaxAttachments = 10

// Bounds of what a decoder keeps between packets.
const (
	keptArgs      = 64
	keptNamespace = 64
)

// Decoder decodes the messages of one connection (Socket.IO protocol 5, "Packet encoding").
//
// The zero value is ready to use. It must not be used concurrently. It has no timeout: the caller
// must limit how long attachments may be missing. After an error it is as if new.
type Decoder struct {
	// MaxAttachments limits the attachments of a packet. It is checked before any memory is
	// allocated. 0 means DefaultMaxAttachments, a negative number forbids binary packets.
	MaxAttachments int
	// MaxBytes limits the bytes of a binary packet's text and attachments together. 0 means no limit.
	MaxBytes int

	packet    Packet
	missing   int // attachments of packet that have yet to come
	bytes     int // of a binary packet, so far
	namespace string
}

// AddText decodes a text message. It returns nil, nil for a packet whose attachments are to follow.
//
// The packet belongs to the decoder and is valid until the next call. The Data of a packet without
// attachments aliases data; with attachments, Data and Attachments are copies. Errors are
// *[ParseError].
func (d *Decoder) AddText(data []byte) (*Packet, error) {
	if d.missing > 0 {
		d.Reset()
		return nil, ErrUnexpectedText
	}
	d.Release()
	most := d.MaxAttachments
	if most == 0 {
		most = DefaultMaxAttachments
	}
	h, payload, err := parseHeader(data, max(most, 0))
	if err != nil {
		return nil, err
	}
	binary := h.attachments > 0
	if binary {
		if d.MaxBytes > 0 && len(data) > d.MaxBytes {
			return nil, ErrTooLarge
		}
		h.typ -= BinaryEvent - Event
	}
	p := &d.packet
	p.Type, p.ID, p.HasID = h.typ, h.id, h.hasID
	if len(payload) > 0 {
		if !d.fits(h.typ, payload) {
			d.Reset()
			return nil, ErrInvalidPayload
		}
		p.Data = payload
	}
	p.Namespace = d.intern(h.namespace)
	if !binary {
		return p, nil
	}
	p.Data = bytes.Clone(p.Data)
	p.Attachments = make([][]byte, 0, min(h.attachments, 2*DefaultMaxAttachments))
	d.missing, d.bytes = h.attachments, len(data)
	return nil, nil
}

// AddBinary decodes a binary message, which must be an attachment. It copies data.
//
// It returns the packet after the last attachment, and nil, nil while others are missing. Errors
// are *[ParseError].
func (d *Decoder) AddBinary(data []byte) (*Packet, error) { return d.addBinary(data, false) }

// AddOwned is [Decoder.AddBinary] for data that nobody changes from then on. It keeps data, which must
// not be nil, instead of a copy.
func (d *Decoder) AddOwned(data []byte) (*Packet, error) { return d.addBinary(data, true) }

func (d *Decoder) addBinary(data []byte, owned bool) (*Packet, error) {
	if d.missing == 0 {
		d.Reset()
		return nil, ErrUnexpectedBinary
	}
	if d.MaxBytes > 0 && len(data) > d.MaxBytes-d.bytes {
		d.Reset()
		return nil, ErrTooLarge
	}
	d.bytes += len(data)
	if !owned {
		// An attachment is never nil, which would be sent on as null.
		data = append(make([]byte, 0, len(data)), data...)
	}
	p := &d.packet
	p.Attachments = append(p.Attachments, data)
	if d.missing--; d.missing > 0 {
		return nil, nil
	}
	if !validPlaceholders(p.Data, len(p.Attachments)) {
		d.Reset()
		return nil, ErrPlaceholder
	}
	return p, nil
}

// Pending reports whether attachments of a packet have yet to come.
func (d *Decoder) Pending() bool { return d.missing > 0 }

// Release drops the packet that was returned last, so that an idle decoder keeps no buffer alive.
// It does not affect a packet whose attachments are missing.
func (d *Decoder) Release() {
	if d.missing > 0 {
		return
	}
	args := d.packet.Args[:0]
	if cap(args) > keptArgs {
		args = nil
	}
	d.packet = Packet{Args: args}
}

// Reset drops a packet whose attachments are missing. The decoder is then as if new.
func (d *Decoder) Reset() {
	d.missing, d.bytes = 0, 0
	d.Release()
}

// fits reports whether payload is JSON of the form that the type requires.
// It splits the array of an Event or Ack.
func (d *Decoder) fits(t Type, payload []byte) bool {
	if uint64(len(payload)) > math.MaxUint32 {
		return false // Spans could not express it
	}
	switch t {
	case Connect:
		kind, ok := scanAll(payload)
		return ok && kind == '{'
	case ConnectError:
		kind, ok := scanAll(payload)
		return ok && (kind == '{' || kind == '"')
	case Disconnect:
		return false
	}
	var ok bool
	p := &d.packet
	if p.Args, ok = SplitArray(p.Args, payload); !ok || t == Ack {
		return ok
	}
	return len(p.Args) > 0 && validName(payload[p.Args[0].Start:p.Args[0].End])
}

// intern returns the namespace as a string.
// A connection mostly uses one besides "/", which is not allocated again.
func (d *Decoder) intern(nsp []byte) string {
	switch {
	case nsp == nil || string(nsp) == "/":
		return "/"
	case string(nsp) == d.namespace:
		return d.namespace
	}
	s := string(nsp)
	if len(s) <= keptNamespace {
		d.namespace = s
	}
	return s
}

// maxID is the largest acknowledgement id: the largest integer that JavaScript holds exactly.
const maxID = 1<<53 - 1

// header is the part of a packet before its payload (Socket.IO protocol 5, "Packet encoding"):
// <type>[<attachments>-][<namespace>,][<id>].
type header struct {
	typ         Type
	attachments int
	namespace   []byte // nil when there is none
	id          uint64
	hasID       bool
}

// parseHeader parses the header of a packet and returns the payload behind it.
func parseHeader(b []byte, maxAttachments int) (h header, payload []byte, err error) {
	if len(b) == 0 {
		return h, nil, ErrEmpty
	}
	if b[0] < '0' || b[0] > '6' {
		return h, nil, errUnknownType(b[0])
	}
	h.typ = Type(b[0] - '0')
	b = b[1:]

	if h.typ == BinaryEvent || h.typ == BinaryAck {
		if h.attachments, b, err = parseAttachments(b, maxAttachments); err != nil {
			return h, nil, err
		}
	}
	if len(b) > 0 && b[0] == '/' {
		var found bool
		if h.namespace, b, found = bytes.Cut(b, []byte{','}); !found {
			b = nil
		}
	}
	h.hasID = len(b) > 0 && '0' <= b[0] && b[0] <= '9'
	for len(b) > 0 && '0' <= b[0] && b[0] <= '9' {
		if h.id = h.id*10 + uint64(b[0]-'0'); h.id > maxID {
			return h, nil, ErrInvalidID
		}
		b = b[1:]
	}
	return h, b, nil
}

// parseAttachments parses the count of a binary packet: digits, then a dash.
func parseAttachments(b []byte, most int) (n int, rest []byte, err error) {
	i := 0
	tooMany := false
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
		digit := int(b[i] - '0')
		if tooMany = tooMany || digit > most || n > (most-digit)/10; !tooMany {
			n = n*10 + digit
		}
	}
	switch {
	case i == len(b) || b[i] != '-' || n == 0 && !tooMany:
		return 0, nil, ErrIllegalAttachments
	case tooMany:
		return 0, nil, ErrTooManyAttachments
	}
	return n, b[i+1:], nil
}

// A placeholder is an object whose "_placeholder" is true (Socket.IO protocol 5, "Packet
// encoding"). Its "num" is the index of the attachment that replaces the whole object.

// level is what validPlaceholders knows of an open array or object.
type level struct {
	object      bool
	placeholder bool // "_placeholder" is true
	num         bool // "num" is the index of an attachment
	bad         bool // holds a placeholder without attachment
}

// note records the value of key, of which raw is at least the first byte.
func (l *level) note(key byte, raw []byte, n int) {
	// The last value of a repeated key counts, as for JSON.parse.
	switch key {
	case placeholderMark:
		l.placeholder = raw[0] == 't'
	case placeholderNum:
		l.num = false
		if isNumber(raw) {
			f, err := strconv.ParseFloat(string(raw), 64)
			_, inRange := attachmentIndex(f, n)
			l.num = err == nil && inRange
		}
	}
}

// validPlaceholders reports whether all placeholders in data have one of n attachments.
// data is a valid JSON array or nil.
func validPlaceholders(data []byte, n int) bool {
	stack := make([]level, 1, 8) // the lowest one stands for what is around data
	key, isKey := byte(otherKey), false
	for i := 0; i < len(data); {
		top := &stack[len(stack)-1]
		switch c := data[i]; c {
		case ' ', '\t', '\r', '\n', ':':
			i++
		case ',':
			isKey = top.object
			i++
		case '{', '[':
			top.note(key, data[i:i+1], n)
			stack = append(stack, level{object: c == '{'})
			key, isKey = otherKey, c == '{'
			i++
		case '}', ']':
			// The attachment replaces the whole object, also the placeholders inside it.
			bad := top.bad
			if top.placeholder {
				bad = !top.num
			}
			stack = stack[:len(stack)-1]
			if bad {
				stack[len(stack)-1].bad = true
			}
			isKey = false
			i++
		default:
			start := i
			i = scanScalar(data, i)
			if isKey {
				key, isKey = placeholderKey(data[start:i]), false
			} else {
				top.note(key, data[start:i], n)
				key = otherKey
			}
		}
	}
	return !stack[0].bad
}

// The keys of a placeholder.
const (
	otherKey = iota
	placeholderMark
	placeholderNum
)

func placeholderKey(raw []byte) byte {
	name, ok := NameBytes(raw)
	if !ok { // it has escapes
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return otherKey
		}
		name = []byte(s)
	}
	switch string(name) {
	case "_placeholder":
		return placeholderMark
	case "num":
		return placeholderNum
	}
	return otherKey
}

// attachmentIndex converts a placeholder's number as JavaScript does: 1.0 and 1e0 are 1.
// It refuses a fraction, for which the official decoder delivers undefined.
func attachmentIndex(num float64, n int) (index int, ok bool) {
	if num < 0 || num >= float64(n) || num != math.Trunc(num) {
		return 0, false
	}
	return int(num), true
}

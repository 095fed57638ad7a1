package protocol

import (
	"bytes"
	"math"
)

// DefaultMaxAttachments is how many attachments a packet may have when
// [Decoder.MaxAttachments] is 0. Official clients allow as many.
const DefaultMaxAttachments = 10

// Bounds of what a decoder keeps between packets.
const (
	keptArgs      = 64
	keptNamespace = 64
)

// Decoder decodes the messages of one connection (Socket.IO protocol 5, "Packet
// encoding"). The zero value is ready. It must not be used concurrently.
//
// A Decoder does not time out: somebody must limit how long attachments may be
// missing. After an error it is as if new.
type Decoder struct {
	// MaxAttachments is the most attachments that a packet may have, checked
	// before any memory is taken. 0 means DefaultMaxAttachments, a negative
	// number forbids binary packets.
	MaxAttachments int
	// MaxBytes is the most bytes that a binary packet's text and attachments may
	// have together. 0 means that only their number is limited.
	MaxBytes int

	packet    Packet
	missing   int // attachments of packet that have yet to come
	bytes     int // what a binary packet has so far
	namespace string
}

// AddText decodes a text message. It returns nil and no error for a packet whose
// attachments are to follow.
//
// The packet is the decoder's: it is valid until the next call. The Data of a
// packet without attachments aliases data; with attachments, Data is a copy, as
// the Attachments are. Errors are *[ParseError].
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

// AddBinary takes a binary message, which must be an attachment. It returns the
// packet when that was the last one, and nil while others are missing. data is
// copied. Errors are *[ParseError].
func (d *Decoder) AddBinary(data []byte) (*Packet, error) {
	if d.missing == 0 {
		d.Reset()
		return nil, ErrUnexpectedBinary
	}
	if d.MaxBytes > 0 && len(data) > d.MaxBytes-d.bytes {
		d.Reset()
		return nil, ErrTooLarge
	}
	d.bytes += len(data)
	// An attachment is never nil: that would be a null when it is sent on.
	attachment := make([]byte, len(data))
	copy(attachment, data)
	p := &d.packet
	p.Attachments = append(p.Attachments, attachment)
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

// Release lets go of the packet that was returned last, so that an idle decoder
// keeps no buffer alive. A packet that waits for attachments is not affected.
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

// Reset drops a packet that waits for attachments. What comes next is decoded
// as the first message of a connection is.
func (d *Decoder) Reset() {
	d.missing, d.bytes = 0, 0
	d.Release()
}

// fits reports whether payload is JSON of the form that the type asks for, and
// splits it when that is an array.
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
	if p.Args, ok = splitArray(p.Args, payload); !ok || t == Ack {
		return ok
	}
	return len(p.Args) > 0 && validName(payload[p.Args[0].Start:p.Args[0].End])
}

// intern returns the namespace as a string. A connection mostly uses one other
// than "/", and that is not allocated again.
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

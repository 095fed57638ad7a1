package protocol

import "bytes"

// maxID is the largest acknowledgement id, the largest integer that JavaScript
// holds exactly.
const maxID = 1<<53 - 1

// header is what stands before the payload (Socket.IO protocol 5, "Packet
// encoding"): <type>[<attachments>-][<namespace>,][<id>].
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

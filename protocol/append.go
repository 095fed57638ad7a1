package protocol

import (
	"fmt"
	"strconv"
)

// AppendHeader appends what stands before the payload (Socket.IO protocol 5,
// "Packet encoding"). attachments is written for the binary types only, nsp
// unless it is "" or "/", and id if hasID is set. nsp must not hold a comma, and
// id must not exceed 2^53-1: a peer could not read them.
func AppendHeader(dst []byte, t Type, attachments int, nsp string, id uint64, hasID bool) []byte {
	dst = append(dst, '0'+byte(t))
	if t == BinaryEvent || t == BinaryAck {
		dst = strconv.AppendInt(dst, int64(attachments), 10)
		dst = append(dst, '-')
	}
	if nsp != "" && nsp != "/" {
		dst = append(dst, nsp...)
		dst = append(dst, ',')
	}
	if hasID {
		dst = strconv.AppendUint(dst, id, 10)
	}
	return dst
}

// AppendPacket appends the text of an Event with the given name and arguments,
// or of an Ack, which has no name; name must be empty then. When an argument
// holds binary data at any depth, the packet becomes a BinaryEvent or BinaryAck
// and atts is what must be sent after the text, each as a message of its own.
// atts are the byte slices found, not copies. Arguments are never changed.
//
// Official clients accept no more than [DefaultMaxAttachments]; that is not
// enforced here. Errors wrap [ErrEncode] and leave dst as it was.
func AppendPacket(dst []byte, t Type, nsp string, id uint64, hasID bool, name string, args []any) (text []byte, atts [][]byte, err error) {
	if t != Event && t != Ack || t == Ack && name != "" {
		return dst, nil, fmt.Errorf("%w: %v named %q", ErrEncode, t, name)
	}
	start := len(dst)
	text = AppendHeader(dst, t, 0, nsp, id, hasID)
	if text, atts, err = AppendArgs(text, nil, name, t == Event, args); err != nil {
		return dst, nil, err
	}
	if len(atts) > 0 {
		text = makeBinary(text, start, len(atts))
	}
	return text, atts, nil
}

// makeBinary turns the Event or Ack at text[start:] into its binary counterpart.
// That there are attachments is only known when it is written.
func makeBinary(text []byte, start, attachments int) []byte {
	var count [20]byte
	insert := append(strconv.AppendInt(count[:0], int64(attachments), 10), '-')
	n := len(text)
	text = append(text, insert...)
	copy(text[start+1+len(insert):], text[start+1:n])
	copy(text[start+1:], insert)
	text[start] += byte(BinaryEvent - Event)
	return text
}

// AppendControl appends the text of a Connect, Disconnect or ConnectError
// packet. payload is written as encoding/json writes it, but without escaping
// HTML; nil means that there is none. Binary data is not taken out of it.
// Errors wrap [ErrEncode] and leave dst as it was.
func AppendControl(dst []byte, t Type, nsp string, payload any) ([]byte, error) {
	switch t {
	case Connect, Disconnect, ConnectError:
	default:
		return dst, fmt.Errorf("%w: %v is no control packet", ErrEncode, t)
	}
	text := AppendHeader(dst, t, 0, nsp, 0, false)
	if payload == nil {
		return text, nil
	}
	text, err := appendPlain(text, payload)
	if err != nil {
		return dst, err
	}
	return text, nil
}

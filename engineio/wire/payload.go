package wire

import (
	"bytes"
	"encoding/base64"
)

// Separator separates the packets of a polling payload (Engine.IO protocol 4, "HTTP long-polling").
// It is not escaped inside packets: the receiver splits text that contains it, as the protocol
// demands.
const Separator = 0x1e

// NextPacket decodes the first packet of a polling payload. rest is what follows its separator.
//
// more reports whether there was a separator. Call it again while more is true: an empty payload
// and a trailing separator are errors, because an empty packet is.
//
// The packets before an error are valid; the rest of the payload must be ignored. Errors wrap
// [ErrPacket].
func NextPacket(payload []byte) (p Packet, rest []byte, more bool, err error) {
	end := bytes.IndexByte(payload, Separator)
	if end < 0 {
		p, err = DecodeText(payload)
		return p, nil, false, err
	}
	if p, err = DecodeText(payload[:end:end]); err != nil {
		return p, nil, false, err
	}
	return p, payload[end+1:], true, nil
}

// AppendPayload transcodes frames to a polling payload: packets joined by [Separator].
// Binary messages become 'b' and padded base64. first says that dst holds nothing of this payload
// yet; otherwise a separator comes first.
func AppendPayload(dst, frames []byte, first bool) []byte {
	for len(frames) > 0 {
		binary, payload, rest := NextFrame(frames)
		if !first {
			dst = append(dst, Separator)
		}
		first = false
		if binary {
			dst = append(dst, 'b')
			dst = base64.StdEncoding.AppendEncode(dst, payload)
		} else {
			dst = append(dst, payload...)
		}
		frames = rest
	}
	return dst
}

// PayloadLen returns the number of bytes that [AppendPayload] appends for frames with first set.
// Without first it is one more.
func PayloadLen(frames []byte) int {
	n := -1 // there is one separator fewer than packets
	for len(frames) > 0 {
		binary, payload, rest := NextFrame(frames)
		if binary {
			n += 1 + base64.StdEncoding.EncodedLen(len(payload))
		} else {
			n += len(payload)
		}
		n++
		frames = rest
	}
	return max(n, 0)
}

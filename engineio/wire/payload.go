package wire

import (
	"bytes"
	"encoding/base64"
)

// Separator stands between the packets of a polling payload (Engine.IO
// protocol 4, "HTTP long-polling"). It is not escaped inside of packets: text
// that contains it is split by the receiver, as the protocol wants it.
const Separator = 0x1e

// NextPacket decodes the first packet of a polling payload. rest is what
// follows its separator, and more says that there was one. Iterate while more
// is true: an empty payload and a trailing separator are errors, as an empty
// packet is none.
//
// The packets before an error are good and are to be delivered; what follows
// it is not to be looked at. Errors wrap [ErrPacket].
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

// AppendPayload transcodes frames to a polling payload: packets joined by
// [Separator], binary messages as 'b' and padded base64. first says that
// nothing of this payload is in dst yet; otherwise a separator goes ahead.
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

// PayloadLen returns the exact number of bytes that [AppendPayload] appends for
// frames when they come first; when they do not, it is one more.
func PayloadLen(frames []byte) int {
	n := -1 // one separator less than packets
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

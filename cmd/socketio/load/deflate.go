package load

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
)

// What a client offers, and the server must accept: each message is compressed by itself (RFC 7692, section 7.1).
const (
	deflateOffer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	deflateTail  = "\x00\x00\xff\xff"                   // ends a compressed message and is not sent (section 7.2.1)
	inflateTail  = deflateTail + "\x01\x00\x00\xff\xff" // with an empty last block
)

// compressed is the bit RSV1 of a frame's first byte.
const compressed = 0x40

var errDeclined = errors.New("load: the server declines permessage-deflate without context takeover")

// deflate returns a compressed message.
func deflate(pieces ...[]byte) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestSpeed) // the level is valid
	for _, p := range pieces {
		_, _ = w.Write(p) // a bytes.Buffer does not fail
	}
	_ = w.Flush()
	return bytes.TrimSuffix(out.Bytes(), []byte(deflateTail))
}

// inflater decompresses the messages of a server.
type inflater struct {
	whole []byte
	in    bytes.Reader
	from  io.ReadCloser
	out   bytes.Buffer
}

// inflate returns what a message is. It is valid until the following call.
func (i *inflater) inflate(message []byte) ([]byte, error) {
	i.whole = append(append(i.whole[:0], message...), inflateTail...)
	i.in.Reset(i.whole)
	if i.from == nil {
		i.from = flate.NewReader(&i.in)
	} else if err := i.from.(flate.Resetter).Reset(&i.in, nil); err != nil {
		return nil, err
	}
	i.out.Reset()
	n, err := i.out.ReadFrom(io.LimitReader(i.from, maxFrame+1))
	if n > maxFrame {
		return nil, errLarge
	}
	return i.out.Bytes(), err
}

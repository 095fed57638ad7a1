package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Frame opcodes (RFC 6455, section 5.2).
const (
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xa
)

// newFrame makes a frame as clients send it. Its mask is zero, which is a mask like any other and changes nothing: a
// frame can be made once and sent often.
func newFrame(op byte, payload ...[]byte) []byte {
	n := 0
	for _, p := range payload {
		n += len(p)
	}
	dst := append(make([]byte, 0, 14+n), 0x80|op)
	switch {
	case n <= 125:
		dst = append(dst, 0x80|byte(n))
	case n <= 0xffff:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	dst = append(dst, 0, 0, 0, 0)
	for _, p := range payload {
		dst = append(dst, p...)
	}
	return dst
}

// frames reads the frames of a server. Its buffer grows to the largest frame that came, and until one read takes
// all that has arrived, up to 64 KB.
type frames struct {
	from       io.Reader
	buf        []byte
	start, end int
	inflater   *inflater // nil unless messages may be compressed
}

// smallBuffer is what a connection that has received little holds.
const smallBuffer = 512

// maxFrame is the largest frame that is taken.
const maxFrame = 64 << 20

var (
	errFragment = errors.New("load: the server sent a fragmented message")
	errLarge    = fmt.Errorf("load: the server sent a message of more than %d bytes", maxFrame)
)

// next returns the next frame. The payload is valid until the following call.
func (f *frames) next() (op byte, payload []byte, err error) {
	for {
		if f.has() {
			head, size := f.head()
			b := f.buf[f.start : f.start+head+size]
			f.start += head + size
			if b[0]&0x80 == 0 || b[0]&0x0f == 0 {
				return 0, nil, errFragment
			}
			payload = b[head:]
			if b[0]&compressed != 0 && f.inflater != nil {
				payload, err = f.inflater.inflate(payload)
			}
			return b[0] & 0x0f, payload, err
		}
		if err := f.fill(); err != nil {
			return 0, nil, err
		}
	}
}

// has tells whether a whole frame has arrived.
func (f *frames) has() bool {
	head, size := f.head()
	return head > 0 && f.end-f.start >= head+size
}

// head returns the sizes of the next frame's header, 0 when it has not arrived, and payload.
func (f *frames) head() (head, size int) {
	b := f.buf[f.start:f.end]
	switch {
	case len(b) < 2:
	case b[1] < 126:
		return 2, int(b[1])
	case b[1] == 126 && len(b) >= 4:
		return 4, int(binary.BigEndian.Uint16(b[2:]))
	case b[1] == 127 && len(b) >= 10:
		return 10, int(min(binary.BigEndian.Uint64(b[2:]), maxFrame+1))
	}
	return 0, 0
}

// fill reads once.
func (f *frames) fill() error {
	head, size := f.head()
	if size > maxFrame {
		return errLarge
	}
	need := max(head+size, smallBuffer)
	if f.end == len(f.buf) { // the last read filled it: more may have been there
		need = max(need, min(2*len(f.buf), 64<<10))
	}
	if f.start > 0 {
		copy(f.buf, f.buf[f.start:f.end])
		f.start, f.end = 0, f.end-f.start
	}
	if need > len(f.buf) {
		grown := make([]byte, need)
		copy(grown, f.buf[:f.end])
		f.buf = grown
	}
	n, err := f.from.Read(f.buf[f.end:])
	f.end += n
	if n > 0 {
		return nil
	}
	return err
}

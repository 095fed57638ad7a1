package engineio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/gobwas/ws"
	"github.com/klauspost/compress/flate"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/bufpool"
)

// PerMessageDeflate compresses the messages of WebSockets (RFC 7692) whose clients offer that; browsers do.
//
// Each message is compressed on its own (no context takeover, in neither direction), so that a connection holds no memory
// for it. Compressing costs far more processor time than sending: it pays for large messages on slow or paid networks.
type PerMessageDeflate struct {
	// Threshold is the size in bytes from which a message is compressed. Default 1024; 1 compresses all.
	Threshold int
	// Level is that of package compress/flate, from 1 (fastest) to 9 (smallest). Default 1.
	Level int
}

func (p *PerMessageDeflate) validate() error {
	switch {
	case p.Threshold < 1:
		return fmt.Errorf("%w: PerMessageDeflate.Threshold is %d, it must be at least 1", ErrConfig, p.Threshold)
	case p.Level < flate.BestSpeed || p.Level > flate.BestCompression:
		return fmt.Errorf("%w: PerMessageDeflate.Level is %d, it must be between %d and %d", ErrConfig, p.Level, flate.BestSpeed, flate.BestCompression)
	}
	return nil
}

// deflateTail ends each compressed message and is not sent (RFC 7692 section 7.2.1). What follows it here is an empty last
// block, so that a message that is complete ends the stream and one that is not is noticed.
const (
	deflateTail = "\x00\x00\xff\xff"
	inflateTail = deflateTail + "\x01\x00\x00\xff\xff"
)

// deflater compresses the messages of a server's WebSockets.
type deflater struct {
	threshold int
	writers   sync.Pool
	messages  atomic.Uint64 // compressed so far
}

// flateWriter is a compressor with what it has written.
type flateWriter struct {
	*flate.Writer
	out bytes.Buffer
}

func newDeflater(c *PerMessageDeflate) *deflater {
	d := &deflater{threshold: c.Threshold}
	d.writers.New = func() any {
		w := new(flateWriter)
		w.Writer, _ = flate.NewWriter(&w.out, c.Level) // the level is valid
		return w
	}
	return d
}

// frames returns frames with the messages that are worth it compressed; the others, and control frames, as they are.
func (d *deflater) frames(frames []byte) []byte {
	if len(frames) < d.threshold {
		return frames
	}
	var w *flateWriter
	var out []byte
	for rest := frames; len(rest) > 0; {
		this := rest
		binary, payload, after := wire.NextFrame(this)
		this, rest = this[:len(this)-len(after)], after
		if len(payload) < d.threshold || ws.OpCode(this[0]&0x0f).IsControl() {
			out = append(out, this...)
			continue
		}
		if w == nil {
			compressing <- struct{}{}
			defer func() { <-compressing }()
			w = d.writers.Get().(*flateWriter)
			defer d.writers.Put(w)
		}
		if z := w.compress(payload); len(z) < len(payload) {
			out = wire.AppendCompressed(out, binary, z)
		} else {
			out = append(out, this...)
		}
		d.messages.Add(1)
	}
	return out
}

// compress returns data compressed, valid until the next call.
func (w *flateWriter) compress(data []byte) []byte {
	if w.out.Cap() > bufpool.Large {
		w.out = bytes.Buffer{} // a large message does not make the pool large for good
	}
	w.out.Reset()
	w.Reset(&w.out)
	// A bytes.Buffer does not fail.
	_, _ = w.Write(data)
	_ = w.Flush()
	return bytes.TrimSuffix(w.out.Bytes(), []byte(deflateTail))
}

// inflaters decompress what clients send.
var inflaters = sync.Pool{New: func() any {
	i := new(inflater)
	i.out = flate.NewReader(&i.in)
	return i
}}

type inflater struct {
	in  bytes.Reader
	out io.ReadCloser
}

// compressedLimit is how many bytes a compressed message may have that is at most limit bytes when inflated: incompressible
// data grows, by an eighth where the compressor has little memory.
func compressedLimit(limit int) int { return limit + limit/8 + 64 }

// inflate decompresses a message into a buffer for the caller to give back to the pool. It takes no memory beyond limit
// bytes for it, whatever the message wants to become.
func inflate(message []byte, limit int) (*[]byte, error) {
	if len(message) == 0 { // not what RFC 7692 makes of an empty message, but what others take for one
		none := bufpool.Get(0)
		*none = (*none)[:0]
		return none, nil
	}
	compressing <- struct{}{}
	defer func() { <-compressing }()
	scratch := bufpool.Get(len(message) + len(inflateTail))
	defer bufpool.Put(scratch)
	i := inflaters.Get().(*inflater)
	defer inflaters.Put(i)
	i.in.Reset(append(append((*scratch)[:0], message...), inflateTail...))
	defer i.in.Reset(nil)
	if err := i.out.(flate.Resetter).Reset(&i.in, nil); err != nil {
		return nil, err // it does not fail without a dictionary
	}
	return i.read(limit)
}

// read reads the decompressed bytes.
func (i *inflater) read(limit int) (*[]byte, error) {
	buf, n := bufpool.Get(0), 0
	for {
		if n == len(*buf) {
			larger := bufpool.Get(min(2*n, limit+1))
			copy(*larger, (*buf)[:n])
			bufpool.Put(buf)
			buf = larger
		}
		m, err := i.out.Read((*buf)[n:min(len(*buf), limit+1)])
		n += m
		switch {
		case n > limit:
			err = &fault{ws.StatusMessageTooBig, tooLargeInflated(limit)}
		case errors.Is(err, io.EOF):
			*buf = (*buf)[:n]
			return buf, nil
		case err != nil:
			err = &fault{ws.StatusInvalidFramePayloadData, fmt.Errorf("engineio: message that cannot be inflated: %w", err)}
		default:
			continue
		}
		bufpool.Put(buf)
		return nil, err
	}
}

package engineio

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gobwas/ws"
	"github.com/klauspost/compress/flate"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/bufpool"
	"github.com/gosocketio/socketio/internal/refusal"
)

// PerMessageDeflate compresses the messages of WebSockets whose clients offer it, as browsers do.
//
// Each message is compressed on its own (RFC 7692, no context takeover in either direction), so
// that connections hold no memory for it. Compressing costs far more processor time than sending:
// it pays for large messages on slow or paid networks.
type PerMessageDeflate struct {
	// Threshold is the size in bytes from which messages are compressed. Default 1024; 1 compresses
	// all.
	Threshold int
	// Level is the level of compress/flate, from 1 (fastest) to 9 (smallest). Default 1.
	Level int
}

func (p *PerMessageDeflate) validate() error {
	switch {
	case p == nil:
	case p.Threshold < 1:
		return badConfig("PerMessageDeflate.Threshold is %d, it must be at least 1", p.Threshold)
	case p.Level < flate.BestSpeed || p.Level > flate.BestCompression:
		return badConfig("PerMessageDeflate.Level is %d, it must be between 1 and 9", p.Level)
	}
	return nil
}

const (
	// deflateTail ends each compressed message and is not sent (RFC 7692 section 7.2.1).
	deflateTail = "\x00\x00\xff\xff"
	// inflateTail adds an empty last block, without which an incomplete message would go unnoticed.
	inflateTail = deflateTail + "\x01\x00\x00\xff\xff"
)

// deflater compresses the messages of a server's WebSockets.
type deflater struct {
	threshold int
	writers   sync.Pool
	messages  atomic.Uint64 // compressed so far
}

// flateWriter is a compressor with its output.
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

// frames compresses the messages of at least threshold bytes. Other frames stay as they are.
func (d *deflater) frames(frames []byte) []byte {
	if len(frames) < d.threshold {
		return frames
	}
	var w *flateWriter
	var out []byte
	for len(frames) > 0 {
		binary, payload, rest := wire.NextFrame(frames)
		this := frames[:len(frames)-len(rest)]
		frames = rest
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

// compress returns the compressed data. It is valid until the next call.
func (w *flateWriter) compress(data []byte) []byte {
	if w.out.Cap() > bufpool.Large {
		w.out = bytes.Buffer{} // keep no large buffer in the pool
	}
	w.out.Reset()
	w.Reset(&w.out)
	// A bytes.Buffer does not fail.
	_, _ = w.Write(data)
	_ = w.Flush()
	return bytes.TrimSuffix(w.out.Bytes(), []byte(deflateTail))
}

// inflaters decompress the messages of clients.
var inflaters = sync.Pool{New: func() any {
	i := new(inflater)
	i.out = flate.NewReader(&i.in)
	return i
}}

type inflater struct {
	in  bytes.Reader
	out io.ReadCloser
}

// compressedLimit returns the size limit of a compressed message for a limit of the inflated one.
//
// Incompressible data grows: by an eighth if the compressor has little memory.
func compressedLimit(limit int) int { return limit + limit/8 + 64 }

// inflate decompresses a message of at most limit bytes.
//
// It allocates no more than that, whatever the message expands to. The caller must return the
// buffer to bufpool.
func inflate(message []byte, limit int) (*[]byte, error) {
	if len(message) == 0 { // against RFC 7692, but what other implementations accept
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
		return nil, err // impossible without a dictionary
	}
	return i.read(limit)
}

// read returns the decompressed bytes, at most limit.
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
			err = &fault{ws.StatusMessageTooBig, &refusal.Refusal{
				Err: ErrPayloadTooLarge, Rule: "payload size", Limit: limit, Field: "Config.MaxPayload",
				Format: "more than %[2]d bytes when inflated, which is the limit",
			}}
		case errors.Is(err, io.EOF):
			*buf = (*buf)[:n]
			return buf, nil
		case err != nil:
			err = faultf(ws.StatusInvalidFramePayloadData, "message that cannot be inflated: %w", err)
		default:
			continue
		}
		bufpool.Put(buf)
		return nil, err
	}
}

const (
	// deflateAccepted is the answer to an acceptable offer. Neither side keeps its window between
	// messages; a server may demand that without an offer (RFC 7692 section 7.1.1.2).
	deflateAccepted = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	// deflateWindow is appended if the offer has a window for the server: the answer then needs one.
	deflateWindow = "; server_max_window_bits=15"
)

// negotiateDeflate answers the extensions that a handshake offers.
//
// An unacceptable offer is declined: the connection does without (RFC 7692 section 5.1). ok is
// false if the header breaks the grammar of RFC 6455, section 9.1.
func (e *Server) negotiateDeflate(h http.Header, r *http.Request) (agreed, ok bool) {
	offers := r.Header["Sec-Websocket-Extensions"]
	if e.deflate == nil || len(offers) == 0 {
		return false, true
	}
	answer := ""
	for _, line := range offers {
		accepted, valid := acceptDeflate(line)
		if !valid {
			return false, false
		}
		if answer == "" {
			answer = accepted
		}
	}
	if answer != "" {
		h.Set("Sec-WebSocket-Extensions", answer)
	}
	return answer != "", true
}

// extensionList matches a line of the header (RFC 6455 section 9.1). A quoted value is a token: no
// known parameter needs another character.
var extensionList = func() *regexp.Regexp {
	const (
		word      = "[0-9A-Za-z!#$%&'*+.^_`|~-]+"
		param     = "[ \t]*;[ \t]*" + word + "(?:=(?:" + word + `|"` + word + `"))?`
		extension = "[ \t]*" + word + "(?:" + param + ")*[ \t]*"
	)
	return regexp.MustCompile("^" + extension + "(?:," + extension + ")*$")
}()

// acceptDeflate returns the answer to the first acceptable offer in a line of the header.
func acceptDeflate(line string) (answer string, valid bool) {
	if !extensionList.MatchString(line) {
		return "", false
	}
	for extension := range strings.SplitSeq(line, ",") {
		name, params, _ := strings.Cut(extension, ";")
		if strings.Trim(name, " \t") != "permessage-deflate" {
			continue
		}
		if answer = answerOffer(params); answer != "" {
			break
		}
	}
	return answer, true
}

// answerOffer returns the answer to an offer, given its parameters (RFC 7692 section 7.1), or "" if
// it is not acceptable.
func answerOffer(params string) (answer string) {
	answer = deflateAccepted
	seen := make(map[string]bool)
	for param := range strings.SplitSeq(params, ";") {
		name, value, hasValue := strings.Cut(strings.Trim(param, " \t"), "=")
		bits, ok := windowBits(strings.Trim(value, `"`))
		switch name {
		case "": // there are no parameters
			continue
		case "server_no_context_takeover", "client_no_context_takeover":
			ok = !hasValue
		case "client_max_window_bits": // the answer does not use it
			ok = ok || !hasValue
		case "server_max_window_bits": // a broadcast is compressed once for all, with the full window
			ok = ok && bits == 15
			answer += deflateWindow
		default:
			return ""
		}
		if !ok || seen[name] {
			return ""
		}
		seen[name] = true
	}
	return answer
}

// windowBits parses a number from 8 to 15 without leading zeros.
func windowBits(s string) (bits int, ok bool) {
	bits, _ = strconv.Atoi(s)
	return bits, bits >= 8 && bits <= 15 && s == strconv.Itoa(bits)
}

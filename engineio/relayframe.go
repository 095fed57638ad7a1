package engineio

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Frames between two servers: four bytes with the length of what follows, one with the type, four
// with the number of the request, and the payload. Numbers are big-endian.
const (
	frameRequest byte = iota + 1 // a request with its body
	frameCancel                  // the client has gone
	frameRelease                 // the relaying server stops: answer the parked GET
	frameCredit                  // the client has taken so many bytes of the answer
	framePing                    // an answer is a ping too
	frameAnswer                  // a piece of an answer
	frameDrain                   // the relaying server moves the client of a WebSocket elsewhere
)

// Flags of a frameAnswer.
const (
	answerHead  = 1 << iota // status and headers precede the piece
	answerEnd               // the last piece
	answerAbort             // the connection of the client is to be cut
)

const (
	frameHead = 9
	// maxFrame bounds the payload of a frame.
	maxFrame = 128 << 10
	// maxFrameHeaders bounds the headers in a frame. Requests with more get a connection of their own.
	maxFrameHeaders = 64 << 10
	// maxInlineBody bounds the body of a frameRequest. Larger ones get a connection of their own.
	maxInlineBody = 16 << 10
	// answerWindow is how much of an answer may be on its way to a client, and so in the memory of
	// the relaying server.
	answerWindow = 256 << 10
	// answerPiece bounds the piece in a frameAnswer.
	answerPiece = 32 << 10
)

var errFrame = errors.New("engineio: malformed frame of another server")

// beginFrame appends the head of a frame; endFrame sets its length.
func beginFrame(dst []byte, kind byte, id uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0, 0, 0, 0, kind), id)
}

// endFrame completes the frame that began at an offset.
func endFrame(dst []byte, from int) []byte {
	binary.BigEndian.PutUint32(dst[from:], uint32(len(dst)-from-4))
	return dst
}

// readFrame reads a frame. The payload is valid until the next call with the same buffer.
func readFrame(in io.Reader, buf *[]byte) (kind byte, id uint32, payload []byte, err error) {
	var head [frameHead]byte
	if _, err = io.ReadFull(in, head[:]); err != nil {
		return 0, 0, nil, err
	}
	n := int64(binary.BigEndian.Uint32(head[:])) - (frameHead - 4)
	if n < 0 || n > maxFrame {
		return 0, 0, nil, fmt.Errorf("%w: %d bytes", errFrame, n)
	}
	if int64(cap(*buf)) < n {
		*buf = make([]byte, n)
	}
	payload = (*buf)[:n]
	_, err = io.ReadFull(in, payload)
	return head[4], binary.BigEndian.Uint32(head[5:]), payload, err
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// appendHeaders appends headers. An answer needs its length, and to say that the connection ends;
// other headers that concern one connection are left out. Names that are none are too, and values
// become one line, as net/http does: the other server refuses the frame otherwise.
func appendHeaders(dst []byte, h http.Header) []byte {
	for k, values := range h {
		if hopHeaders[k] && k != "Content-Length" && k != "Connection" || !isToken(k) {
			continue
		}
		for _, v := range values {
			dst = appendText(appendText(dst, k), v)
			for i, c := range dst[len(dst)-len(v):] {
				if isControl(rune(c)) {
					dst[len(dst)-len(v)+i] = ' '
				}
			}
		}
	}
	return append(dst, 0) // no name is empty
}

// fields reads what appendText and appendHeaders wrote. After an error it returns zero values.
type fields struct {
	rest string
	bad  bool
}

func (f *fields) number() uint64 {
	var v uint64
	for i := 0; i < len(f.rest) && i < binary.MaxVarintLen64-1; i++ {
		b := f.rest[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			f.rest = f.rest[i+1:]
			return v
		}
	}
	f.bad, f.rest = true, ""
	return 0
}

func (f *fields) text() string {
	n := f.number()
	if n > uint64(len(f.rest)) {
		f.bad, f.rest = true, ""
		return ""
	}
	s := f.rest[:n]
	f.rest = f.rest[n:]
	return s
}

func (f *fields) headers() http.Header {
	h := make(http.Header)
	for {
		k := f.text()
		if k == "" {
			return h
		}
		v := f.text()
		if !isToken(k) || !isFieldValue(v) {
			f.bad = true
		}
		h[k] = append(h[k], v)
	}
}

// appendRequest appends the payload of a frameRequest.
func appendRequest(dst []byte, r *http.Request, body []byte) []byte {
	dst = appendText(dst, r.Method)
	dst = appendText(dst, r.URL.RequestURI())
	dst = appendText(dst, r.Host)
	c := clientOf(r)
	dst = appendText(appendText(appendText(dst, c.remote), c.local.network), c.local.text)
	dst = appendText(dst, c.scheme())
	dst = appendHeaders(dst, r.Header)
	return append(dst, body...)
}

// decodeRequest returns the request in a frameRequest, and what cancels its context.
func decodeRequest(payload []byte) (*http.Request, context.CancelFunc, error) {
	f := fields{rest: string(payload)}
	method, uri, host := f.text(), f.text(), f.text()
	c := relayClient{remote: f.text(), local: relayAddr{f.text(), f.text()}, secure: f.text() == "https"}
	header := f.headers()
	if f.bad || !isToken(method) {
		return nil, nil, fmt.Errorf("%w: request", errFrame)
	}
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errFrame, err)
	}
	r := &http.Request{
		Method: method, URL: u, RequestURI: uri, Host: host, Header: header, Body: http.NoBody,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(f.rest)),
	}
	if f.rest != "" {
		r.Body = io.NopCloser(strings.NewReader(f.rest))
	}
	ctx, cancel := context.WithCancel(context.Background())
	return c.set(r, ctx), cancel, nil
}

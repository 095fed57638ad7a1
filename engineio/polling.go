package engineio

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/accept"
	"github.com/gosocketio/socketio/internal/bufpool"
)

var (
	noopFrame      = wire.AppendText(nil, wire.Noop, nil)
	closeFrameText = wire.AppendText(nil, wire.Close, nil)
)

const (
	textBody   = "text/plain; charset=UTF-8"
	binaryBody = "application/octet-stream"
)

// parkedPoll is a GET that waits for something to send. Session.mu guards it.
type parkedPoll struct {
	wake   chan struct{}
	woken  bool
	frames []byte  // the answer; nil for the outbox
	batch  []entry // the outbox of a session that ended after the wake-up
}

// wakePollLocked makes a parked GET answer with frames, or with the outbox if they are nil.
//
// It does nothing if no GET is parked or that has been woken before. The caller must hold s.mu.
func (s *Session) wakePollLocked(frames []byte) {
	if s.pollParkedLocked() {
		s.poll.woken, s.poll.frames = true, frames
		close(s.poll.wake)
	}
}

// pollParkedLocked tells whether a GET waits to be woken. The caller must hold s.mu.
func (s *Session) pollParkedLocked() bool { return s.poll != nil && !s.poll.woken }

// lockPolling locks s.mu for a polling request, or refuses the request and returns false.
//
// The session may have ended or moved to another transport since the request was verified.
func (e *Server) lockPolling(w http.ResponseWriter, r *http.Request, s *Session) bool {
	s.mu.Lock()
	if s.state != stateClosed && s.transport == Polling {
		return true
	}
	c := unknownSession(s.id)
	if s.state != stateClosed {
		c = mismatch(Polling, s.transport)
	}
	s.mu.Unlock()
	e.refuse(w, r, c)
	return false
}

// servePoll answers a GET with the outbox, or parks it (protocol v4, "HTTP long-polling").
func (e *Server) servePoll(w http.ResponseWriter, r *http.Request, s *Session) {
	if !e.lockPolling(w, r, s) {
		return
	}
	s.posts = polled
	switch {
	case s.poll != nil:
		s.closeLocked(ReasonTransportError, &TransportError{Message: "overlap from client"})
		s.mu.Unlock()
		respond(w, http.StatusBadRequest, nil)
		return
	case s.out.count > 0:
		batch := s.out.take(nil, math.MaxInt)
		s.mu.Unlock()
		e.deliver(w, r, s, batch)
		return
	case s.state != stateOpen:
		if s.state == stateClosing {
			s.closeFlushedLocked()
		}
		s.mu.Unlock()
		_ = e.answerPoll(w, r, s, slices.Concat(noopFrame, closeFrameText)) // the session is over
		return
	}
	p := &parkedPoll{wake: make(chan struct{})}
	s.poll = p
	s.mu.Unlock()
	// Otherwise a ReadTimeout of the http.Server ends the wait.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})

	select {
	case <-p.wake:
	case <-r.Context().Done():
		s.mu.Lock()
		if !p.woken {
			s.poll = nil
			s.closeLocked(ReasonTransportError, &TransportError{Message: "poll connection closed prematurely"})
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
	}
	e.releasePoll(w, r, s, p)
}

// releasePoll answers a GET that was parked.
func (e *Server) releasePoll(w http.ResponseWriter, r *http.Request, s *Session, p *parkedPoll) {
	s.mu.Lock()
	if s.poll == p {
		s.poll = nil
	}
	frames, batch := p.frames, p.batch
	switch {
	case frames != nil || batch != nil:
	case s.transport != Polling || s.state == stateClosed:
		frames = closeFrameText // the new transport, if any, takes the data
	default:
		batch = s.out.take(nil, math.MaxInt)
	}
	s.mu.Unlock()
	if frames == nil {
		e.deliver(w, r, s, batch)
	} else {
		_ = e.answerPoll(w, r, s, frames) // nothing is lost with it
	}
}

// deliver answers a GET with a batch from the outbox.
func (e *Server) deliver(w http.ResponseWriter, r *http.Request, s *Session, batch []entry) {
	e.cfg.Events.flush(s)
	bytes := 0
	for _, b := range batch {
		bytes += len(b.frames)
	}
	err := e.writePoll(w, r, s, batch)
	s.mu.Lock()
	s.wroteLocked(units(batch), bytes)
	if err != nil {
		s.closeLocked(ReasonTransportError, &TransportError{Message: "write error", Err: err})
	}
	s.mu.Unlock()
	if err != nil {
		return
	}
	e.cfg.Events.drain(s)
}

// answerPoll answers a GET with frames that are not from the outbox.
func (e *Server) answerPoll(w http.ResponseWriter, r *http.Request, s *Session, frames []byte) error {
	return e.writePoll(w, r, s, []entry{{frames: frames, plain: true}})
}

// writePoll encodes a batch for the session's client and writes it as the response to a GET.
func (e *Server) writePoll(w http.ResponseWriter, r *http.Request, s *Session, batch []entry) error {
	callback, jsonp := jsonpCallback(r)
	size := 0
	for _, b := range batch {
		if s.protocol == 3 {
			size += wire.PayloadBound3(b.frames)
		} else {
			size += wire.PayloadLen(b.frames) + 1
		}
	}
	pooled := bufpool.Get(size)
	defer bufpool.Put(pooled)
	body, contentType := (*pooled)[:0], textBody
	switch binary := func(e entry) bool { return wire.HasBinary(e.frames) }; {
	case s.protocol != 3:
		for i, b := range batch {
			body = wire.AppendPayload(body, b.frames, i == 0)
		}
	case s.b64 || jsonp || !slices.ContainsFunc(batch, binary):
		for _, b := range batch {
			body = wire.AppendPayloadText3(body, b.frames)
		}
	default:
		contentType = binaryBody
		for _, b := range batch {
			body = wire.AppendPayloadBinary3(body, b.frames)
		}
	}
	if jsonp {
		body = wrapJSONP(callback, body)
	}
	return e.sendPoll(w, r, contentType, e.compress(w, r, batch, body))
}

// flusher is implemented by the writers of net/http, and by few wrappers of middleware.
type flusher interface{ FlushError() error }

// sendPoll writes the response to a GET, in pieces of which each may take WriteTimeout.
//
// It flushes, to see errors, only a flusher: other writers of middleware may panic in Flush.
func (e *Server) sendPoll(w http.ResponseWriter, r *http.Request, contentType string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", contentType)
	if e.origins.IsHidden(r) {
		h.Set("Cross-Origin-Resource-Policy", "same-origin") // browsers hide it from other origins
	}
	e.pollHeaders(h, r)
	rc := http.NewResponseController(w)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	f, direct := w.(flusher)
	rest := !direct && len(body) > gatherBytes
	if rest {
		endConnection(h, r)
	}
	var err error
	for len(body) > 0 && err == nil {
		piece := body[:min(len(body), gatherBytes)]
		body = body[len(piece):]
		_ = rc.SetWriteDeadline(time.Now().Add(e.cfg.WriteTimeout)) // not every ResponseWriter can
		_, err = w.Write(piece)
	}
	if direct && err == nil {
		if err = f.FlushError(); errors.Is(err, http.ErrNotSupported) {
			err = nil
		}
	}
	// The connection will serve other requests, perhaps of other handlers. But a middleware that
	// buffers a large response still needs the deadline.
	if !rest {
		_ = rc.SetWriteDeadline(time.Time{})
	}
	return err
}

// pollHeaders sets the headers of a successful polling response.
func (e *Server) pollHeaders(h http.Header, r *http.Request) {
	h.Set("Cache-Control", "no-store")
	// IE 8 to 11 take the payload for an attack.
	if ua := r.UserAgent(); strings.Contains(ua, ";MSIE") || strings.Contains(ua, "Trident/") {
		h.Set("X-XSS-Protection", "0")
	}
	if f := e.cfg.Events.Headers; f != nil {
		f(h, r)
	}
}

// compressor is implemented by gzip and zlib writers.
type compressor interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// Compressors need much memory: they are pooled, and compressing limits how many run at once.
var (
	compressing = make(chan struct{}, runtime.GOMAXPROCS(0))
	gzips       = sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
		return w
	}}
	zlibs = sync.Pool{New: func() any {
		w, _ := zlib.NewWriterLevel(nil, zlib.BestSpeed)
		return w
	}}
)

// compress returns the body of the response to a GET, compressed if allowed and large enough.
func (e *Server) compress(w http.ResponseWriter, r *http.Request, batch []entry, body []byte) []byte {
	if e.cfg.NoCompression || len(body) < e.cfg.CompressionThreshold || encoded(w) ||
		!slices.ContainsFunc(batch, func(e entry) bool { return !e.plain }) {
		return body
	}
	pool := &gzips
	encoding := accept.Encoding(strings.Join(r.Header.Values("Accept-Encoding"), ","))
	switch encoding {
	case accept.Identity:
		return body
	case accept.Deflate:
		pool = &zlibs
	}
	compressing <- struct{}{}
	defer func() { <-compressing }()
	c := pool.Get().(compressor)
	defer pool.Put(c)
	var out bytes.Buffer
	c.Reset(&out)
	// A bytes.Buffer does not fail.
	_, _ = c.Write(body)
	_ = c.Close()
	c.Reset(nil)
	w.Header().Set("Content-Encoding", encoding)
	return out.Bytes()
}

// encoded tells whether middleware chooses the encoding of a response, or may do so out of sight.
func encoded(w http.ResponseWriter) bool {
	h := w.Header()
	_, visible := innermost(w).(http.Flusher)
	return !visible || h.Get("Content-Encoding") != "" || headerHas(h["Vary"], "Accept-Encoding")
}

// jsonpCallback returns the digits of the parameter j, and whether there is one.
//
// It marks JSONP, long-polling for pages that can only load scripts (protocol v3, "JSONP"): the
// response is a script that passes the payload to a function of the page; a form sends the POST.
func jsonpCallback(r *http.Request) (digits string, ok bool) {
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if k, v, _ := strings.Cut(pair, "="); unescape(k) == "j" {
			digits, ok = unescape(v), true
		}
	}
	if !ok {
		return "", false
	}
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, digits), true
}

// wrapJSONP returns the script for a payload. It escapes U+2028 and U+2029, which end lines.
func wrapJSONP(callback string, payload []byte) []byte {
	var b bytes.Buffer
	b.WriteString("___eio[" + callback + "](")
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(string(payload)) // strings encode, buffers do not fail
	b.Truncate(b.Len() - 1)       // the encoder ends with a newline
	b.WriteString(");")
	return b.Bytes()
}

// unwrapJSONP returns the payload of a form, its field d. ok is false unless there is exactly one.
//
// Forms turn newlines into CRLF, so clients escape them: \n is a newline and \\n is \n.
func unwrapJSONP(form []byte) (payload []byte, ok bool) {
	n := 0
	for pair := range bytes.SplitSeq(form, []byte("&")) {
		if k, v, _ := bytes.Cut(pair, []byte("=")); unescape(string(k)) == "d" {
			payload = []byte(newlines.Replace(unescape(string(v))))
			n++
		}
	}
	return payload, n == 1
}

// newlines tries its pairs in this order at each position.
var newlines = strings.NewReplacer(`\\n`, `\n`, `\n`, "\n")

// validText replaces what is not UTF-8 by U+FFFD, as JavaScript decodes bytes.
//
// Each maximal part of a character becomes one U+FFFD. A WebSocket may not carry text that is not
// UTF-8 (RFC 6455 section 8.1).
func validText(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	valid := make([]byte, 0, len(text)+len(text)/2)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			size = brokenLen(text)
		}
		valid = utf8.AppendRune(valid, r)
		text = text[size:]
	}
	return valid
}

// brokenLen returns how many bytes of the broken character at the start of b one U+FFFD replaces.
//
// They are the longest start of a character (the Unicode Standard, "U+FFFD Substitution of Maximal
// Subparts").
func brokenLen(b []byte) int {
	more, low, high := 0, byte(0x80), byte(0xbf) // bytes behind the first; the range of the next one
	switch c := b[0]; {
	case c == 0xe0:
		more, low = 2, 0xa0
	case c == 0xed:
		more, high = 2, 0x9f
	case c == 0xf0:
		more, low = 3, 0x90
	case c == 0xf4:
		more, high = 3, 0x8f
	case c >= 0xc2 && c <= 0xdf:
		more = 1
	case c > 0xe0 && c <= 0xef:
		more = 2
	case c > 0xf0 && c < 0xf4:
		more = 3
	}
	n := 1
	for n <= more && n < len(b) && low <= b[n] && b[n] <= high {
		n++
		low, high = 0x80, 0xbf
	}
	return n
}

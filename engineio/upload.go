package engineio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/bufpool"
)

// upload is a POST in progress.
type upload struct {
	w  http.ResponseWriter
	r  *http.Request
	rc *http.ResponseController

	// The handler's goroutine owns these.
	delayed bool          // by back-pressure
	begun   bool          // the answer has begun
	idleDue time.Duration // when stayAlive is due, a time of Server.now; set by the first delay

	mu   sync.Mutex // held while a deadline is set, and never together with Session.mu
	read bool       // the body has been read
	over bool       // its read was made to fail
}

// abort makes the read of the body fail.
func (u *upload) abort() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	if !u.read { // otherwise the connection may be serving another request
		_ = u.rc.SetReadDeadline(time.Unix(1, 0))
	}
}

// extend restarts the time in which the body has to arrive: the server kept its client waiting.
func (u *upload) extend(timeout time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.read && !u.over {
		_ = u.rc.SetReadDeadline(time.Now().Add(timeout))
	}
}

// bodyRead marks the body as read.
func (u *upload) bodyRead() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.read = true
	_ = u.rc.SetReadDeadline(time.Time{})
}

// serveUpload handles the packets of a POST (protocol v4, "HTTP long-polling").
func (e *Server) serveUpload(w http.ResponseWriter, r *http.Request, s *Session) {
	u := &upload{w: w, r: r, rc: http.NewResponseController(w)}
	// Set it before another goroutine can abort the upload, which sets a deadline too.
	_ = u.rc.SetReadDeadline(time.Now().Add(e.cfg.ReadTimeout)) // not every ResponseWriter can
	if !e.lockPolling(w, r, s) {
		return
	}
	refusal := ""
	switch {
	case s.upload != nil:
		refusal = "data request overlap from client"
	case s.protocol != 3 && r.Header.Get("Content-Type") == binaryBody:
		refusal = "invalid content" // binary bodies belong to protocol 3
	}
	if refusal != "" {
		s.closeLocked(ReasonTransportError, &TransportError{Message: refusal})
		s.mu.Unlock()
		respond(w, http.StatusBadRequest, nil)
		return
	}
	s.upload = u
	if s.posts != polled {
		s.posts = min(s.posts+1, 2)
	}
	s.mu.Unlock()

	err := s.readUpload(r, u)
	isTooLarge := errors.Is(err, ErrPayloadTooLarge)
	s.answerTooLarge(err)
	reason := ReasonTransportError
	switch {
	case isTooLarge:
		err = &TransportError{Message: "payload too large", Err: err}
	case errors.Is(err, errPeerClosed):
		reason = ReasonTransportClose
	case errors.Is(err, wire.ErrPacket):
		reason = ReasonParseError
	}
	s.mu.Lock()
	if s.upload == u {
		s.upload = nil
	}
	timedOut := s.state != stateClosed && errors.Is(err, os.ErrDeadlineExceeded)
	if err != nil {
		s.closeLocked(reason, err)
	}
	s.mu.Unlock()
	switch {
	case isTooLarge:
		endConnection(w.Header(), r) // the rest of the body is not read
		respond(w, http.StatusRequestEntityTooLarge, nil)
		return
	case timedOut:
		endConnection(w.Header(), r)
		respond(w, http.StatusRequestTimeout, nil)
		return
	case err != nil && reason != ReasonTransportClose:
		panic(http.ErrAbortHandler) // ends the connection, as the official server does
	case u.delayed:
		// The server delayed the answer: the WriteTimeout of the http.Server may have passed.
		_ = u.rc.SetWriteDeadline(time.Time{})
	}
	if u.begun {
		_, _ = io.WriteString(w, "ok") // best effort, as in respond
		return
	}
	e.uploadHeaders(w.Header(), r)
	respond(w, http.StatusOK, []byte("ok"))
}

// uploadHeaders sets the headers of the answer to a POST.
func (e *Server) uploadHeaders(h http.Header, r *http.Request) {
	h.Set("Content-Type", "text/html")
	e.pollHeaders(h, r)
}

// stayAlive sends a space of the answer, because proxies cut a request that is idle.
//
// Clients ignore the text of the answer.
func (u *upload) stayAlive(e *Server) error {
	f, direct := u.w.(flusher)
	if !direct || !u.read { // writing would end the body; a wrapped writer may panic in Flush
		return nil
	}
	if !u.begun {
		u.begun = true
		e.uploadHeaders(u.w.Header(), u.r)
	}
	_ = u.rc.SetWriteDeadline(time.Now().Add(e.cfg.WriteTimeout)) // not every ResponseWriter can
	_, err := io.WriteString(u.w, " ")
	if err == nil {
		err = f.FlushError()
	}
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return &TransportError{Message: "write error", Err: err}
	}
	return nil
}

// readUpload reads the body and handles its packets.
func (s *Session) readUpload(r *http.Request, u *upload) error {
	_, jsonp := jsonpCallback(r)
	var size int
	var err error
	if s.protocol != 3 && !jsonp && !s.Trusted() {
		size, err = s.receiveParts(r, u)
	} else {
		size, err = s.receiveBody(r, u, jsonp)
	}
	if err == nil && s.countBytes(size) {
		err = s.awaitResume(r.Context()) // the client sends no more before the answer
	}
	return err
}

// receiveBody reads a body and then handles its packets. It returns the size.
func (s *Session) receiveBody(r *http.Request, u *upload, jsonp bool) (size int, err error) {
	limit := s.maxPayload()
	if r.ContentLength > int64(limit) {
		return 0, s.nameLimit(tooLarge(uint64(r.ContentLength), limit), limit)
	}
	scratch := bufpool.Get(bufpool.Small)
	defer bufpool.Put(scratch)
	buf := bytes.NewBuffer((*scratch)[:0]) // it grows with what arrives
	n, err := buf.ReadFrom(io.LimitReader(r.Body, int64(limit)+1))
	switch {
	case err != nil:
		return 0, uploadFailed(err)
	case n > int64(limit):
		return 0, s.nameLimit(tooLarge(uint64(n), limit), limit)
	}
	u.bodyRead()
	body := buf.Bytes()
	if jsonp {
		var ok bool
		if body, ok = unwrapJSONP(body); !ok {
			return int(n), nil
		}
	}
	return int(n), s.receiveAll(r.Context(), body, r.Header.Get("Content-Type") == binaryBody)
}

// uploadFailed returns the cause of a session's end whose body could not be read.
func uploadFailed(err error) error {
	message := "data request connection closed prematurely"
	if errors.Is(err, os.ErrDeadlineExceeded) {
		message = "http request timeout"
	}
	return &TransportError{Message: message, Err: err}
}

// partBytes is how much of a body receiveParts reads at once.
const partBytes = 4 << 10

// receiveParts handles the packets of a body as they arrive, and so holds one of them at a time. It
// returns the size of the body.
//
// It serves untrusted clients: each packet may have MaxUntrustedPayload bytes, and all of them
// MaxPayload.
func (s *Session) receiveParts(r *http.Request, u *upload) (total int, err error) {
	most := s.server.cfg.MaxPayload
	if r.ContentLength > int64(most) {
		return 0, tooLarge(uint64(r.ContentLength), most)
	}
	var buf []byte // what has arrived of a packet
	batch := false
	for {
		from := len(buf) // no packet ends before
		if from == cap(buf) {
			buf = slices.Grow(buf, max(512, min(from, partBytes)))
		}
		n, err := r.Body.Read(buf[from:min(cap(buf), from+partBytes)])
		if total += n; total > most {
			return total, tooLarge(uint64(total), most)
		}
		buf = buf[:from+n]
		isLast := errors.Is(err, io.EOF)
		if isLast {
			u.bodyRead()
		}
		for {
			end := bytes.IndexByte(buf[from:], wire.Separator)
			more := end >= 0
			if end += from; !more {
				end = len(buf)
			}
			if limit := s.maxPayload(); end > limit {
				return total, &headed{s.nameLimit(tooLarge(uint64(end), limit), limit), buf[:min(end, maxHead)]}
			}
			if !more && !isLast {
				break
			}
			paused := false
			p, err := wire.DecodeText(validText(buf[:end]))
			if err == nil {
				paused, err = s.receiveInBatch(p, more, &batch)
			}
			buf, from = buf[min(end+1, len(buf)):], 0
			if paused && err == nil {
				buf = slices.Clone(buf) // the packet need not stay in memory
				err = s.awaitResume(r.Context())
				u.extend(s.server.cfg.ReadTimeout)
			}
			if err != nil || !more {
				return total, err
			}
		}
		if err != nil {
			return total, uploadFailed(err)
		}
	}
}

// receiveInBatch handles a packet of a payload; more means that others follow.
//
// It reports whether reading is paused, which ends the batch.
func (s *Session) receiveInBatch(p wire.Packet, more bool, batch *bool) (paused bool, err error) {
	if more && !*batch {
		*batch = true
		s.batch(true)
	}
	if err = s.receive(p); err != nil {
		return false, err
	}
	paused = s.flags.Load()&flagPaused != 0
	if *batch && (paused || !more) {
		*batch = false
		s.batch(false)
	}
	return paused, nil
}

// batch tells the handler where the packets of a POST begin and end.
func (s *Session) batch(begins bool) {
	if s.handler != nil {
		s.handler.Batch(begins)
	}
}

// awaitResume waits while reading is paused. It returns an error if the request ends first.
func (s *Session) awaitResume(request context.Context) error {
	resume := s.paused()
	if resume == nil {
		return nil
	}
	s.mu.Lock()
	u := s.upload // nil when the session has ended, and resume is closed
	s.mu.Unlock()
	if u == nil {
		return nil
	}
	e := s.server
	if !u.delayed {
		u.delayed, u.idleDue = true, e.now()+e.cfg.PingInterval
	}
	for {
		idle := time.NewTimer(u.idleDue - e.now())
		select {
		case <-resume:
			idle.Stop()
			return nil
		case <-request.Done():
			idle.Stop()
			return uploadFailed(request.Err())
		case <-idle.C:
			u.idleDue = e.now() + e.cfg.PingInterval
			if err := u.stayAlive(e); err != nil {
				return err
			}
		}
	}
}

// receiveAll handles the packets of a payload, up to the first error.
//
// While reading is paused it waits, before the next packet and the answer to the POST.
func (s *Session) receiveAll(request context.Context, payload []byte, binary bool) (err error) {
	if s.protocol != 3 || !binary {
		payload = validText(payload)
	}
	batch := false
	for more := true; more; {
		var p wire.Packet
		skip := false
		switch {
		case s.protocol != 3:
			p, payload, more, err = wire.NextPacket(payload)
		case binary:
			p, payload, err = wire.NextPacketBinary3(payload)
			more = len(payload) > 0
			if err == nil && !p.Binary && !utf8.Valid(p.Data) {
				err = fmt.Errorf("%w: text that is not UTF-8", wire.ErrPacket)
			}
		default:
			p, skip, payload, err = wire.NextPacketText3(payload)
			more = len(payload) > 0
		}
		paused := false
		if err == nil && !skip {
			paused, err = s.receiveInBatch(p, more, &batch)
		}
		if paused {
			err = s.awaitResume(request)
		}
		if err != nil {
			return err
		}
	}
	if batch { // the last packet was skipped
		s.batch(false)
	}
	return nil
}

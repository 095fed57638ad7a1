package engineio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/bufpool"
)

// upload is a POST in progress.
type upload struct {
	rc *http.ResponseController

	delayed bool // by back-pressure; the handler's goroutine owns it

	mu   sync.Mutex // held while a deadline is set, and never together with Session.mu
	read bool       // the body has been read
}

// abort makes the read of the body fail.
func (u *upload) abort() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.read { // otherwise the connection may be serving another request
		_ = u.rc.SetReadDeadline(time.Unix(1, 0))
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
	u := &upload{rc: http.NewResponseController(w)}
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

	limit := s.maxPayload()
	err := e.readUpload(r, s, u, limit)
	isTooLarge := errors.Is(err, ErrPayloadTooLarge)
	reason := ReasonTransportError
	switch {
	case isTooLarge:
		s.nameLimit(err, limit)
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
	if err != nil {
		s.closeLocked(reason, err)
	}
	s.mu.Unlock()
	switch {
	case isTooLarge:
		endConnection(w.Header(), r) // the rest of the body is not read
		respond(w, http.StatusRequestEntityTooLarge, nil)
		return
	case err != nil && reason != ReasonTransportClose:
		panic(http.ErrAbortHandler) // ends the connection, as the official server does
	case u.delayed:
		// The server delayed the answer: the WriteTimeout of the http.Server may have passed.
		_ = u.rc.SetWriteDeadline(time.Time{})
	}
	h := w.Header()
	h.Set("Content-Type", "text/html")
	e.pollHeaders(h, r)
	respond(w, http.StatusOK, []byte("ok"))
}

// readUpload reads the body and handles its packets.
func (e *Server) readUpload(r *http.Request, s *Session, u *upload, limit int) error {
	if r.ContentLength > int64(limit) {
		return tooLarge(uint64(r.ContentLength), limit)
	}
	scratch := bufpool.Get(bufpool.Small)
	defer bufpool.Put(scratch)
	body, err := readBody(r.Body, (*scratch)[:0], limit)
	switch {
	case errors.Is(err, ErrPayloadTooLarge):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &TransportError{Message: "data request timed out", Err: err}
	case err != nil:
		return &TransportError{Message: "data request connection closed prematurely", Err: err}
	}
	u.bodyRead()
	if _, jsonp := jsonpCallback(r); jsonp {
		var ok bool
		if body, ok = unwrapJSONP(body); !ok {
			return nil
		}
	}
	return s.receiveAll(r.Context(), body, r.Header.Get("Content-Type") == binaryBody)
}

// awaitResume waits while reading is paused. It returns an error if the request ends first.
func (s *Session) awaitResume(request context.Context) error {
	resume := s.paused()
	if resume == nil {
		return nil
	}
	select {
	case <-resume:
		s.mu.Lock()
		if s.upload != nil {
			s.upload.delayed = true
		}
		s.mu.Unlock()
		return nil
	case <-request.Done():
		return &TransportError{Message: "data request connection closed prematurely", Err: request.Err()}
	}
}

// receiveAll handles the packets of a payload, up to the first error.
//
// While reading is paused it waits, before the next packet and the answer to the POST.
func (s *Session) receiveAll(request context.Context, payload []byte, binary bool) (err error) {
	if s.protocol != 3 || !binary {
		payload = validText(payload)
	}
	ev, batch := &s.server.cfg.Events, false
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
		if more && !batch {
			batch = true
			ev.batch(s, true)
		}
		if err == nil && !skip {
			err = s.receive(p)
		}
		if err == nil && s.flags.Load()&flagPaused != 0 {
			if batch {
				batch = false
				ev.batch(s, false)
			}
			err = s.awaitResume(request)
		}
		if err != nil {
			return err
		}
	}
	if batch {
		ev.batch(s, false)
	}
	return nil
}

// readBody appends a body of at most limit bytes to buf, which grows with what arrives.
func readBody(r io.Reader, buf []byte, limit int) ([]byte, error) {
	b := bytes.NewBuffer(buf)
	n, err := b.ReadFrom(io.LimitReader(r, int64(limit)+1))
	if err == nil && n > int64(limit) {
		err = tooLarge(uint64(n), limit)
	}
	return b.Bytes(), err
}

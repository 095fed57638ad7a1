package engineio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/bufpool"
)

func itoa(n int) string { return strconv.Itoa(n) }

// upload is a POST whose body is being read, or whose packets are being handled.
type upload struct {
	rc *http.ResponseController

	delayed bool // by back-pressure; the handler's own

	mu   sync.Mutex // held while a deadline is set, and never together with a session's
	read bool       // the body
}

// abort ends the reading of the body.
func (u *upload) abort() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.read { // otherwise its connection may be serving another request by now
		_ = u.rc.SetReadDeadline(time.Unix(1, 0))
	}
}

// done says that the body has been read.
func (u *upload) done() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.read = true
	_ = u.rc.SetReadDeadline(time.Time{})
}

// serveUpload takes the packets of a POST (protocol v4, "HTTP long-polling").
func (e *Server) serveUpload(w http.ResponseWriter, r *http.Request, s *Session) {
	u := &upload{rc: http.NewResponseController(w)}
	// Before anybody can abort the upload, for that sets a deadline too.
	_ = u.rc.SetReadDeadline(time.Now().Add(e.cfg.ReadTimeout)) // not every ResponseWriter can
	if !e.lockPolling(w, r, s) {
		return
	}
	switch {
	case s.upload != nil:
		s.closeLocked(ReasonTransportError, &TransportError{Message: "data request overlap from client"})
		s.mu.Unlock()
		respond(w, http.StatusBadRequest, nil)
		return
	case s.protocol != 3 && r.Header.Get("Content-Type") == binaryBody:
		// Binary bodies belong to protocol 3.
		s.closeLocked(ReasonTransportError, &TransportError{Message: "invalid content"})
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
	s.mu.Lock()
	if s.upload == u {
		s.upload = nil
	}
	switch {
	case err == nil:
		s.mu.Unlock()
	case errors.Is(err, ErrPayloadTooLarge):
		s.nameLimit(err, limit)
		s.closeLocked(ReasonTransportError, &TransportError{Message: "payload too large", Err: err})
		s.mu.Unlock()
		endConnection(w.Header(), r) // the rest of the body is not worth reading
		respond(w, http.StatusRequestEntityTooLarge, nil)
		return
	case errors.Is(err, errPeerClosed):
		s.closeLocked(ReasonTransportClose, err)
		s.mu.Unlock()
	case errors.Is(err, wire.ErrPacket):
		s.closeLocked(ReasonParseError, err)
		s.mu.Unlock()
		panic(http.ErrAbortHandler) // ends the connection, as the official server does
	default:
		s.closeLocked(ReasonTransportError, err)
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	if u.delayed {
		// The WriteTimeout of the http.Server may have passed: the answer is late because of us.
		_ = u.rc.SetWriteDeadline(time.Time{})
	}
	h := w.Header()
	h.Set("Content-Type", "text/html")
	e.pollHeaders(h, r)
	respond(w, http.StatusOK, []byte("ok"))
}

// readUpload reads the body and acts on its packets.
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
	u.done()
	if _, jsonp := jsonpCallback(r); jsonp {
		var ok bool
		if body, ok = unwrapJSONP(body); !ok {
			return nil
		}
	}
	return s.receiveAll(r.Context(), body, r.Header.Get("Content-Type") == binaryBody)
}

// awaitResume returns when the session may be read from. It returns an error when the request has ended before that.
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

// receiveAll acts on the packets of a payload, up to the first error. While reading is paused the packets that are left, and the
// answer to the POST, wait.
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

// readBody appends a body of at most limit bytes to buf, growing with what really arrives.
func readBody(r io.Reader, buf []byte, limit int) ([]byte, error) {
	b := bytes.NewBuffer(buf)
	n, err := b.ReadFrom(io.LimitReader(r, int64(limit)+1))
	if err == nil && n > int64(limit) {
		err = tooLarge(uint64(n), limit)
	}
	return b.Bytes(), err
}

package engineio

import (
	"errors"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/gosocketio/socketio/engineio/wire"
)

type pollKind uint8

const (
	pollData pollKind = iota
	pollNoop
	pollClose
)

// What a poll is answered with when there are no messages for it.
var (
	noopFrame      = wire.AppendText(nil, wire.Noop, nil)
	closeFrameText = wire.AppendText(nil, wire.Close, nil)
)

// parkedPoll is a GET that waits for something to send. Session.mu guards it.
type parkedPoll struct {
	wake     chan struct{}
	answered bool
	kind     pollKind
	batch    []entry // what it was let go for, when the session ended before it came to take it
}

// answer lets the GET go.
func (p *parkedPoll) answer(k pollKind) {
	p.answered, p.kind = true, k
	close(p.wake)
}

// wakePoll lets a parked GET take what is queued. The caller holds the lock.
func (s *Session) wakePoll() {
	if s.poll != nil && !s.poll.answered {
		s.poll.answer(pollData)
	}
}

// lockPolling locks a session for a polling request. The session may have ended or moved since the request was verified: then
// the request is refused and nothing is locked.
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

// servePoll answers a GET with what is queued, or parks it (protocol v4, "HTTP long-polling").
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
	case s.state == stateClosing:
		s.closeLocked(ReasonForcedClose, nil)
		s.mu.Unlock()
		_ = e.answerPoll(w, r, s, append(noopFrame[:len(noopFrame):len(noopFrame)], closeFrameText...)) // the session is over
		return
	}
	p := &parkedPoll{wake: make(chan struct{})}
	s.poll = p
	s.mu.Unlock()
	// A ReadTimeout of the http.Server would otherwise end the wait.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})

	select {
	case <-p.wake:
	case <-r.Context().Done():
		s.mu.Lock()
		if !p.answered {
			s.poll = nil
			s.closeLocked(ReasonTransportError, &TransportError{Message: "poll connection closed prematurely"})
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
	}
	e.releasePoll(w, r, s, p)
}

// releasePoll writes the answer to a GET that was parked.
func (e *Server) releasePoll(w http.ResponseWriter, r *http.Request, s *Session, p *parkedPoll) {
	s.mu.Lock()
	if s.poll == p {
		s.poll = nil
	}
	kind := p.kind
	batch := p.batch
	switch {
	case kind != pollData || batch != nil:
	case s.transport != Polling || s.state == stateClosed:
		kind = pollClose // the data goes by the new transport, or nowhere
	default:
		batch = s.out.take(nil, math.MaxInt)
	}
	s.mu.Unlock()
	switch kind {
	case pollData:
		e.deliver(w, r, s, batch)
	case pollNoop:
		_ = e.answerPoll(w, r, s, noopFrame) // nothing is lost with it
	case pollClose:
		_ = e.answerPoll(w, r, s, closeFrameText) // the session is over
	}
}

// deliver answers a GET with the packets of a batch.
func (e *Server) deliver(w http.ResponseWriter, r *http.Request, s *Session, batch []entry) {
	e.cfg.Events.flush(s)
	bytes := 0
	for _, b := range batch {
		bytes += len(b.frames)
	}
	body := s.newPollBody(r, batch)
	err := e.sendPoll(w, r, body.contentType, e.compress(w, r, batch, body.bytes))
	body.release()
	s.mu.Lock()
	s.out.wrote(units(batch), bytes)
	if err != nil {
		s.closeLocked(ReasonTransportError, &TransportError{Message: "write error", Err: err})
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	for _, b := range batch {
		if b.done != nil {
			b.done()
		}
	}
	e.cfg.Events.drain(s)
}

// answerPoll answers a GET with packets that do not come from the outbox.
func (e *Server) answerPoll(w http.ResponseWriter, r *http.Request, s *Session, frames []byte) error {
	body := s.newPollBody(r, []entry{{frames: frames}})
	defer body.release()
	return e.sendPoll(w, r, body.contentType, body.bytes)
}

// flusher is what the writers of net/http are, and few that middleware wraps around them.
type flusher interface{ FlushError() error }

// sendPoll writes the response to a GET, in pieces that take at most WriteTimeout each.
//
// The response is complete when the handler returns. It is flushed only by a flusher, so that an error ends the session: a
// writer that middleware has wrapped may panic in Flush.
func (e *Server) sendPoll(w http.ResponseWriter, r *http.Request, contentType string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", contentType)
	if e.origins.IsHidden(r) {
		h.Set("Cross-Origin-Resource-Policy", "same-origin") // browsers keep it from pages of other origins
	}
	e.pollHeaders(h, r)
	rc := http.NewResponseController(w)
	h.Set("Content-Length", itoa(len(body)))
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
	// The connection goes on to serve other requests, perhaps of other handlers: unless much of the response may still wait,
	// in a middleware that compresses, and needs the deadline.
	if !rest {
		_ = rc.SetWriteDeadline(time.Time{})
	}
	return err
}

// pollHeaders sets the headers of each successful polling response.
func (e *Server) pollHeaders(h http.Header, r *http.Request) {
	h.Set("Cache-Control", "no-store")
	// IE 8 to 11 would otherwise take the payload for an attack.
	if ua := r.UserAgent(); strings.Contains(ua, ";MSIE") || strings.Contains(ua, "Trident/") {
		h.Set("X-XSS-Protection", "0")
	}
	if f := e.cfg.Events.Headers; f != nil {
		f(h, r)
	}
}

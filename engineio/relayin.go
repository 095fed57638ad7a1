package engineio

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/gosocketio/socketio/internal/refusal"
)

// inMux is a mux from another server, with the requests that it relays.
type inMux struct {
	*mux
	e *Server
	// mux.mu guards requests.
	requests map[uint32]*relayedRequest
}

// proof is what a server sends to show that it knows the secret, first on a mux.
func (e *Server) proof(nonce string) []byte { return e.sign("socketio relay mux 1", nonce) }

// acceptMux serves a mux to another server, whose signature has been verified. The nonce keeps out
// an attacker who has seen that signature.
func (e *Server) acceptMux(w http.ResponseWriter, r *http.Request) {
	if !e.nodes.begin() {
		e.refuse(w, r, shuttingDown())
		return
	}
	conn, rw, err := takeConn(w)
	if err != nil {
		e.nodes.work.Done()
		e.refuseHijack(w, r, err)
		return
	}
	go func() {
		defer e.nodes.work.Done()
		defer conn.Close()
		var raw [16]byte
		_, _ = rand.Read(raw[:]) // never fails
		nonce := base64.RawURLEncoding.EncodeToString(raw[:])
		proof := make([]byte, len(e.proof(nonce)))
		err := conn.SetDeadline(time.Now().Add(dialTimeout)) // replaces those of the http.Server
		if err == nil {
			const answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n%s: %s\r\n\r\n"
			_, err = fmt.Fprintf(conn, answer, muxProtocol, relayHeader, nonce)
		}
		if err == nil {
			_, err = io.ReadFull(rw.Reader, proof)
		}
		if err == nil && !hmac.Equal(proof, e.proof(nonce)) {
			err = errStampSign
		}
		if err == nil {
			err = conn.SetDeadline(time.Time{})
		}
		if err != nil {
			why := refusal.Refusal{Rule: "connection broke", Value: err}
			if errors.Is(err, errStampSign) {
				why = badSignature(err)
			}
			e.log.Write(context.Background(), requestRefused, refusal.Peer{Addr: r.RemoteAddr}, &why, err)
			return
		}
		e.runIn(&inMux{mux: e.nodes.newMux(conn, rw.Reader), e: e, requests: make(map[uint32]*relayedRequest)})
	}()
}

// runIn reads a mux until it ends.
func (e *Server) runIn(i *inMux) {
	g := e.nodes
	g.mu.Lock()
	if g.closed {
		i.fail(errNodesClosed)
	}
	g.in[i] = struct{}{}
	g.mu.Unlock()
	i.read(3*i.every, i.receive)
	g.mu.Lock()
	delete(g.in, i)
	g.mu.Unlock()
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, q := range i.requests {
		q.endLocked()
	}
}

// stop ends the mux after the last answer.
func (i *inMux) stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stops = true
	if len(i.requests) == 0 {
		i.endLocked()
	}
}

// receive handles a frame.
func (i *inMux) receive(kind byte, id uint32, payload []byte) error {
	switch kind {
	case frameRequest:
		return i.request(id, payload)
	case frameRelease:
		i.release(id)
		return nil
	case frameDrain:
		i.e.drainSession(string(payload))
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	q := i.requests[id]
	switch kind {
	case framePing:
		i.controlLocked(framePing, 0)
	case frameCancel:
		if q != nil {
			q.endLocked()
		}
	case frameCredit:
		n, size := binary.Uvarint(payload)
		if size <= 0 || n > answerWindow+answerPiece {
			return errFrame
		}
		if q != nil {
			q.sent = max(0, q.sent-int(n))
			q.wake()
		}
	default:
		return errFrame
	}
	return nil
}

// release answers a GET that is parked, because the relaying server stops.
func (i *inMux) release(id uint32) {
	i.mu.Lock()
	q := i.requests[id]
	i.mu.Unlock()
	if q == nil {
		return
	}
	if s := i.e.sessions.get(q.sid); s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.wakePollLocked(noopFrame)
	}
}

// request starts to serve a request.
func (i *inMux) request(id uint32, payload []byte) error {
	r, cancel, err := decodeRequest(payload)
	if err != nil {
		return err
	}
	q := &relayedRequest{
		mux: i, id: id, sid: parseQuery(r.URL.RawQuery).sid, cancel: cancel, header: make(http.Header),
		more: make(chan struct{}, 1),
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.requests[id] != nil:
		cancel()
		return fmt.Errorf("%w: request %d twice", errFrame, id)
	case q.sid == "" || len(i.requests) >= i.e.cfg.Relay.MaxRequests || i.stops:
		cancel()
		q.sendLocked(answerAbort, nil)
		return nil
	}
	i.requests[id] = q
	i.e.nodes.work.Add(1) // this goroutine is counted too
	go q.serve(r)
	return nil
}

// relayedRequest is a request of another server, and the ResponseWriter for its answer.
type relayedRequest struct {
	mux    *inMux
	id     uint32
	sid    string
	cancel context.CancelFunc

	// The handler's goroutine owns these.
	header   http.Header
	status   int
	buf      []byte
	headSent bool
	tooLarge int       // bytes of headers that no frame holds; otherwise 0
	deadline time.Time // of writes; zero: none

	// mux.mu guards these.
	sent int           // bytes on their way to the client
	gone bool          // nobody waits for the answer
	more chan struct{} // has a token when sent is less, or gone
}

// serve serves the request like one of a client.
func (q *relayedRequest) serve(r *http.Request) {
	i := q.mux
	defer i.e.nodes.work.Done()
	defer q.cancel()
	flags := byte(answerEnd)
	func() {
		defer func() {
			if p := recover(); p != nil {
				flags = answerAbort
				if p != http.ErrAbortHandler { //nolint:errorlint // as in net/http
					i.e.cfg.Logger.Error("engineio: panic in a relayed request",
						slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
				}
			}
		}()
		i.e.serveHere(q, r)
		if q.flushPieces() != nil {
			flags = answerAbort
		}
	}()
	i.mu.Lock()
	delete(i.requests, q.id)
	if !q.gone {
		q.headIfUnsent()
		q.sendLocked(flags, q.buf)
	}
	if i.stops && len(i.requests) == 0 {
		i.endLocked()
	}
	i.mu.Unlock()
	if q.tooLarge > 0 {
		i.e.logRequest(r, &refusal.Refusal{
			Rule: "headers of a relayed answer", Value: q.tooLarge, Limit: maxFrameHeaders,
			Remedy: "a middleware sets {value} bytes of headers, which are not relayed",
		}, nil)
	}
}

// Header implements http.ResponseWriter.
func (q *relayedRequest) Header() http.Header { return q.header }

// WriteHeader implements http.ResponseWriter. It panics as that of net/http does.
func (q *relayedRequest) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %d", status))
	}
	if q.status == 0 && status >= http.StatusOK {
		q.status = status
	}
}

// Write implements http.ResponseWriter.
func (q *relayedRequest) Write(b []byte) (int, error) {
	q.headIfUnsent()
	q.buf = append(q.buf, b...)
	if len(q.buf) < answerPiece {
		return len(b), nil
	}
	return len(b), q.flushPieces()
}

// headIfUnsent sets the status of an answer that has none.
func (q *relayedRequest) headIfUnsent() {
	if q.status == 0 {
		q.status = http.StatusOK
	}
}

// FlushError serves http.ResponseController.
func (q *relayedRequest) FlushError() error {
	q.headIfUnsent()
	if err := q.flushPieces(); err != nil {
		return err
	}
	return q.sendPiece(q.take(len(q.buf)))
}

// Flush implements http.Flusher.
func (q *relayedRequest) Flush() { _ = q.FlushError() }

// SetReadDeadline serves http.ResponseController. The body has arrived.
func (q *relayedRequest) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline serves http.ResponseController.
func (q *relayedRequest) SetWriteDeadline(t time.Time) error {
	q.deadline = t
	return nil
}

// take removes bytes from the front of buf.
func (q *relayedRequest) take(n int) (piece []byte) {
	piece, q.buf = q.buf[:n], q.buf[n:]
	return piece
}

// flushPieces sends what fills whole pieces.
func (q *relayedRequest) flushPieces() error {
	for len(q.buf) >= answerPiece {
		if err := q.sendPiece(q.take(answerPiece)); err != nil {
			return err
		}
	}
	return nil
}

// sendPiece sends a piece of the answer, when the client has taken enough of those before.
func (q *relayedRequest) sendPiece(piece []byte) error {
	m := q.mux
	m.mu.Lock()
	defer m.mu.Unlock()
	var expired <-chan time.Time
	isFull := func() bool { return !q.gone && q.sent > 0 && q.sent+len(piece) > answerWindow }
	if !q.deadline.IsZero() && (isFull() || len(m.out) > maxQueued) {
		t := time.NewTimer(time.Until(q.deadline))
		defer t.Stop()
		expired = t.C
	}
	for isFull() {
		m.mu.Unlock()
		late := false
		select {
		case <-q.more:
		case <-expired:
			late = true
		}
		m.mu.Lock()
		if late {
			return os.ErrDeadlineExceeded
		}
	}
	if q.gone {
		return context.Canceled
	}
	if err := m.awaitRoomLocked(expired); err != nil {
		return err
	}
	q.sendLocked(0, piece)
	return nil
}

// sendLocked sends a frameAnswer. The caller must hold mux.mu.
func (q *relayedRequest) sendLocked(flags byte, piece []byte) {
	if !q.headSent && flags&answerAbort == 0 {
		flags |= answerHead
		if n := headerLen(q.header); n > maxFrameHeaders {
			flags, piece = answerAbort, nil
			q.tooLarge = n
		}
	}
	q.sent += len(piece)
	q.mux.queueLocked(func(dst []byte) []byte {
		from := len(dst)
		dst = append(beginFrame(dst, frameAnswer, q.id), flags)
		if flags&answerHead != 0 {
			dst = binary.AppendUvarint(dst, uint64(q.status))
			dst = appendHeaders(dst, q.header)
		}
		return endFrame(append(dst, piece...), from)
	})
	q.headSent = true
}

// endLocked ends a request that nobody waits for. The caller must hold mux.mu.
func (q *relayedRequest) endLocked() {
	q.gone = true
	q.wake()
	q.cancel()
}

// wake makes sendPiece look.
func (q *relayedRequest) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

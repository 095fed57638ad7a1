package socketio

import (
	"bytes"
	"sync"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// holdbackTime is how long what is sent to a socket may wait for its connection handlers.
const holdbackTime = 50 * time.Millisecond

// holdbackBytes limits what waits meanwhile.
const holdbackBytes = 64 << 10

// holdback buffers what is sent to a socket that is being connected, until its connection handlers
// have returned. So the CONNECT goes first, whoever else sends something before that. And a client
// that knows that it is connected, and tells others, finds done what the handlers do first, which
// is mostly to join rooms. In the official server nothing else can happen before they have
// returned.
//
// It is released earlier when a handler waits for its client, when more than holdbackBytes wait, or
// after holdbackTime: a handler may run for as long as it likes.
type holdback struct {
	socket *Socket

	mu        sync.Mutex
	timer     *time.Timer // nil until the CONNECT is there: there is no release before that
	queue     []engineio.Message
	bytes     int
	releasing bool // somebody writes the queue
	released  bool // nothing is held back any more
	after     []func()
}

// holdBack begins to buffer what is sent to the socket.
func (s *Socket) holdBack() { s.held.Store(&holdback{socket: s}) }

// greet puts first what a recovered client missed and then the CONNECT, and starts the clock.
func (s *Socket) greet(missed []engineio.Message, frames []byte) {
	h := s.held.Load()
	h.mu.Lock()
	h.timer = time.AfterFunc(holdbackTime, h.release)
	h.queue = append(append(missed, kept(engineio.Message{Frames: frames})), h.queue...)
	h.mu.Unlock()
	h.releaseFull()
}

// kept returns a message whose frames cannot change.
func kept(m engineio.Message) engineio.Message {
	if m.Prepared == nil {
		m.Prepared, m.Frames = engineio.Prepare(bytes.Clone(m.Frames)), nil
	}
	return m
}

// add buffers a message and returns true, or returns false when nothing is held back any more.
func (h *holdback) add(m engineio.Message) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released {
		return false
	}
	m = kept(m)
	h.queue = append(h.queue, m)
	h.bytes += m.Prepared.Len()
	return true
}

// releaseFull is release when more waits than may.
func (h *holdback) releaseFull() {
	h.mu.Lock()
	full := h.bytes > holdbackBytes
	h.mu.Unlock()
	if full {
		h.release()
	}
}

// release writes the queue in one piece, as the official server does: a poll is answered with all
// of it. What comes meanwhile is written by the same goroutine.
func (h *holdback) release() {
	h.mu.Lock()
	if h.releasing || h.timer == nil {
		h.mu.Unlock()
		return
	}
	h.releasing = true
	h.timer.Stop()
	for len(h.queue) > 0 {
		queue := h.queue
		h.queue, h.bytes = nil, 0
		h.mu.Unlock()
		// A session that has ended, or is ended by this, tells its sockets.
		_ = h.socket.client.link.Write(engineio.Now, queue...)
		h.mu.Lock()
	}
	h.released = true
	after := h.after
	h.mu.Unlock()
	h.socket.held.Store(nil)
	for _, f := range after {
		f()
	}
}

// release ends the holdback, if there is one, and sends what it has buffered.
func (s *Socket) release() {
	if h := s.held.Load(); h != nil {
		h.release()
	}
}

// then has f called once the queue is written. It returns false when it is already, or never will
// be.
func (h *holdback) then(f func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released || h.timer == nil {
		return false
	}
	h.after = append(h.after, f)
	return true
}

// unsent tells whether the CONNECT is still to be sent. A nil holdback has sent it.
func (h *holdback) unsent() bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.releasing
}

// closeBehind closes the connection once the sockets' holdbacks have been released. It does not
// wait.
func (c *client) closeBehind(sockets []*Socket) {
	for i, s := range sockets {
		s.release()
		if h := s.held.Load(); h != nil && h.then(func() { c.closeBehind(sockets[i+1:]) }) {
			return
		}
	}
	c.mu.Lock()
	cause := c.cause
	c.mu.Unlock()
	c.link.Close(c.server.ruleOfEnd(cause))
}

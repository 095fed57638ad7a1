package socketio

import (
	"bytes"
	"sync"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// holdFor is how long what is sent to a socket may wait for its connection handlers.
const holdFor = 50 * time.Millisecond

// holdBytes limits what waits meanwhile.
const holdBytes = 64 << 10

// hold keeps what is sent to a socket that is being connected. First of all that is its CONNECT, whoever else sends to it
// before that. And it waits until the connection handlers have returned: a client that knows that it is connected, and tells
// others, then finds done what they do first, which is mostly to join rooms. In the official server nothing else can happen
// before they have.
//
// It ends earlier when a handler waits for its client, when more than holdBytes wait, or after holdFor: a handler may run
// for as long as it likes.
type hold struct {
	socket *Socket

	mu     sync.Mutex
	timer  *time.Timer          // nil until first is there
	first  []*engineio.Prepared // what a recovered client missed, and the CONNECT; the hold cannot end before it is there
	queue  []heldWrite
	bytes  int
	ending bool // somebody is writing what waits
	over   bool // nothing waits any more
	after  []func()
}

type heldWrite struct {
	frames  *engineio.Prepared
	options engineio.WriteOptions
}

// hold begins to hold what is sent to the socket.
func (s *Socket) hold() { s.held.Store(&hold{socket: s}) }

// greet says what comes first, what a recovered client missed and then the CONNECT, and starts the clock.
func (s *Socket) greet(missed []*engineio.Prepared, frames []byte) {
	h := s.held.Load()
	h.mu.Lock()
	h.timer = time.AfterFunc(holdFor, h.end)
	h.first = append(missed, engineio.Prepare(bytes.Clone(frames)))
	h.mu.Unlock()
	if h.full() {
		h.end()
	}
}

// full tells whether as much waits as may.
func (h *hold) full() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.bytes > holdBytes
}

// release ends the hold, if there is one, and sends what it kept.
func (s *Socket) release() {
	if h := s.held.Load(); h != nil {
		h.end()
	}
}

// closeBehind closes the connection once the sockets' holds, which are ending, have sent what they kept. It does not wait.
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
	c.session.CloseFor(c.server.ruleOfEnd(cause))
}

// then has f called behind what is kept, and returns false when nothing is, or never will be sent.
func (h *hold) then(f func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over || h.first == nil {
		return false
	}
	h.after = append(h.after, f)
	return true
}

// unsent tells whether the CONNECT is still to be sent. A nil hold has sent it.
func (h *hold) unsent() bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.ending
}

// take keeps frames, which may change afterwards, and returns true, unless the hold is over.
func (h *hold) take(frames []byte, o engineio.WriteOptions) bool {
	return h.takePrepared(heldWrite{engineio.Prepare(bytes.Clone(frames)), o &^ engineio.Hold})
}

func (h *hold) takePrepared(w heldWrite) bool {
	kept := h.keep(w)
	if kept && h.full() {
		h.end()
	}
	return kept
}

// keep keeps what is to be written and returns true, unless the hold is over. It may have become full by that.
func (h *hold) keep(w heldWrite) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return false
	}
	h.queue = append(h.queue, w)
	h.bytes += w.frames.Len()
	return true
}

// end writes what waits, in order; what comes meanwhile is written by whoever is here already.
func (h *hold) end() {
	h.mu.Lock()
	if h.ending || h.first == nil {
		h.mu.Unlock()
		return
	}
	h.ending = true
	h.timer.Stop()
	first, queue := h.first, h.queue
	if len(first) == 1 {
		queue = append([]heldWrite{{first[0], 0}}, queue...)
	}
	for len(first) > 1 || len(queue) > 0 {
		h.queue, h.bytes = nil, 0
		h.mu.Unlock()
		if len(first) > 1 {
			// In one piece, as the official server does: a poll is answered with all of it.
			if h.socket.client.session.Enqueue(0, first...) == nil {
				h.socket.client.session.Flush(0, first...)
			}
			first = nil
		}
		for i, w := range queue {
			if i < len(queue)-1 {
				w.options |= engineio.Hold // more follows at once
			}
			// A session that has ended, or is ended by this, tells its sockets.
			_ = h.socket.client.session.WritePrepared(w.frames, w.options)
		}
		h.mu.Lock()
		queue = h.queue
	}
	h.over, h.first = true, nil
	after := h.after
	h.mu.Unlock()
	h.socket.held.Store(nil)
	for _, f := range after {
		f()
	}
}

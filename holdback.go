package socketio

import (
	"slices"
	"sync"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

const (
	// holdbackTime limits how long messages to a socket wait for its connection handlers.
	holdbackTime = 50 * time.Millisecond
	// holdbackBytes limits the size of these messages.
	holdbackBytes = 64 << 10
)

// holdback buffers the messages to a new socket until its connection handlers have returned.
//
// So CONNECT goes first, even if another goroutine sends a message before it. And once a client
// knows that it is connected, it is in the rooms that the handlers joined. The official server
// gives the same order, because it runs nothing else before the handlers have returned.
//
// A handler may take long. So the buffer is also released when a handler waits for its client, when
// it holds more than holdbackBytes, and after holdbackTime.
type holdback struct {
	socket *Socket

	mu        sync.Mutex
	timer     *time.Timer // nil until CONNECT is queued; release does nothing before that
	queue     []engineio.Message
	bytes     int
	releasing bool // a goroutine writes the queue
	released  bool // the queue is written, and nothing is buffered any more
	after     []func()
}

// holdBack begins to buffer the messages to the socket.
func (s *Socket) holdBack() { s.held.Store(&holdback{socket: s}) }

// queueConnect queues CONNECT ahead of all messages, but behind those that a recovered client
// missed, and starts the timer.
func (s *Socket) queueConnect(missed []engineio.Message, frames []byte) {
	h := s.held.Load()
	h.mu.Lock()
	h.timer = time.AfterFunc(holdbackTime, h.release)
	h.queue = append(append(missed, prepared(engineio.Message{Frames: frames})), h.queue...)
	h.mu.Unlock()
	h.releaseIfFull()
}

// prepared returns the message with frames that nobody changes.
func prepared(m engineio.Message) engineio.Message {
	if m.Prepared == nil {
		m.Prepared = engineio.Prepare(slices.Concat(m.Frames, m.Tail))
		m.Frames, m.Tail = nil, nil
	}
	return m
}

// add buffers a message. It returns false if the holdback was released.
func (h *holdback) add(m engineio.Message) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released {
		return false
	}
	m = prepared(m)
	h.queue = append(h.queue, m)
	h.bytes += m.Prepared.Len()
	return true
}

// releaseIfFull releases the holdback if it holds more than holdbackBytes.
func (h *holdback) releaseIfFull() {
	h.mu.Lock()
	full := h.bytes > holdbackBytes
	h.mu.Unlock()
	if full {
		h.release()
	}
}

// release writes the queue with one call of Write, so that one poll gets all of it, as from the
// official server. The same goroutine writes the messages that are added meanwhile.
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
		// On an error the session has ended; its Close handler disconnects the socket.
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

// release sends the buffered messages, if any, and ends the holdback.
func (s *Socket) release() {
	if h := s.held.Load(); h != nil {
		h.release()
	}
}

// afterRelease calls f once the queue is written. It returns false, and does not call f, if the
// queue is written already or has no CONNECT.
func (h *holdback) afterRelease(f func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released || h.timer == nil {
		return false
	}
	h.after = append(h.after, f)
	return true
}

// connectUnsent reports whether CONNECT has not been sent yet. A nil holdback has sent it.
func (h *holdback) connectUnsent() bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.releasing
}

// closeAfterRelease releases the holdbacks of the sockets and closes the connection once they are
// written. It does not wait.
func (c *client) closeAfterRelease(sockets []*Socket) {
	for i, s := range sockets {
		s.release()
		if h := s.held.Load(); h != nil && h.afterRelease(func() { c.closeAfterRelease(sockets[i+1:]) }) {
			return
		}
	}
	c.mu.Lock()
	cause := c.cause
	c.mu.Unlock()
	c.link.Close(c.server.ruleOfEnd(cause))
}

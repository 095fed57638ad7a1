package engineio

import (
	"bufio"
	"errors"
	"net"
	"runtime"
	"sync"
	"time"
)

// muxProtocol is what the relaying server upgrades a connection to.
const muxProtocol = "socketio-relay"

const (
	// pingEvery is how often the relaying server sends a ping. A server that is silent for twice as
	// long is gone.
	pingEvery = 10 * time.Second
	// maxQueued bounds the queued frames, in bytes. Senders wait while they exceed it.
	maxQueued = 4 << 20
)

var (
	errNodesClosed = errors.New("engineio: server is shut down")
	errSilent      = errors.New("engineio: the other server is silent")
	errIdle        = errors.New("engineio: idle connection")
)

// mux is a connection between two servers that carries many requests at a time. mu guards what can
// change, that of its requests too.
//
// Frames are queued and written by one goroutine, which exists while there are any. It lets others
// run first, so that under load many frames leave with one system call.
type mux struct {
	conn  net.Conn
	in    *bufio.Reader
	every time.Duration // between two pings

	mu      sync.Mutex
	out     []byte
	spare   []byte
	writing bool
	room    chan struct{} // closed when out has room; nil while nobody waits
	err     error         // it has ended
	done    chan struct{} // closed with it
	stops   bool          // it ends after the last request
	ending  bool          // nothing is sent after what is in out
}

func (g *nodes) newMux(conn net.Conn, in *bufio.Reader) *mux {
	return &mux{conn: conn, in: in, every: g.every, done: make(chan struct{})}
}

// queueLocked queues a frame that add appends. The caller must hold m.mu.
func (m *mux) queueLocked(add func(dst []byte) []byte) {
	if m.err != nil || m.ending && !m.writing {
		return
	}
	m.out = add(m.out)
	if !m.writing {
		m.writing = true
		go m.flush()
	}
}

// controlLocked queues a frame without a payload. The caller must hold m.mu.
func (m *mux) controlLocked(kind byte, id uint32) {
	m.queueLocked(func(dst []byte) []byte { return endFrame(beginFrame(dst, kind, id), len(dst)) })
}

// awaitRoomLocked waits until there is room for more frames, or until expired. The caller must hold
// m.mu, which is unlocked meanwhile.
func (m *mux) awaitRoomLocked(expired <-chan time.Time) error {
	for m.err == nil && len(m.out) > maxQueued {
		if m.room == nil {
			m.room = make(chan struct{})
		}
		room := m.room
		m.mu.Unlock()
		var late bool
		select {
		case <-room:
		case <-m.done:
		case <-expired:
			late = true
		}
		m.mu.Lock()
		if late {
			return errSilent
		}
	}
	return m.err
}

// flush writes the queued frames.
func (m *mux) flush() {
	runtime.Gosched()
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.out) > 0 && m.err == nil {
		batch := m.out
		m.out, m.spare = m.spare[:0], nil
		if m.room != nil {
			close(m.room)
			m.room = nil
		}
		m.mu.Unlock()
		err := m.conn.SetWriteDeadline(time.Now().Add(2 * m.every))
		if err == nil {
			_, err = m.conn.Write(batch)
		}
		m.mu.Lock()
		if cap(batch) <= 2*maxFrame {
			m.spare = batch
		}
		if err != nil {
			m.failLocked(err)
		}
	}
	m.writing = false
	if m.ending {
		m.closeWriteLocked()
	}
}

// failLocked ends the connection. The caller must hold m.mu.
func (m *mux) failLocked(err error) {
	if m.err == nil {
		m.err, m.out, m.spare = err, nil, nil
		close(m.done)
		_ = m.conn.Close()
	}
}

func (m *mux) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failLocked(err)
}

// endLocked lets the connection end when everything is written. The caller must hold m.mu.
func (m *mux) endLocked() {
	m.ending = true
	if !m.writing {
		m.closeWriteLocked()
	}
}

// closeWriteLocked tells the peer that nothing more comes. The peer closes the connection when it has
// read everything: after a close here its next write fails, and it would read no further. The caller
// must hold m.mu.
func (m *mux) closeWriteLocked() {
	c, ok := m.conn.(interface{ CloseWrite() error })
	if !ok || c.CloseWrite() != nil {
		m.failLocked(errNodesClosed)
	}
}

// read reads frames and passes them to receive, until the connection ends.
func (m *mux) read(silence time.Duration, receive func(kind byte, id uint32, payload []byte) error) {
	var buf []byte
	for {
		err := m.conn.SetReadDeadline(time.Now().Add(silence))
		var kind byte
		var id uint32
		var payload []byte
		if err == nil {
			kind, id, payload, err = readFrame(m.in, &buf)
		}
		if err == nil {
			err = receive(kind, id, payload)
		}
		if err != nil {
			m.fail(err)
			return
		}
	}
}

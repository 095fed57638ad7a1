package engineio

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/netloop"
	"github.com/gosocketio/socketio/internal/refusal"
)

type state uint8

const (
	stateOpen state = iota
	stateClosing
	stateLingering // draining: the peer has been sent its close, and what it sent before is on its way
	stateClosed
)

// Bits of Session.flags, which are read without the lock.
const (
	flagTrusted = 1 << iota
	flagPaused  // reading is paused
)

// Session is one client's connection, whichever transports carry it. The official API calls it a
// Socket. Its methods may be called from any goroutine.
type Session struct {
	server    *Server
	id        string
	handshake *Handshake
	ctx       context.Context
	handler   Handler // nil: Events alone

	// loop is set while an event loop delivers messages, and belongs to the goroutine that delivers
	// them.
	loop *netloop.Conn
	// owned says that nothing else refers to the data of the message that is being delivered by a
	// WebSocket. It belongs to the goroutine that delivers it.
	owned bool

	protocol uint8 // revision of the protocol, 3 or 4
	b64      bool  // the client cannot take binary
	flags    atomic.Uint32

	// Guarded by mu, as is all that follows. These are here so that they share a word.
	unannounced bool // it ended before its Connection event: there is no Close event then
	state       state
	transport   Transport
	flushing    bool // somebody is writing to ws, and will write what is queued meanwhile
	corked      bool // nobody starts to write
	draining    bool // it is closing, and takes messages until the peer has closed
	active      bool // the client has sent something, or never will
	posts       int8 // of a client that has made no GET since its handshake, 2 is many; then polled

	mu         sync.Mutex
	out        outbox
	ws         *wsConn     // or WebTransport stream; nil while polling
	poll       *parkedPoll // the GET that waits for data
	upload     *upload     // the POST that is being read
	candidate  *candidate  // the transport that is being upgraded to
	closeTimer *time.Timer // waits for the GET that takes the close packet, or for the last POST
	intake     *intake     // of a session that has a ByteLimit or was paused; otherwise nil
	beat       heartbeat
	value      any
	// opening is closed once the Connection event has run; nil afterwards. Close waits for it.
	opening chan struct{}
}

// ID returns the session's id, the sid of the protocol.
func (s *Session) ID() string { return s.id }

// Protocol returns the revision of the Engine.IO protocol that the client speaks.
func (s *Session) Protocol() int { return int(s.protocol) }

// Handshake returns what the session's first request was.
func (s *Session) Handshake() *Handshake { return s.handshake }

// Context returns the context that Config.SessionContext made. It is not cancelled when the session
// ends.
func (s *Session) Context() context.Context { return s.ctx }

// Transport returns what carries the session at the moment.
func (s *Session) Transport() Transport {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.transport
}

// Value returns what SetValue stored last, or nil.
func (s *Session) Value() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value
}

// SetValue stores one value of the user's with the session.
func (s *Session) SetValue(v any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value = v
}

// Trusted reports whether Link.Trust was called or Config.MaxUntrustedPayload is 0.
func (s *Session) Trusted() bool { return s.flags.Load()&flagTrusted != 0 }

// maxPayload is how large the client's messages may be by now.
func (s *Session) maxPayload() int {
	if s.Trusted() {
		return s.server.cfg.MaxPayload
	}
	return min(s.server.cfg.MaxUntrustedPayload, s.server.cfg.MaxPayload)
}

// untilTrusted is the field that limits an untrusted client.
const untilTrusted = "Config.MaxUntrustedPayload, until the client is trusted"

// nameLimit makes ErrPayloadTooLarge name the limit of an untrusted client, if it was that, and
// returns err.
func (s *Session) nameLimit(err error, limit int) error {
	large, ok := errors.AsType[*refusal.Refusal](err)
	if ok && errors.Is(large.Err, ErrPayloadTooLarge) && limit < s.server.cfg.MaxPayload {
		large.Field = untilTrusted
		large.Remedy = "a client sent {value} bytes before it was trusted, such as a large token: " +
			"have it send less, or raise Config.MaxUntrustedPayload"
	}
	return err
}

// Closed tells whether the session has ended, or is about to and takes no more messages.
func (s *Session) Closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state != stateOpen
}

// Writable tells whether a message written now would leave at once: nothing waits before it and,
// while polling, a GET is parked.
func (s *Session) Writable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writableLocked()
}

// writableLocked is Writable. The caller must hold s.mu.
func (s *Session) writableLocked() bool {
	if s.state != stateOpen || s.flushing || !s.out.idle() {
		return false
	}
	return s.ws != nil || s.pollParkedLocked()
}

// Buffered returns how many bytes and messages wait to be written to the peer. Bytes include
// framing.
func (s *Session) Buffered() (bytes, packets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.bytes, int(s.out.count + s.out.taken)
}

// polled is Session.posts once the client has made a GET.
const polled = -1

// receive acts on one packet. It runs on the goroutine that owns the arrived bytes and returns an
// error when the session has to end.
func (s *Session) receive(p wire.Packet) error {
	s.mu.Lock()
	if s.state != stateOpen && (!s.draining || s.state == stateClosed) {
		closing := s.state == stateClosing
		s.mu.Unlock()
		if closing && p.Type == wire.Close {
			return errPeerClosed // it will not fetch what it was to be told
		}
		return nil
	}
	s.markActiveLocked()
	v3 := s.protocol == 3
	switch {
	case v3 && p.Type == wire.Ping:
		now := s.server.now()
		s.pingedLocked(now)
		s.resetHeartbeatLocked(now)
		s.out.trim()
	case v3:
	case p.Type == wire.Pong:
		s.pongedLocked()
	default:
		s.extendLocked()
	}
	s.mu.Unlock()

	ev := &s.server.cfg.Events
	if ev.Packet != nil {
		ev.Packet(s, p)
	}
	switch p.Type {
	case wire.Message:
		if s.handler != nil {
			s.handler.Message(p.Data, p.Binary)
		}
		if ev.Message != nil {
			ev.Message(s, p.Data, p.Binary)
		}
	case wire.Ping, wire.Pong:
		if v3 != (p.Type == wire.Ping) {
			return &TransportError{Message: "invalid heartbeat direction"}
		}
		if v3 {
			s.sendHeartbeat(pongFrame)
		}
		if ev.Heartbeat != nil {
			ev.Heartbeat(s)
		}
	case wire.Close:
		return errPeerClosed
	}
	// open, upgrade and noop have no meaning here and are ignored, as the official server does.
	return nil
}

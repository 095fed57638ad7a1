package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gosocketio/socketio/engineio"
)

// Socket is a client in a namespace. A client has one in each namespace that it has joined.
//
// All methods are safe for concurrent use.
type Socket struct {
	handlerSet // registered on this socket alone

	id     string
	ns     *Namespace
	client *client
	auth   json.RawMessage // nil: none

	state atomic.Uint32 // written under mu
	more  atomic.Bool   // events wait behind the one being handled
	held  atomic.Pointer[holdback]
	lease *lease // nil: its namespace recovers no sockets, or not this one

	onLoop atomic.Pointer[loopScore] // of the task that loopWorker runs, or &stalled

	// mu guards what follows, up to the worker's own.
	working       bool // a worker runs
	admitted      bool // it was connected: the disconnect callbacks must run
	disconnectRun bool // they run, or have run
	drained       bool // the worker closes it when the inbox is empty

	mu           sync.Mutex
	pendingRooms []string // joined before the socket is connected
	inbox        eventQueue
	err          error
	acks         *ackTable
	values       []value
	ctx          context.Context // made when first asked for
	cancel       context.CancelCauseFunc
	closeCost    int64 // what the client's DISCONNECT was charged

	// The worker's own.
	connectCost int64 // what the CONNECT was charged
	charged     bool
	admitRun    bool // admit runs, or has run
}

// The states of a socket: joining while the middlewares run, connected, disconnected.
const (
	stateJoining uint32 = iota
	stateConnected
	stateDisconnected
)

// ID returns the socket's id: 20 characters, and the name of a room that the socket is in.
//
// It is new for each connection unless the socket is recovered. The engine's session has another
// id.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace that the socket is in.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Conn returns the connection, which the client's sockets in other namespaces share.
func (s *Socket) Conn() *engineio.Session { return s.client.session() }

// Handshake returns the connection's first request and the auth in the CONNECT packet.
func (s *Socket) Handshake() Handshake {
	auth := s.auth
	if auth == nil {
		auth = json.RawMessage("{}")
	}
	return Handshake{Handshake: s.client.session().Handshake(), Auth: auth}
}

// Connected tells whether the socket is connected.
//
// It is false while the namespace's middlewares run, and after a disconnect.
func (s *Socket) Connected() bool { return s.state.Load() == stateConnected }

func (s *Socket) joining() bool { return s.state.Load() == stateJoining }

// Err returns why the socket disconnected, or nil while it has not.
//
// It is a [*DisconnectError], or the error by which a middleware refused the socket.
func (s *Socket) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Context returns a context that ends when the socket disconnects; [Socket.Err] is its cause.
//
// Its parent is the context of Config.SessionContext.
func (s *Socket) Context() context.Context {
	s.mu.Lock()
	ctx := s.ctx
	s.mu.Unlock()
	if ctx != nil {
		return ctx
	}
	// Made without the lock: the application may have implemented the parent.
	ctx, cancel := context.WithCancelCause(s.client.session().Context())
	s.mu.Lock()
	if s.ctx == nil {
		s.ctx, s.cancel = ctx, cancel
		cancel = nil
	}
	ctx, end, err := s.ctx, s.cancel, s.err
	s.mu.Unlock()
	if cancel != nil {
		cancel(nil) // another goroutine was faster
	}
	if err != nil {
		end(err)
	}
	return ctx
}

// Join adds the socket to rooms.
//
// In a middleware it takes effect when the socket is connected. After a disconnect it has no
// effect.
func (s *Socket) Join(rooms ...string) {
	s.mu.Lock()
	state := s.state.Load()
	if state == stateJoining {
		s.pendingRooms = append(s.pendingRooms, rooms...)
	}
	s.mu.Unlock()
	if state == stateConnected {
		s.ns.adapter.Join(s.id, rooms...)
	}
}

// Leave removes the socket from a room.
//
// A socket that left the room named after its id gets its own broadcasts.
func (s *Socket) Leave(room string) {
	s.mu.Lock()
	s.pendingRooms = slices.DeleteFunc(s.pendingRooms, func(r string) bool { return r == room })
	s.mu.Unlock()
	if !s.hasLeftRooms() {
		s.ns.adapter.Leave(s.id, room)
	}
}

// Rooms returns the rooms that the socket is in, the one named after its id among them.
//
// There are none once the OnDisconnecting functions have returned.
func (s *Socket) Rooms() []string {
	s.mu.Lock()
	waiting := slices.Clone(s.pendingRooms)
	s.mu.Unlock()
	if s.hasLeftRooms() {
		return nil
	}
	joined := s.ns.adapter.Rooms(s.id)
	if len(waiting) == 0 {
		return joined
	}
	rooms := append(waiting, joined...) //nolint:gocritic // waiting is a copy
	seen := make(map[string]struct{}, len(rooms))
	return slices.DeleteFunc(rooms, func(room string) bool {
		before := len(seen)
		seen[room] = struct{}{}
		return len(seen) == before
	})
}

// hasLeftRooms tells that the rooms under the socket's id may be those of a later socket.
//
// That is the socket recovered after it, or that of a client before Socket.IO 3.0 that joined
// again.
func (s *Socket) hasLeftRooms() bool {
	if s.client.v2() && s.state.Load() == stateDisconnected {
		found, _ := s.ns.adapter.Get(s.id)
		return found != s
	}
	return s.lease != nil && s.lease.leftRooms.Load()
}

// Use adds a middleware for the events of this socket. It may change them with [Event.Rewrite].
//
// Middlewares run before the handlers, in the order of registration. The first error ends the
// handling of the event, and counts as a handler's.
func (s *Socket) Use(fn func(*Event) error) {
	s.change(func(h *handlers) { h.incoming = with(h.incoming, fn) })
}

func (s *Socket) logContext() context.Context {
	if s == nil {
		return context.Background()
	}
	return s.client.session().Context()
}

func (s *Socket) logAttrs() []slog.Attr {
	if s == nil {
		return nil
	}
	return []slog.Attr{slog.String("namespace", s.ns.name), slog.String("socket", s.id)}
}

// Handshake is the connection's first request, and what the client sent to join the namespace.
type Handshake struct {
	*engineio.Handshake
	// Auth is the JSON object that the client sent (its "auth" option), {} when it sent none.
	Auth json.RawMessage
}

// MarshalJSON encodes the handshake as the official server does (socket.handshake).
func (h Handshake) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(h.Handshake)
	if err != nil {
		return nil, err
	}
	auth := h.Auth
	if auth == nil {
		auth = json.RawMessage("{}")
	}
	return slices.Concat(data[:len(data)-1], []byte(`,"auth":`), auth, []byte{'}'}), nil
}

// UnmarshalJSON decodes what MarshalJSON, or the official server, encoded.
func (h *Handshake) UnmarshalJSON(data []byte) error {
	var own struct {
		Auth json.RawMessage `json:"auth"`
	}
	h.Handshake = new(engineio.Handshake)
	if err := errors.Join(json.Unmarshal(data, h.Handshake), json.Unmarshal(data, &own)); err != nil {
		return err
	}
	if h.Auth = own.Auth; h.Auth == nil {
		h.Auth = json.RawMessage("{}")
	}
	return nil
}

// DecodeAuth decodes Auth into the value that v points to.
func (h Handshake) DecodeAuth(v any) error {
	if err := json.Unmarshal(h.Auth, v); err != nil {
		return fmt.Errorf("%w: auth: %w", ErrArguments, err)
	}
	return nil
}

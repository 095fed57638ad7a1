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

// Socket is a client in a namespace. A client that joined several namespaces has a socket in each. All methods are
// safe for concurrent use.
type Socket struct {
	handlerSet // what was registered on this socket alone

	id     string
	ns     *Namespace
	client *client
	auth   json.RawMessage // nil: none

	state atomic.Uint32 // written under mu
	more  atomic.Bool   // events wait behind the one being handled
	held  atomic.Pointer[hold]
	lease *lease // nil: its namespace recovers no sockets, or not this one
	// handling is what an event loop is at while it is the worker. holding is set while it keeps back what handlers send.
	handling      atomic.Pointer[loopPolicy]
	holding       atomic.Bool
	working       bool // a worker runs; mu guards this and what follows
	admitted      bool // it was connected, so that a disconnect is due
	disconnectRun bool // its disconnect is being, or has been, told

	mu           sync.Mutex
	pendingRooms []string // rooms joined before the socket is connected
	inbox        eventQueue
	err          error
	acks         *ackTable
	values       []value
	ctx          context.Context // made when first asked for
	cancel       context.CancelCauseFunc
	closeCost    int64 // what the client's DISCONNECT was charged

	// The worker's own: what the CONNECT was charged, and whether admit has run.
	connectCost int64
	charged     bool
	admitRun    bool
}

// The states of a socket: joining while the middlewares run, then connected, then gone.
const (
	stateJoining uint32 = iota
	stateConnected
	stateDisconnected
)

// ID returns the socket's id: 20 characters, fresh for each connection unless the socket is recovered, the name of a room that
// the socket is in. It is not the id of the engine's session.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace that the socket is in.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Conn returns the connection that the socket shares with the client's sockets in other namespaces.
func (s *Socket) Conn() *engineio.Session { return s.client.session }

// Handshake returns what is known from the first request and the CONNECT packet.
func (s *Socket) Handshake() Handshake {
	auth := s.auth
	if auth == nil {
		auth = json.RawMessage("{}")
	}
	return Handshake{Handshake: s.client.session.Handshake(), Auth: auth}
}

// Connected tells whether the socket is connected: false while the namespace's middlewares run and after it
// disconnected.
func (s *Socket) Connected() bool { return s.state.Load() == stateConnected }

func (s *Socket) joining() bool { return s.state.Load() == stateJoining }

// Err returns nil until the socket disconnected, then why: a [*DisconnectError], or the error by which a middleware
// refused it.
func (s *Socket) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Context returns a context that ends when the socket disconnects, with what [Socket.Err] returns as its cause. Its
// values are those of the session's context (engineio.Config.SessionContext).
func (s *Socket) Context() context.Context {
	s.mu.Lock()
	ctx := s.ctx
	s.mu.Unlock()
	if ctx != nil {
		return ctx
	}
	// Made without the lock: the parent may be the application's, and is asked for its Done and Value.
	ctx, cancel := context.WithCancelCause(s.client.session.Context())
	s.mu.Lock()
	if s.ctx == nil {
		s.ctx, s.cancel = ctx, cancel
		cancel = nil
	}
	ctx, end, gone := s.ctx, s.cancel, s.err
	s.mu.Unlock()
	if cancel != nil {
		cancel(nil) // another goroutine was faster
	}
	if gone != nil {
		end(gone)
	}
	return ctx
}

// Join puts the socket into rooms. In a middleware it takes effect when the socket is connected; after a disconnect
// it has no effect.
func (s *Socket) Join(rooms ...string) {
	s.mu.Lock()
	state := s.state.Load()
	if state == stateJoining {
		for _, room := range rooms {
			if !slices.Contains(s.pendingRooms, room) {
				s.pendingRooms = append(s.pendingRooms, room)
			}
		}
	}
	s.mu.Unlock()
	if state == stateConnected {
		s.ns.adapter.Join(s.id, rooms...)
	}
}

// Leave takes the socket out of a room. One that leaves the room named after its id is not left out any more by the
// operators that spare the sender.
func (s *Socket) Leave(room string) {
	s.mu.Lock()
	s.pendingRooms = slices.DeleteFunc(s.pendingRooms, func(r string) bool { return r == room })
	s.mu.Unlock()
	if !s.hasLeftRooms() {
		s.ns.adapter.Leave(s.id, room)
	}
}

// Rooms returns the rooms that the socket is in, its own among them. They can be read until the OnDisconnecting
// functions have returned; then there are none.
func (s *Socket) Rooms() []string {
	s.mu.Lock()
	waiting := slices.Clone(s.pendingRooms)
	s.mu.Unlock()
	if s.hasLeftRooms() {
		return nil
	}
	for _, room := range s.ns.adapter.Rooms(s.id) {
		if !slices.Contains(waiting, room) {
			waiting = append(waiting, room)
		}
	}
	return waiting
}

// hasLeftRooms tells that the rooms under the socket's id may be those of a later socket: the one that was recovered after it, or that of a
// client before Socket.IO 3.0 which joined again.
func (s *Socket) hasLeftRooms() bool {
	if s.client.v2() && s.state.Load() == stateDisconnected {
		found, _ := s.ns.adapter.Get(s.id)
		return found != s
	}
	return s.lease != nil && s.lease.leftRooms.Load()
}

// Use adds a middleware for the events of this socket: it runs before their handlers, in order of registration, and
// may change the event with [Event.Rewrite]. The first error ends the handling of that event, as a handler's error
// does.
func (s *Socket) Use(fn func(*Event) error) {
	s.change(func(h *handlers) { h.incoming = with(h.incoming, fn) })
}

func (s *Socket) logContext() context.Context {
	if s == nil {
		return context.Background()
	}
	return s.client.session.Context()
}

func (s *Socket) logAttrs() []slog.Attr {
	if s == nil {
		return nil
	}
	return []slog.Attr{slog.String("namespace", s.ns.name), slog.String("socket", s.id)}
}

// Handshake is how a socket came: the connection's first request, and what the client sent to join the namespace.
type Handshake struct {
	*engineio.Handshake
	// Auth is the JSON object that the client sent ("auth" option of the client), {} when it sent none.
	Auth json.RawMessage
}

// MarshalJSON returns the handshake as the official server has it (socket.handshake): how servers tell each other of their sockets.
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

// UnmarshalJSON reads what MarshalJSON wrote, or the official server.
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

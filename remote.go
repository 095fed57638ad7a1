package socketio

import (
	"context"
	"encoding/json"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
)

// RemoteSocket is a socket as [Operator.FetchSockets] finds it: on this server or on another one. Its methods go
// through the adapter and reach the socket wherever it is.
type RemoteSocket struct {
	ns   *Namespace
	info adapter.Info
}

// ID returns the socket's id.
func (r RemoteSocket) ID() string { return r.info.ID }

// Rooms returns the rooms that the socket was in when it was fetched.
func (r RemoteSocket) Rooms() []string { return r.info.Rooms }

// Local returns the socket itself when it is on this server.
func (r RemoteSocket) Local() (*Socket, bool) {
	s, ok := r.info.Local.(*Socket)
	return s, ok
}

// Handshake returns how the socket came. That of a socket on another server has what that server told; what it did not is zero.
func (r RemoteSocket) Handshake() Handshake {
	if s, local := r.Local(); local {
		return s.Handshake()
	}
	var h Handshake
	if json.Unmarshal(r.info.Handshake, &h) != nil {
		h = Handshake{Handshake: new(engineio.Handshake), Auth: json.RawMessage("{}")}
	}
	return h
}

// Data returns the values that the application keeps with the socket under a key of [NewSharedKey], as a JSON object: as they were when the
// socket was fetched, or now if it is on this server.
func (r RemoteSocket) Data() json.RawMessage {
	if s, local := r.Local(); local {
		return s.shared()
	}
	if len(r.info.Data) == 0 {
		return json.RawMessage("{}")
	}
	return r.info.Data
}

func (r RemoteSocket) operator() Operator { return r.ns.To(r.info.ID) }

// Emit sends an event to the socket.
func (r RemoteSocket) Emit(event string, args ...any) error { return r.operator().Emit(event, args...) }

// EmitWithAck sends an event and waits for the answer, see [Socket.EmitWithAck]. It returns ErrClosed when the
// socket is gone.
func (r RemoteSocket) EmitWithAck(ctx context.Context, event string, args ...any) (Reply, error) {
	for reply, err := range r.operator().EmitWithAck(ctx, event, args...) {
		return reply, err
	}
	return Reply{}, ErrClosed
}

// Join makes the socket join rooms.
func (r RemoteSocket) Join(rooms ...string) error { return r.operator().SocketsJoin(rooms...) }

// Leave makes the socket leave a room.
func (r RemoteSocket) Leave(room string) error { return r.operator().SocketsLeave(room) }

// Disconnect disconnects the socket, see [Socket.Disconnect].
func (r RemoteSocket) Disconnect(close bool) error { return r.operator().DisconnectSockets(close) }

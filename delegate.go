package socketio

import (
	"context"
	"iter"
	"time"
)

// Use adds a middleware to the namespace "/", see [Namespace.Use].
func (s *Server) Use(fn func(*Socket) error) { s.main.Use(fn) }

// OnConnection adds a function that runs for each socket that connected to "/", see [Namespace.OnConnection].
func (s *Server) OnConnection(fn func(*Socket)) { s.main.OnConnection(fn) }

// OnDisconnecting adds a function that runs when a socket of "/" has disconnected and its rooms can still be read.
func (s *Server) OnDisconnecting(fn func(*Socket, Reason)) { s.main.OnDisconnecting(fn) }

// OnDisconnect adds a function that runs when a socket of "/" has disconnected, see [Namespace.OnDisconnect].
func (s *Server) OnDisconnect(fn func(*Socket, Reason)) { s.main.OnDisconnect(fn) }

// Handle adds a handler for an event of every socket of "/"; off removes it. See [Namespace.Handle]. [On] is its typed form.
func (s *Server) Handle(event string, fn func(*Event) error) (off func()) {
	return s.main.Handle(event, fn)
}

// Off removes all handlers of an event from "/".
func (s *Server) Off(event string) { s.main.Off(event) }

// OnAny adds a function that sees every event of every socket of "/", see [Namespace.OnAny].
func (s *Server) OnAny(fn func(*Event)) (off func()) { return s.main.OnAny(fn) }

// PrependAny is OnAny in front of the functions that are there.
func (s *Server) PrependAny(fn func(*Event)) (off func()) { return s.main.PrependAny(fn) }

// OnAnyOutgoing adds a function that sees every event sent to a socket of "/", see [Namespace.OnAnyOutgoing].
func (s *Server) OnAnyOutgoing(fn func(s *Socket, event string, args []any)) (off func()) {
	return s.main.OnAnyOutgoing(fn)
}

// PrependAnyOutgoing is OnAnyOutgoing in front of the functions that are there.
func (s *Server) PrependAnyOutgoing(fn func(s *Socket, event string, args []any)) (off func()) {
	return s.main.PrependAnyOutgoing(fn)
}

// Socket returns the connected socket of "/" with this id.
func (s *Server) Socket(id string) (*Socket, bool) { return s.main.Socket(id) }

// Sockets returns the connected sockets of "/", in the order in which they connected.
func (s *Server) Sockets() []*Socket { return s.main.Sockets() }

// AllRooms returns the rooms that sockets of "/" on this server are in, see [Namespace.AllRooms].
func (s *Server) AllRooms() []string { return s.main.AllRooms() }

// RoomLen returns the number of sockets of "/" on this server in a room, see [Namespace.RoomLen].
func (s *Server) RoomLen(room string) int { return s.main.RoomLen(room) }

// To means the sockets of "/" in these rooms, see [Operator.To].
func (s *Server) To(rooms ...string) Operator { return s.main.To(rooms...) }

// In is To.
func (s *Server) In(rooms ...string) Operator { return s.main.In(rooms...) }

// Except means the sockets of "/" that are in none of these rooms, see [Operator.Except].
func (s *Server) Except(rooms ...string) Operator { return s.main.Except(rooms...) }

// Local means the sockets of "/" on this server.
func (s *Server) Local() Operator { return s.main.Local() }

// Volatile means every socket of "/" that can be written to at once.
func (s *Server) Volatile() Operator { return s.main.Volatile() }

// Compress means every socket of "/", see [Operator.Compress].
func (s *Server) Compress(compress bool) Operator { return s.main.Compress(compress) }

// Timeout means every socket of "/", see [Operator.Timeout].
func (s *Server) Timeout(d time.Duration) Operator { return s.main.Timeout(d) }

// Emit sends an event to every socket of "/", see [Operator.Emit].
func (s *Server) Emit(event string, args ...any) error { return s.main.Emit(event, args...) }

// Send is Emit of the event "message".
func (s *Server) Send(args ...any) error { return s.main.Send(args...) }

// EmitWithAck asks every socket of "/", see [Operator.EmitWithAck].
func (s *Server) EmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return s.main.EmitWithAck(ctx, event, args...)
}

// FetchSockets lists every socket of "/", see [Operator.FetchSockets].
func (s *Server) FetchSockets(ctx context.Context) iter.Seq2[RemoteSocket, error] {
	return s.main.FetchSockets(ctx)
}

// SocketsJoin makes every socket of "/" join rooms.
func (s *Server) SocketsJoin(rooms ...string) error { return s.main.SocketsJoin(rooms...) }

// SocketsLeave makes every socket of "/" leave rooms.
func (s *Server) SocketsLeave(rooms ...string) error { return s.main.SocketsLeave(rooms...) }

// DisconnectSockets disconnects every socket of "/", see [Socket.Disconnect].
func (s *Server) DisconnectSockets(close bool) error { return s.main.DisconnectSockets(close) }

// AllSockets returns the ids of every socket of "/", see [Operator.AllSockets].
func (s *Server) AllSockets(ctx context.Context) ([]string, error) { return s.main.AllSockets(ctx) }

// ServerSideEmit sends an event to "/" on the other servers, see [Namespace.ServerSideEmit].
func (s *Server) ServerSideEmit(event string, args ...any) error {
	return s.main.ServerSideEmit(event, args...)
}

// ServerSideEmitWithAck asks the other servers, see [Namespace.ServerSideEmitWithAck].
func (s *Server) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return s.main.ServerSideEmitWithAck(ctx, event, args...)
}

// ServerCount returns the number of servers, this one included.
func (s *Server) ServerCount(ctx context.Context) (int, error) { return s.main.ServerCount(ctx) }

// OnServerSideEmit adds a handler for an event that other servers send to "/", see [Namespace.OnServerSideEmit].
func (s *Server) OnServerSideEmit(event string, fn func(*ServerSideEvent) error) (off func()) {
	return s.main.OnServerSideEmit(event, fn)
}

// OnRooms adds functions that are told about the rooms of "/", see [Namespace.OnRooms].
func (s *Server) OnRooms(h RoomHooks) (off func()) { return s.main.OnRooms(h) }

package socketio

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
)

// Operator targets sockets of a namespace and says how to send to them.
//
// It is an immutable value: each method returns a new one. It may be kept and used by many
// goroutines.
type Operator struct{ operator }

// operator has the methods that an Operator, a Namespace and a Server share. Without options it
// targets every socket of the namespace.
type operator struct {
	ns         *Namespace
	options    adapter.Options
	roomsGiven bool // To was called
	timeout    time.Duration
	timed      bool // Timeout was called
}

// To targets the sockets in the given rooms, in addition to rooms given before, each socket once.
//
// An empty list of rooms targets nobody, not everybody.
func (o operator) To(rooms ...string) Operator {
	o.options.Rooms = append(slices.Clip(o.options.Rooms), rooms...)
	o.roomsGiven = true
	return Operator{o}
}

// In is To.
func (o operator) In(rooms ...string) Operator { return o.To(rooms...) }

// Except leaves out the sockets in the given rooms.
//
// Each socket is in the room named after its id, so ids may be given too.
func (o operator) Except(rooms ...string) Operator {
	o.options.Except = append(slices.Clip(o.options.Except), rooms...)
	return Operator{o}
}

// Local targets only sockets on this server.
func (o operator) Local() Operator {
	o.options.Flags.Local = true
	return Operator{o}
}

// Volatile drops the event for each socket that cannot be written to at once.
func (o operator) Volatile() Operator {
	o.options.Flags.Volatile = true
	return Operator{o}
}

// Compress says whether the transport may compress the event. The default is true.
func (o operator) Compress(compress bool) Operator {
	o.options.Flags.NoCompress = !compress
	return Operator{o}
}

// Volatile drops the event for each socket that cannot be written to at once.
func (o parentOperator) Volatile() ParentOperator {
	o.op = o.op.Volatile()
	return ParentOperator{o}
}

// Compress says whether the transport may compress the event, see [Operator.Compress].
func (o parentOperator) Compress(compress bool) ParentOperator {
	o.op = o.op.Compress(compress)
	return ParentOperator{o}
}

// message returns the engine's message with the flags that the engine knows: frames, or a unit for
// many sockets.
func message(f adapter.Flags, frames []byte, p *engineio.Prepared) engineio.Message {
	return engineio.Message{Frames: frames, Prepared: p, Volatile: f.Volatile, NoCompress: f.NoCompress}
}

// Timeout limits how long EmitWithAck waits for answers, see [Sender.Timeout].
func (o operator) Timeout(d time.Duration) Operator {
	o.timeout, o.timed = max(d, 0), true
	return Operator{o}
}

// targetsNobody tells that To was called and no room was given.
func (o operator) targetsNobody() bool { return o.roomsGiven && len(o.options.Rooms) == 0 }

// Emit sends an event to the targeted sockets.
//
// The event is encoded once, and not at all when nobody is targeted. Emit never waits for a client:
// one that is too slow or has gone does not affect the others and is not an error. Errors are
// ErrReservedEvent, an encoding error, or the adapter's.
func (o operator) Emit(event string, args ...any) error {
	if err := checkEvent(event); err != nil {
		return err
	}
	if o.targetsNobody() {
		return nil
	}
	return o.ns.adapter.Broadcast(&adapter.Packet{Event: event, Args: args}, o.options)
}

// Send is Emit of the event "message".
func (o operator) Send(args ...any) error { return o.Emit("message", args...) }

// FetchSockets lists the targeted sockets on all servers.
//
// A server that does not answer before ctx ends is one error among the results.
func (o operator) FetchSockets(ctx context.Context) iter.Seq2[RemoteSocket, error] {
	return func(yield func(RemoteSocket, error) bool) {
		if o.targetsNobody() {
			return
		}
		for info, err := range o.ns.adapter.FetchSockets(ctx, o.options) {
			if err == nil && info.Local != nil {
				if s, ok := info.Local.(*Socket); !ok || !s.Connected() {
					continue // its disconnect callbacks are running
				}
			}
			if !yield(RemoteSocket{ns: o.ns, info: info}, err) {
				return
			}
		}
	}
}

// AllSockets returns the ids of the targeted sockets on all servers, and the first error.
func (o operator) AllSockets(ctx context.Context) (ids []string, err error) {
	for s, failed := range o.FetchSockets(ctx) {
		if failed == nil {
			ids = append(ids, s.ID())
		} else if err == nil {
			err = failed
		}
	}
	return ids, err
}

// SocketsJoin makes the targeted sockets join rooms.
func (o operator) SocketsJoin(rooms ...string) error {
	if o.targetsNobody() {
		return nil
	}
	return o.ns.adapter.AddSockets(o.options, rooms...)
}

// SocketsLeave makes the targeted sockets leave rooms.
func (o operator) SocketsLeave(rooms ...string) error {
	if o.targetsNobody() {
		return nil
	}
	return o.ns.adapter.DelSockets(o.options, rooms...)
}

// DisconnectSockets disconnects the targeted sockets, as [Socket.Disconnect] does.
func (o operator) DisconnectSockets(close bool) error {
	if o.targetsNobody() {
		return nil
	}
	return o.ns.adapter.DisconnectSockets(o.options, close)
}

// Sender is one socket and how to send to it. It is an immutable value, as [Operator] is.
type Sender struct {
	s       *Socket
	flags   adapter.Flags
	timeout time.Duration
	timed   bool // Timeout was called
}

// Volatile drops the event when the client cannot be written to at once.
func (x Sender) Volatile() Sender {
	x.flags.Volatile = true
	return x
}

// Compress says whether the transport may compress the event. The default is true.
func (x Sender) Compress(compress bool) Sender {
	x.flags.NoCompress = !compress
	return x
}

// Timeout limits how long EmitWithAck waits, instead of Config.AckTimeout.
//
// With 0 or less the wait ends as soon as the event is sent, unless the answer is there by then.
func (x Sender) Timeout(d time.Duration) Sender {
	x.timeout, x.timed = max(d, 0), true
	return x
}

// Emit sends an event to the socket, see [Socket.Emit].
func (x Sender) Emit(event string, args ...any) error { return x.s.emit(event, args, x.flags) }

// Send is Emit of the event "message".
func (x Sender) Send(args ...any) error { return x.s.emit("message", args, x.flags) }

// Broadcast targets every socket in the namespace but this one.
func (x Sender) Broadcast() Operator {
	return Operator{operator{
		ns:      x.s.ns,
		options: adapter.Options{Except: []string{x.s.id}, Flags: x.flags},
		timeout: x.timeout,
		timed:   x.timed,
	}}
}

// To targets the sockets in the given rooms but this one, see [Operator.To].
func (x Sender) To(rooms ...string) Operator { return x.Broadcast().To(rooms...) }

// In is To.
func (x Sender) In(rooms ...string) Operator { return x.Broadcast().To(rooms...) }

// Except targets every socket but this one and those in the given rooms.
func (x Sender) Except(rooms ...string) Operator { return x.Broadcast().Except(rooms...) }

// Local targets every socket on this server but this one.
func (x Sender) Local() Operator { return x.Broadcast().Local() }

// Volatile drops the event when the client cannot be written to at once.
func (s *Socket) Volatile() Sender { return Sender{s: s}.Volatile() }

// Compress says whether the transport may compress the event. The default is true.
func (s *Socket) Compress(compress bool) Sender { return Sender{s: s}.Compress(compress) }

// Timeout limits how long EmitWithAck waits, see [Sender.Timeout].
func (s *Socket) Timeout(d time.Duration) Sender { return Sender{s: s}.Timeout(d) }

// Broadcast targets every socket in the namespace but this one.
func (s *Socket) Broadcast() Operator { return Sender{s: s}.Broadcast() }

// To targets the sockets in the given rooms but this one, see [Operator.To].
func (s *Socket) To(rooms ...string) Operator { return s.Broadcast().To(rooms...) }

// In is To.
func (s *Socket) In(rooms ...string) Operator { return s.Broadcast().To(rooms...) }

// Except targets every socket but this one and those in the given rooms.
func (s *Socket) Except(rooms ...string) Operator { return s.Broadcast().Except(rooms...) }

// Local targets every socket on this server but this one.
func (s *Socket) Local() Operator { return s.Broadcast().Local() }

// RemoteSocket is a socket on this server or another one, as [Operator.FetchSockets] finds it.
//
// Its methods go through the adapter and reach the socket wherever it is.
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

// Handshake returns the socket's handshake. What another server does not send is zero.
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

// Data returns the socket's values under keys of [NewSharedKey], as a JSON object.
//
// A socket on another server has the values from when it was fetched.
func (r RemoteSocket) Data() json.RawMessage {
	if s, local := r.Local(); local {
		return s.sharedValues()
	}
	if len(r.info.Data) == 0 {
		return json.RawMessage("{}")
	}
	return r.info.Data
}

func (r RemoteSocket) operator() Operator { return r.ns.To(r.info.ID) }

// single targets the socket alone: one answer is all that there is to wait for.
func (r RemoteSocket) single() Operator {
	o := r.operator()
	o.options.Flags.ExpectSingle = true
	return o
}

// Emit sends an event to the socket.
func (r RemoteSocket) Emit(event string, args ...any) error { return r.single().Emit(event, args...) }

// EmitWithAck sends an event and waits for the answer, see [Socket.EmitWithAck].
//
// It returns ErrClosed when the socket has disconnected.
func (r RemoteSocket) EmitWithAck(ctx context.Context, event string, args ...any) (Reply, error) {
	for reply, err := range r.single().EmitWithAck(ctx, event, args...) {
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

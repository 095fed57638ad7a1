package namespace

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/gosocketio/socketio/adapter"
)

// Operator says which sockets of a namespace are meant, and how to send to them. It is an immutable value: each
// method returns a new one, which may be kept and used from many goroutines.
type Operator struct {
	ns      *Namespace
	options adapter.Options
	aimed   bool // To was called
	timeout time.Duration
	timed   bool // Timeout was called
}

// To adds rooms to those meant: sockets in any of them, each once. Called with no room at all (an empty list, say)
// and nothing else, it means nobody - not everybody.
func (o Operator) To(rooms ...string) Operator {
	o.options.Rooms = append(slices.Clip(o.options.Rooms), rooms...)
	o.aimed = true
	return o
}

// In is To.
func (o Operator) In(rooms ...string) Operator { return o.To(rooms...) }

// Except leaves out the sockets in these rooms. As every socket is in the room named after its id, ids do too.
func (o Operator) Except(rooms ...string) Operator {
	o.options.Except = append(slices.Clip(o.options.Except), rooms...)
	return o
}

// Local means only sockets on this server.
func (o Operator) Local() Operator {
	o.options.Flags.Local = true
	return o
}

// Volatile drops the event for each socket that cannot be written to at once.
func (o Operator) Volatile() Operator {
	o.options.Flags.Volatile = true
	return o
}

// Compress says whether the transport may compress the event, which is so by default.
func (o Operator) Compress(compress bool) Operator {
	o.options.Flags.NoCompress = !compress
	return o
}

// Timeout limits how long EmitWithAck waits for answers, see [Sender.Timeout].
func (o Operator) Timeout(d time.Duration) Operator {
	o.timeout, o.timed = max(d, 0), true
	return o
}

// nobody tells that rooms were asked for and none was given.
func (o Operator) nobody() bool { return o.aimed && len(o.options.Rooms) == 0 }

// Emit sends an event to the sockets meant. It is encoded once, and not at all when nobody is there. It never waits
// for a client: one that is too slow or gone does not concern the others and is not an error. Errors are
// ErrReservedEvent, an encoding error, or the adapter's.
func (o Operator) Emit(event string, args ...any) error {
	if err := checkEvent(event); err != nil {
		return err
	}
	if o.nobody() {
		return nil
	}
	return o.ns.adapter.Broadcast(&adapter.Packet{Event: event, Args: args}, o.options)
}

// Send is Emit of the event "message".
func (o Operator) Send(args ...any) error { return o.Emit("message", args...) }

// FetchSockets lists the sockets meant, on all servers. A server that does not answer before ctx ends is one error
// among the results.
func (o Operator) FetchSockets(ctx context.Context) iter.Seq2[RemoteSocket, error] {
	return func(yield func(RemoteSocket, error) bool) {
		if o.nobody() {
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

// AllSockets returns the ids of the sockets meant, on all servers, and the first error. [Operator.FetchSockets] tells more.
func (o Operator) AllSockets(ctx context.Context) (ids []string, err error) {
	for s, failed := range o.FetchSockets(ctx) {
		if failed == nil {
			ids = append(ids, s.ID())
		} else if err == nil {
			err = failed
		}
	}
	return ids, err
}

// SocketsJoin makes the sockets meant join rooms.
func (o Operator) SocketsJoin(rooms ...string) error {
	if o.nobody() {
		return nil
	}
	return o.ns.adapter.AddSockets(o.options, rooms...)
}

// SocketsLeave makes the sockets meant leave rooms.
func (o Operator) SocketsLeave(rooms ...string) error {
	if o.nobody() {
		return nil
	}
	return o.ns.adapter.DelSockets(o.options, rooms...)
}

// DisconnectSockets disconnects the sockets meant, as [Socket.Disconnect] does.
func (o Operator) DisconnectSockets(close bool) error {
	if o.nobody() {
		return nil
	}
	return o.ns.adapter.DisconnectSockets(o.options, close)
}

// all is everybody in the namespace.
func (n *Namespace) all() Operator { return Operator{ns: n} }

// To means the sockets in these rooms, see [Operator.To].
func (n *Namespace) To(rooms ...string) Operator { return n.all().To(rooms...) }

// In is To.
func (n *Namespace) In(rooms ...string) Operator { return n.all().To(rooms...) }

// Except means the sockets that are in none of these rooms, see [Operator.Except].
func (n *Namespace) Except(rooms ...string) Operator { return n.all().Except(rooms...) }

// Local means the sockets on this server, see [Operator.Local].
func (n *Namespace) Local() Operator { return n.all().Local() }

// Volatile means every socket that can be written to at once, see [Operator.Volatile].
func (n *Namespace) Volatile() Operator { return n.all().Volatile() }

// Compress means every socket, see [Operator.Compress].
func (n *Namespace) Compress(compress bool) Operator { return n.all().Compress(compress) }

// Timeout means every socket, see [Operator.Timeout].
func (n *Namespace) Timeout(d time.Duration) Operator { return n.all().Timeout(d) }

// Emit sends an event to every socket, see [Operator.Emit].
func (n *Namespace) Emit(event string, args ...any) error { return n.all().Emit(event, args...) }

// Send is Emit of the event "message".
func (n *Namespace) Send(args ...any) error { return n.all().Send(args...) }

// EmitWithAck asks every socket, see [Operator.EmitWithAck].
func (n *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return n.all().EmitWithAck(ctx, event, args...)
}

// FetchSockets lists every socket, see [Operator.FetchSockets].
func (n *Namespace) FetchSockets(ctx context.Context) iter.Seq2[RemoteSocket, error] {
	return n.all().FetchSockets(ctx)
}

// AllSockets returns the ids of every socket, see [Operator.AllSockets].
func (n *Namespace) AllSockets(ctx context.Context) ([]string, error) { return n.all().AllSockets(ctx) }

// SocketsJoin makes every socket join rooms.
func (n *Namespace) SocketsJoin(rooms ...string) error { return n.all().SocketsJoin(rooms...) }

// SocketsLeave makes every socket leave rooms.
func (n *Namespace) SocketsLeave(rooms ...string) error { return n.all().SocketsLeave(rooms...) }

// DisconnectSockets disconnects every socket, as [Socket.Disconnect] does.
func (n *Namespace) DisconnectSockets(close bool) error { return n.all().DisconnectSockets(close) }

package socketio

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/gosocketio/socketio/adapter"
)

// Operator targets sockets of a namespace and says how to send to them. It is an immutable value: each method
// returns a new one, which may be kept and used from many goroutines.
type Operator struct{ operator }

// operator is what an Operator, a Namespace and a Server have in common. Its zero options target every socket of
// the namespace.
type operator struct {
	ns         *Namespace
	options    adapter.Options
	roomsGiven bool // To was called
	timeout    time.Duration
	timed      bool // Timeout was called
}

// To adds rooms to those meant: sockets in any of them, each once. Called with no room at all (an empty list, say)
// and nothing else, it means nobody - not everybody.
func (o operator) To(rooms ...string) Operator {
	o.options.Rooms = append(slices.Clip(o.options.Rooms), rooms...)
	o.roomsGiven = true
	return Operator{o}
}

// In is To.
func (o operator) In(rooms ...string) Operator { return o.To(rooms...) }

// Except leaves out the sockets in these rooms. As every socket is in the room named after its id, ids do too.
func (o operator) Except(rooms ...string) Operator {
	o.options.Except = append(slices.Clip(o.options.Except), rooms...)
	return Operator{o}
}

// Local means only sockets on this server.
func (o operator) Local() Operator {
	o.options.Flags.Local = true
	return Operator{o}
}

// Volatile drops the event for each socket that cannot be written to at once.
func (o operator) Volatile() Operator {
	o.options.Flags.Volatile = true
	return Operator{o}
}

// Compress says whether the transport may compress the event, which is so by default.
func (o operator) Compress(compress bool) Operator {
	o.options.Flags.NoCompress = !compress
	return Operator{o}
}

// Timeout limits how long EmitWithAck waits for answers, see [Sender.Timeout].
func (o operator) Timeout(d time.Duration) Operator {
	o.timeout, o.timed = max(d, 0), true
	return Operator{o}
}

// targetsNobody tells that rooms were asked for and none was given.
func (o operator) targetsNobody() bool { return o.roomsGiven && len(o.options.Rooms) == 0 }

// Emit sends an event to the sockets meant. It is encoded once, and not at all when nobody is there. It never waits
// for a client: one that is too slow or gone does not concern the others and is not an error. Errors are
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

// FetchSockets lists the sockets meant, on all servers. A server that does not answer before ctx ends is one error
// among the results.
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

// AllSockets returns the ids of the sockets meant, on all servers, and the first error. [Operator.FetchSockets] tells more.
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

// SocketsJoin makes the sockets meant join rooms.
func (o operator) SocketsJoin(rooms ...string) error {
	if o.targetsNobody() {
		return nil
	}
	return o.ns.adapter.AddSockets(o.options, rooms...)
}

// SocketsLeave makes the sockets meant leave rooms.
func (o operator) SocketsLeave(rooms ...string) error {
	if o.targetsNobody() {
		return nil
	}
	return o.ns.adapter.DelSockets(o.options, rooms...)
}

// DisconnectSockets disconnects the sockets meant, as [Socket.Disconnect] does.
func (o operator) DisconnectSockets(close bool) error {
	if o.targetsNobody() {
		return nil
	}
	return o.ns.adapter.DisconnectSockets(o.options, close)
}

package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/protocol"
)

// ErrReservedEvent means that an event name belongs to the protocol or to servers.
var ErrReservedEvent = errors.New("redis: reserved event name")

// Emitter sends to the clients and servers of a cluster from a program that is no server, such as a
// job or another service. It targets the sockets of one namespace. The servers may be in Go or in
// Node, which know it as @socket.io/redis-emitter; they never count it as a server.
//
// Each call returns when Redis has the message, or with an error after Config.RequestTimeout at the
// latest. With Streams a message is neither lost nor sent twice when the connection is lost in that
// time. An Emitter may be used by many goroutines at once.
type Emitter struct{ emitter }

// EmitterOperator targets sockets and sets how events are sent to them.
//
// It is an immutable value: each method returns a new one. It may be kept and used by many
// goroutines.
type EmitterOperator struct{ emitter }

// emitter has the methods that an Emitter and an EmitterOperator share.
type emitter struct {
	out        *emitting
	namespace  string
	item       func(m *adapter.Message) (adapter.Item, error) // what to send for a message
	options    adapter.Options
	roomsGiven bool // To was called
}

// NewEmitter connects to Redis and returns an Emitter for the namespace "/". The Config is that of
// the servers: Wire, Prefix, and SubscriptionMode or the fields for Streams must be the same. Fields
// that only concern receiving have no effect.
func NewEmitter(ctx context.Context, c Config) (*Emitter, error) {
	c, err := c.resolve()
	if err != nil {
		return nil, err
	}
	out := &emitting{}
	out.cfg = c.withStreamDefaults()
	out.uid, out.command = adapter.Emitter, publish
	if c.Wire == Sharded {
		out.command = spublish
	}
	if err := out.connect(ctx); err != nil {
		return nil, err
	}
	return out.emitter("/"), nil
}

// Of returns an Emitter for another namespace, on the same connection. A missing slash is added.
func (e *Emitter) Of(namespace string) *Emitter {
	if !strings.HasPrefix(namespace, "/") {
		namespace = "/" + namespace
	}
	return e.out.emitter(namespace)
}

// ServerSideEmit sends an event to the servers of the namespace: Namespace.OnServerSideEmit gets
// it. They cannot answer.
func (e *Emitter) ServerSideEmit(event string, args ...any) error {
	switch event {
	case "connect", "connection", "new_namespace":
		return fmt.Errorf("%w: %q", ErrReservedEvent, event)
	}
	return e.send(&adapter.Message{
		Type: adapter.MessageServerSideEmit, Packet: &adapter.Packet{Event: event, Args: args},
	})
}

// Close disconnects, unless Config.Client was given. Emitters of all namespaces are closed.
func (e *Emitter) Close() error {
	e.out.hangUp()
	e.out.closeClient()
	return nil
}

// To targets the sockets in the given rooms, in addition to rooms given before, each socket once.
//
// An empty list of rooms targets nobody, not everybody.
func (e emitter) To(rooms ...string) EmitterOperator {
	e.options.Rooms = append(slices.Clip(e.options.Rooms), rooms...)
	e.roomsGiven = true
	return EmitterOperator{e}
}

// In is To.
func (e emitter) In(rooms ...string) EmitterOperator { return e.To(rooms...) }

// Except leaves out the sockets in the given rooms. The id of a socket is a room too.
func (e emitter) Except(rooms ...string) EmitterOperator {
	e.options.Except = append(slices.Clip(e.options.Except), rooms...)
	return EmitterOperator{e}
}

// Volatile drops the event for each socket that cannot be written to at once.
func (e emitter) Volatile() EmitterOperator {
	e.options.Flags.Volatile = true
	return EmitterOperator{e}
}

// Compress says whether the transport may compress the event. The default is true.
func (e emitter) Compress(compress bool) EmitterOperator {
	e.options.Flags.NoCompress = !compress
	return EmitterOperator{e}
}

// Emit sends an event to the targeted sockets. Errors are ErrReservedEvent, an encoding error, or
// that of Redis, which matches adapter.ErrBroker.
func (e emitter) Emit(event string, args ...any) error {
	if protocol.IsReserved(event) {
		return fmt.Errorf("%w: %q", ErrReservedEvent, event)
	}
	return e.send(&adapter.Message{
		Type: adapter.MessageBroadcast, Packet: &adapter.Packet{Event: event, Args: args},
	})
}

// SocketsJoin makes the targeted sockets join rooms.
func (e emitter) SocketsJoin(rooms ...string) error {
	return e.send(&adapter.Message{Type: adapter.MessageSocketsJoin, Rooms: rooms})
}

// SocketsLeave makes the targeted sockets leave rooms.
func (e emitter) SocketsLeave(rooms ...string) error {
	return e.send(&adapter.Message{Type: adapter.MessageSocketsLeave, Rooms: rooms})
}

// DisconnectSockets disconnects the targeted sockets from the namespace, or closes their whole
// connections.
func (e emitter) DisconnectSockets(close bool) error {
	return e.send(&adapter.Message{Type: adapter.MessageDisconnectSockets, Close: close})
}

func (e emitter) send(m *adapter.Message) error {
	if e.roomsGiven && len(e.options.Rooms) == 0 {
		return nil
	}
	m.UID, m.Namespace, m.Options = adapter.Emitter, e.namespace, e.options
	if m.Packet != nil {
		if err := m.Packet.Encode(); err != nil {
			return err
		}
	}
	if err := checkDepth(m); err != nil {
		return err
	}
	it, err := e.item(m)
	if err != nil {
		return err
	}
	return e.out.send(it)
}

// emitting is the connection of an Emitter.
type emitting struct {
	connection

	mu      sync.Mutex
	writers []*streamWriter // not in use; each is used by one call at a time
}

// emitter returns an Emitter for a namespace.
func (o *emitting) emitter(name string) *Emitter {
	e := emitter{out: o, namespace: name}
	switch o.cfg.Wire {
	case Streams:
		e.item = func(m *adapter.Message) (adapter.Item, error) { return streamItem(&o.cfg, m) }
	case Sharded:
		l := newShardedLink(&o.connection, nil, namespace(name))
		e.item = func(m *adapter.Message) (adapter.Item, error) {
			data, _, err := clusterwire.Encode(m)
			return adapter.Item{Key: l.target(m), Data: data}, err
		}
	default:
		l := newClassicLink(&o.connection, nil, namespace(name))
		e.item = func(m *adapter.Message) (adapter.Item, error) {
			data, err := l.encode(m)
			return adapter.Item{Key: l.target(m), Data: data}, err
		}
	}
	return &Emitter{e}
}

// send sends a message, within Config.RequestTimeout.
func (o *emitting) send(it adapter.Item) error {
	ctx, cancel := context.WithTimeout(context.Background(), o.cfg.RequestTimeout)
	defer cancel()
	if o.cfg.Wire != Streams {
		return o.connection.send(ctx, []adapter.Item{it})
	}
	w := o.writer()
	defer o.release(w)
	_, err := w.write(ctx, []*adapter.Item{&it})
	return err
}

// namespace is an adapter.Member that receives nothing.
type namespace string

// Namespace implements adapter.Member.
func (n namespace) Namespace() string { return string(n) }

// Receive implements adapter.Member.
func (namespace) Receive(*adapter.Message) {}

// Gap implements adapter.Member.
func (namespace) Gap(error) {}

func (o *emitting) writer() *streamWriter {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n := len(o.writers); n > 0 {
		w := o.writers[n-1]
		o.writers = o.writers[:n-1]
		return w
	}
	return newStreamWriter(o.client, &o.cfg, func(error) {})
}

func (o *emitting) release(w *streamWriter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writers = append(o.writers, w)
}

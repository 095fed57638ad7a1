package socketio

import (
	"errors"
	"fmt"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/protocol"
)

// Emit sends an event to this socket. Args are encoded as encoding/json does, a []byte at any depth as binary
// attachment. Nil means that the event is queued, in order; it never waits for the client. Otherwise it returns
// ErrClosed, engineio.ErrQueueFull (and the connection is closed), ErrReservedEvent or an encoding error.
//
// Where sockets are recovered ([ConnectionStateRecovery]), nil means as well that it is kept for the socket that comes after
// this one, if its connection has broken; volatile events are not.
func (s *Socket) Emit(event string, args ...any) error {
	return s.emit(event, args, adapter.Flags{})
}

// Send is Emit of the event "message".
func (s *Socket) Send(args ...any) error {
	return s.emit("message", args, adapter.Flags{})
}

func (s *Socket) emit(event string, args []any, f adapter.Flags) error {
	if err := checkEvent(event); err != nil {
		return err
	}
	if r := s.ns.recovery; r != nil {
		return r.emit(s, event, args, f)
	}
	x := s.ns.server.takeScratch()
	defer x.release()
	var frames []byte
	err := ErrClosed
	if s.state.Load() != stateDisconnected {
		frames, err = x.packet(protocol.Event, s.ns.name, 0, false, event, args)
		if err == nil {
			s.showOutgoing(event, args)
			err = s.write(frames, s.options(f))
		}
	}
	s.emitted(event, len(frames), err)
	return err
}

// emitted tells the hook that an event of so many bytes, none when it could not be encoded, was sent to this socket or was not.
func (s *Socket) emitted(event string, bytes int, err error) {
	fn := s.ns.server.cfg.Hooks.Emit
	if fn == nil {
		return
	}
	info := EmitInfo{Namespace: s.ns, Socket: s, Event: event, Bytes: bytes}
	switch {
	case err == nil:
		info.Recipients = 1
	case bytes > 0 || errors.Is(err, ErrClosed):
		info.Failed = 1
	default:
		info.Err = err
	}
	hook(s.ns.server, fn, info)
}

// checkEvent refuses names that mean something else to the client.
func checkEvent(event string) error {
	if protocol.IsReserved(event) {
		return fmt.Errorf("%w: %q is a reserved event name", ErrReservedEvent, event)
	}
	return nil
}

// options translates flags for the engine. While more events of this client wait to be handled, what their handlers send
// leaves together.
func (s *Socket) options(f adapter.Flags) (o engineio.WriteOptions) {
	if f.Volatile {
		o |= engineio.Volatile
	} else if s.more.Load() {
		o |= engineio.Later
		if s.holding.Load() {
			o ^= engineio.Later | engineio.Hold
		}
	}
	if f.NoCompress {
		o |= engineio.NoCompress
	}
	return o
}

// write queues frames.
func (s *Socket) write(frames []byte, o engineio.WriteOptions) error {
	if h := s.held.Load(); h != nil && h.take(frames, o) {
		return nil
	}
	err := s.client.session.Write(frames, o)
	s.heldTooLate(o)
	return closedError(err)
}

// heldTooLate lets go of what was just kept back, if the event loop that would have done so has let go already: whoever sends
// from another goroutine may have looked at holding just before.
func (s *Socket) heldTooLate(o engineio.WriteOptions) {
	if o&engineio.Hold != 0 && !s.holding.Load() {
		s.client.session.Flush(0)
	}
}

// writePrepared queues frames that go to many sockets.
func (s *Socket) writePrepared(p *engineio.Prepared, o engineio.WriteOptions) error {
	if h := s.held.Load(); h != nil && h.takePrepared(heldWrite{p, o}) {
		return nil
	}
	return closedError(s.client.session.WritePrepared(p, o))
}

func closedError(err error) error {
	if errors.Is(err, engineio.ErrClosed) {
		return ErrClosed
	}
	return err
}

// showOutgoing tells the listeners about an event that is sent to this socket.
func (s *Socket) showOutgoing(event string, args []any) {
	for _, h := range [...]*handlers{s.ns.load(), s.load()} {
		for _, l := range h.outgoing {
			s.call("an outgoing listener", func() { l.fn(s, event, args) })
		}
	}
}

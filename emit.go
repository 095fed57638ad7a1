package socketio

import (
	"errors"
	"fmt"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/protocol"
)

// Emit sends an event to this socket. Args are encoded as encoding/json does, a []byte at any depth
// as binary attachment. Nil means that the event is queued, in order; it never waits for the
// client. Otherwise it returns ErrClosed, engineio.ErrQueueFull (and the connection is closed),
// ErrReservedEvent or an encoding error.
//
// Where sockets are recovered ([ConnectionStateRecovery]), nil means as well that it is kept for
// the socket that comes after this one, if its connection has broken; volatile events are not.
// Where they are recovered on any server, the event is sent when it comes back from the broker. If
// the broker does not take it (ErrBroker), it is sent to this socket only, and not kept.
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
	if s.ns.recovery != nil {
		return s.ns.recovery.emit(s, event, args, f)
	}
	x := s.ns.server.takeScratch()
	defer x.release()
	var frames, tail []byte
	err := ErrClosed
	if s.state.Load() != stateDisconnected {
		if frames, tail, err = x.packet(protocol.Event, s.ns.name, 0, false, event, args); err == nil {
			s.showOutgoing(event, args)
			m := message(f, frames, nil)
			m.Tail = tail
			err = s.write(s.when(f), m)
		}
	}
	s.emitted(event, len(frames)+len(tail), err)
	return err
}

// emitted counts, and tells the hook, that an event of so many bytes, none when it could not be
// encoded, was sent to this socket or was not.
func (s *Socket) emitted(event string, bytes int, err error) {
	info := EmitInfo{Namespace: s.ns, Socket: s, Event: event, Bytes: bytes}
	switch {
	case err == nil:
		info.Recipients = 1
	case bytes > 0 || errors.Is(err, ErrClosed):
		info.Failed = 1
	default:
		info.Err = err
	}
	s.ns.totals.countSent(&info)
	hook(s.ns.server, s.ns.server.cfg.Hooks.Emit, info)
}

// checkEvent refuses names that mean something else to the client.
func checkEvent(event string) error {
	if protocol.IsReserved(event) {
		return fmt.Errorf("%w: %q is a reserved event name", ErrReservedEvent, event)
	}
	return nil
}

// when says when an event to this socket alone is written. While more events of its client wait to
// be handled, what their handlers send leaves together.
func (s *Socket) when(f adapter.Flags) engineio.When {
	if s.more.Load() && !f.Volatile {
		return engineio.Later
	}
	return engineio.Now
}

// write queues a message, or holds it back.
func (s *Socket) write(w engineio.When, m engineio.Message) error {
	if h := s.held.Load(); h != nil && h.add(m) {
		if w != engineio.OnFlush {
			h.releaseIfFull()
		}
		return nil
	}
	err := s.client.link.Write(w, m)
	if errors.Is(err, engineio.ErrClosed) {
		return ErrClosed
	}
	return err
}

// flush writes what was written with engineio.OnFlush.
func (s *Socket) flush(w engineio.When) {
	if h := s.held.Load(); h != nil {
		h.releaseIfFull()
	}
	s.client.link.Flush(w)
}

// control sends a packet that is no event. A client that is gone need not be told.
func (s *Socket) control(frames []byte) {
	_ = s.write(engineio.Now, engineio.Message{Frames: frames})
}

// showOutgoing tells the listeners about an event that is sent to this socket.
func (s *Socket) showOutgoing(event string, args []any) {
	for _, h := range [...]*handlers{s.ns.load(), s.load()} {
		for _, l := range h.outgoing {
			s.call("an outgoing listener", func() { l.fn(s, event, args) })
		}
	}
}

// outgoing is a broadcast for listeners. It decodes what another server sent when there is one.
type outgoing struct {
	p       *adapter.Packet
	decoded bool
	event   string
	args    []any
}

// to is showOutgoing.
func (o *outgoing) to(s *Socket) {
	if len(s.ns.load().outgoing) == 0 && len(s.load().outgoing) == 0 {
		return
	}
	if !o.decoded {
		o.decoded = true
		o.event, o.args, _ = o.p.Decode() // it has been checked
	}
	s.showOutgoing(o.event, o.args)
}

package namespace

import (
	"context"
	"fmt"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/wheel"
	"github.com/gosocketio/socketio/protocol"
)

// call is one acknowledgement that a socket owes. It is in the socket's table until the first of: the answer, the
// deadline, the caller's context, the disconnect.
type call struct {
	socket *Socket
	id     uint64
	timer  wheel.Timer

	reply Reply
	err   error
	done  chan struct{} // closed once reply and err are set
}

// finish ends the wait. Only whoever took the call out of the table may call it.
func (c *call) finish(r Reply, err error) {
	c.reply, c.err = r, err
	close(c.done)
}

// Expired is the deadline.
func (c *call) Expired(*wheel.Timer) {
	if c.socket.takeCall(c.id) != nil {
		c.finish(Reply{}, ErrTimeout)
	}
}

// EmitWithAck sends an event and waits for the client's acknowledgement. A handler may wait for its own client.
//
// The wait ends with ErrTimeout after Config.AckTimeout unless ctx has a deadline ([Sender.Timeout] sets another
// one), with the context's cause when ctx ends, and with a [*DisconnectError] when the socket disconnects. An
// answer that comes later is ignored. What [Socket.Emit] returns, it returns too.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Reply, error) {
	return s.ask(ctx, event, args, adapter.Flags{}, s.ns.hub.ackTimeout(ctx))
}

// ackTimeout is the default upper bound: none when the context has its own.
func (h *Hub) ackTimeout(ctx context.Context) time.Duration {
	if _, ok := ctx.Deadline(); ok {
		return noTimeout
	}
	return h.cfg.AckTimeout
}

// noTimeout: the context has a deadline.
const noTimeout time.Duration = -1

func (s *Socket) ask(ctx context.Context, event string, args []any, f adapter.Flags, timeout time.Duration) (Reply, error) {
	if err := checkEvent(event); err != nil {
		return Reply{}, err
	}
	told := s.ns.hub.cfg.Hooks.Ack
	start := clock(told != nil)
	reply, err := s.wait(ctx, event, args, f, timeout)
	if told != nil {
		info := AckInfo{Namespace: s.ns, Socket: s, Event: event, Took: time.Since(start), Err: err}
		if err == nil {
			info.Answered = 1
		}
		hook(s.ns.hub, told, info)
	}
	return reply, err
}

func (s *Socket) wait(ctx context.Context, event string, args []any, f adapter.Flags, timeout time.Duration) (Reply, error) {
	c := &call{socket: s, id: s.ns.nextID(), done: make(chan struct{})}
	x := s.ns.hub.takeScratch()
	frames, err := x.packet(protocol.Event, s.ns.name, c.id, true, event, args)
	if err == nil {
		err = s.addCall(c)
	}
	if err != nil {
		x.release()
		s.emitted(event, len(frames), err)
		return Reply{}, err
	}
	if timeout != noTimeout {
		s.ns.hub.schedule(&c.timer, timeout, c)
		defer s.ns.hub.stop(&c.timer)
	}
	s.showOutgoing(event, args)
	err = s.write(frames, s.options(f)&^(engineio.Later|engineio.Hold)) // the caller is about to wait
	bytes := len(frames)
	x.release()
	s.emitted(event, bytes, err)
	s.release() // a connection handler asks its client
	if err != nil {
		if s.takeCall(c.id) != nil {
			return Reply{}, err
		}
		<-c.done // it disconnected meanwhile, which says more
		return c.reply, c.err
	}

	select {
	case <-c.done:
		return c.reply, c.err
	case <-ctx.Done():
		if s.takeCall(c.id) != nil {
			return Reply{}, fmt.Errorf("socketio: waiting for the acknowledgement of %q: %w", event, context.Cause(ctx))
		}
		<-c.done // the answer was faster
		return c.reply, c.err
	}
}

// addCall puts a call into the table of a connected socket.
func (s *Socket) addCall(c *call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() != stateConnected { // a client that is still joining must not send an ACK
		return ErrClosed
	}
	if s.acks == nil {
		s.acks = make(map[uint64]*call)
	}
	s.acks[c.id] = c
	return nil
}

// takeCall takes a call out of the table; nil when somebody else did.
func (s *Socket) takeCall(id uint64) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.acks[id]
	delete(s.acks, id)
	return c
}

// answered acts on an ACK of the client. One that nobody waits for is ignored: it may be late.
func (s *Socket) answered(p *protocol.Packet) {
	if !p.HasID {
		return
	}
	if c := s.takeCall(p.ID); c != nil {
		s.ns.hub.stop(&c.timer)
		c.finish(replyOf(answerOf(s, p)), nil)
		return
	}
	s.ns.polls.answered(s, p)
}

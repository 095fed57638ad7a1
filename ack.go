package socketio

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/gather"
	"github.com/gosocketio/socketio/protocol"
)

// ackTable holds the acknowledgements that a socket's client owes, in the order of their ids.
//
// A nil table is empty.
type ackTable struct{ list []pendingAck }

// pendingAck is in the table until the first of the answer, the disconnect and the end of the wait.
//
// Whoever takes it out of the table may call answer, which must not block.
type pendingAck struct {
	id     uint64
	answer func(adapter.Answer)
}

func (a *ackTable) find(id uint64) (i int, found bool) {
	if a == nil {
		return 0, false
	}
	return slices.BinarySearchFunc(a.list, id, func(o pendingAck, id uint64) int { return cmp.Compare(o.id, id) })
}

// addAck adds to the table. The socket must be connected.
func (s *Socket) addAck(id uint64, answer func(adapter.Answer)) error {
	s.mu.Lock()
	if s.state.Load() != stateConnected { // a client that is still joining must not send an ACK
		s.mu.Unlock()
		return ErrClosed
	}
	if s.acks == nil {
		s.acks = new(ackTable)
	}
	i, _ := s.acks.find(id)
	s.acks.list = slices.Insert(s.acks.list, i, pendingAck{id, answer})
	s.client.asked.Add(1)
	s.mu.Unlock()
	s.client.resumeReading() // the answer may come behind events that are not read
	return nil
}

// takeAck removes an acknowledgement from the table. It returns nil when it is not there any more.
func (s *Socket) takeAck(id uint64) (answer func(adapter.Answer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.acks.find(id)
	if !found {
		return nil
	}
	answer = s.acks.list[i].answer
	s.acks.list = slices.Delete(s.acks.list, i, i+1)
	s.client.asked.Add(-1)
	if len(s.acks.list) == 0 && cap(s.acks.list) > 8 {
		s.acks.list = nil // it was a burst
	}
	return answer
}

// awaits tells whether the client owes the acknowledgement with an id.
func (s *Socket) awaits(id uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.acks.find(id)
	return found
}

// handleAck handles an ACK packet. One that nobody waits for is ignored: it may be late.
func (s *Socket) handleAck(p *protocol.Packet) {
	if !p.HasID {
		return
	}
	if answer := s.takeAck(p.ID); answer != nil {
		answer(answerOf(s, p))
	}
}

// EmitWithAck sends an event and waits for the client's acknowledgement.
//
// A handler may wait for its own client; later events of the same socket wait with it. (With
// [Socket.EmitWithAckFunc] they do not.)
//
// The wait ends with ErrTimeout after Config.AckTimeout, or the one set with [Sender.Timeout],
// unless ctx has a deadline; with the context's cause when ctx ends; and with a [*DisconnectError]
// when the socket disconnects. A later answer is ignored. EmitWithAck returns the errors of
// [Socket.Emit] too.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Reply, error) {
	return Sender{s: s}.EmitWithAck(ctx, event, args...)
}

// EmitWithAck sends an event and waits for the answer, see [Socket.EmitWithAck].
func (x Sender) EmitWithAck(ctx context.Context, event string, args ...any) (Reply, error) {
	q := ackRequest{s: x.s, event: event, timeout: x.timeout}
	if !x.timed {
		q.timeout = x.s.ns.server.ackTimeout(ctx)
	}
	if err := q.send(args, engineio.Now, x.flags); err != nil {
		q.report(err)
		return Reply{}, err
	}
	x.s.release() // a connection handler may wait
	x.s.client.link.Uncork()
	return q.wait(ctx)
}

// EmitWithAckFunc sends an event and calls fn with the client's acknowledgement, without waiting.
//
// It is socket.emit(event, callback) of the official server. It returns what [Socket.Emit] returns;
// after an error fn is not called. Otherwise fn is called once, on a goroutine of its own, with
// what [Socket.EmitWithAck] would have returned. Handlers of the socket may run meanwhile.
func (s *Socket) EmitWithAckFunc(event string, fn func(Reply, error), args ...any) error {
	return Sender{s: s}.EmitWithAckFunc(event, fn, args...)
}

// EmitWithAckFunc sends an event and calls fn with the answer, see [Socket.EmitWithAckFunc].
func (x Sender) EmitWithAckFunc(event string, fn func(Reply, error), args ...any) error {
	srv := x.s.ns.server
	q := ackRequest{s: x.s, event: event, timeout: x.timeout}
	if !x.timed {
		q.timeout = srv.cfg.AckTimeout
	}
	if err := q.send(args, x.s.when(x.flags), x.flags); err != nil {
		q.report(err)
		return err
	}
	srv.workers.begin()
	go func() {
		defer srv.workers.end()
		reply, err := q.wait(context.Background())
		srv.call(x.s, "a function of EmitWithAckFunc", func() { fn(reply, err) })
	}()
	return nil
}

// ackRequest is an event sent to one client that asks for an acknowledgement.
type ackRequest struct {
	s       *Socket
	event   string
	timeout time.Duration
	id      uint64
	answers chan adapter.Answer // room for the one that comes
	start   time.Time
}

// send sends the event. If it returns nil, an answer will come, or has come.
func (q *ackRequest) send(args []any, w engineio.When, f adapter.Flags) error {
	if err := checkEvent(q.event); err != nil {
		return err
	}
	s, srv := q.s, q.s.ns.server
	q.start = clock(srv.cfg.Hooks.Ack != nil)
	q.id, q.answers = s.ns.nextID(), make(chan adapter.Answer, 1)
	if r := s.ns.overBroker(); r != nil {
		return q.sendOver(r, args, f)
	}
	x := srv.takeScratch()
	frames, tail, err := x.packet(protocol.Event, s.ns.name, q.id, true, q.event, args)
	if err == nil {
		err = s.addAck(q.id, func(a adapter.Answer) { q.answers <- a })
	}
	expected := err == nil
	if expected {
		s.showOutgoing(q.event, args)
		m := message(f, frames, nil)
		m.Tail = tail
		err = s.write(w, m)
	}
	bytes := len(frames) + len(tail)
	x.release()
	s.emitted(q.event, bytes, err)
	if err != nil && expected && s.takeAck(q.id) == nil {
		return nil // it has disconnected meanwhile: the answer says so
	}
	return err
}

// sendOver is send over a broker, whose log gives the event its place among the others.
func (q *ackRequest) sendOver(r *brokerRecovery, args []any, f adapter.Flags) error {
	err := q.s.addAck(q.id, func(a adapter.Answer) { q.answers <- a })
	if err == nil {
		err = r.ask(q.s, q.id, q.event, args, f)
		if err != nil && q.s.takeAck(q.id) == nil {
			return nil // it has disconnected meanwhile: the answer says so
		}
	}
	if err != nil {
		q.s.emitted(q.event, 0, err)
	}
	return err
}

// wait returns the answer, or the error that ends the wait.
func (q *ackRequest) wait(ctx context.Context) (Reply, error) {
	late, stop := timeoutAfter(q.timeout)
	defer stop()
	a := adapter.Answer{}
	select {
	case a = <-q.answers:
		q.report(a.Err)
		return replyOf(a), a.Err
	case <-late:
		a.Err = ErrTimeout
	case <-ctx.Done():
		a.Err = fmt.Errorf("socketio: waiting for the acknowledgement of %q: %w", q.event, context.Cause(ctx))
	}
	if q.s.takeAck(q.id) == nil {
		a = <-q.answers // the answer was faster
	}
	q.report(a.Err)
	return replyOf(a), a.Err
}

// report counts the acknowledgement and calls the hook when the wait has ended.
func (q *ackRequest) report(err error) {
	if q.answers == nil { // nothing was asked
		return
	}
	info := AckInfo{Namespace: q.s.ns, Socket: q.s, Event: q.event, Err: err}
	if err == nil {
		info.Answered = 1
	}
	q.s.ns.totals.countAcks(info.Answered, err)
	if fn := q.s.ns.server.cfg.Hooks.Ack; fn != nil {
		info.Took = time.Since(q.start)
		hook(q.s.ns.server, fn, info)
	}
}

// ackTimeout returns the default timeout: none when the context has a deadline.
func (srv *Server) ackTimeout(ctx context.Context) time.Duration {
	if _, ok := ctx.Deadline(); ok {
		return noTimeout
	}
	return srv.cfg.AckTimeout
}

// noTimeout means that the context has a deadline.
const noTimeout time.Duration = -1

// timeoutAfter returns a channel that receives after d, never with noTimeout, and a stop function.
func timeoutAfter(d time.Duration) (<-chan time.Time, func() bool) {
	if d == noTimeout {
		return nil, func() bool { return false }
	}
	t := time.NewTimer(d)
	return t.C, t.Stop
}

// EmitWithAck sends an event to the targeted sockets and yields their answers as they come.
//
// The event is sent when the loop starts, once for each loop. The loop ends when all sockets have
// answered, at once when there are none. Breaking out of it drops the answers still to come.
//
// A socket that disconnects before it answers is yielded at once, with its id and its
// [*DisconnectError]; official servers wait for it until the timeout. After the timeout (Timeout,
// otherwise the deadline of ctx, otherwise Config.AckTimeout), or when ctx ends, the last error
// matches ErrTimeout or the context's cause, and errors.As finds a [*MissingError].
func (o operator) EmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return func(yield func(Reply, error) bool) {
		if err := checkEvent(event); err != nil {
			yield(Reply{}, err)
			return
		}
		if o.targetsNobody() {
			return
		}
		timeout := o.timeout
		if !o.timed {
			timeout = o.ns.server.ackTimeout(ctx)
		}
		fn := o.ns.server.cfg.Hooks.Ack
		start := clock(fn != nil)
		options := o.options
		options.Flags.Timeout = timeLeft(ctx, timeout)
		ask := func(count func(int), answer func(adapter.Answer)) (func(), error) {
			return o.ns.adapter.BroadcastWithAck(&adapter.Packet{Event: event, Args: args}, options, count, answer)
		}
		answered, err := o.ns.server.gather(ctx, timeout, yield, ask)
		o.ns.totals.countAcks(answered, err)
		if fn != nil {
			hook(o.ns.server, fn, AckInfo{
				Namespace: o.ns, Event: event, Took: time.Since(start), Answered: answered, Err: err,
			})
		}
	}
}

// timeLeft returns how long other servers may collect answers.
func timeLeft(ctx context.Context, timeout time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok && (timeout == noTimeout || time.Until(deadline) < timeout) {
		timeout = time.Until(deadline)
	}
	return max(timeout, time.Millisecond)
}

// gather calls ask and yields the answers until all are in, time is up or the loop is left.
//
// It returns how many came, and the last error.
func (srv *Server) gather(
	ctx context.Context, timeout time.Duration, yield func(Reply, error) bool,
	ask func(count func(int), answer func(adapter.Answer)) (cancel func(), err error),
) (answered int, last error) {
	answers := gather.New[adapter.Answer]()
	forget, err := ask(answers.Expect, answers.Add)
	if err != nil {
		yield(Reply{}, err)
		return 0, err
	}
	defer forget()
	late, stop := timeoutAfter(timeout)
	defer stop()
	missing, err := answers.Run(ctx, late, ErrTimeout, func(a adapter.Answer) bool {
		if a.Err == nil {
			answered++
		} else {
			last = a.Err
		}
		return yield(replyOf(a), a.Err)
	})
	if err != nil {
		last = &MissingError{missing, err}
		yield(Reply{}, last)
	}
	return answered, last
}

// MissingError ends an EmitWithAck to many sockets that did not get all answers.
type MissingError struct {
	// Missing is the number of sockets, or servers, that have not answered; -1 when a server did not
	// report how many there are.
	Missing int
	// Err is ErrTimeout or the cause of the context's end.
	Err error
}

// Error implements error.
func (e *MissingError) Error() string {
	if e.Missing < 0 {
		return fmt.Sprintf("socketio: acknowledgements are missing: %v", e.Err)
	}
	return fmt.Sprintf("socketio: %d acknowledgements are missing: %v", e.Missing, e.Err)
}

// Unwrap returns ErrTimeout or the cause of the context's end.
func (e *MissingError) Unwrap() error { return e.Err }

// Reply is the acknowledgement of a client, or of another server.
type Reply struct {
	socketID    string
	args        []json.RawMessage
	attachments [][]byte
}

// SocketID returns the id of the socket that answered, "" for a server.
func (r Reply) SocketID() string { return r.socketID }

// Len returns the number of arguments.
func (r Reply) Len() int { return len(r.args) }

// Decode decodes the first arguments, as [Event.Decode] does.
func (r Reply) Decode(pointers ...any) error {
	if len(pointers) > len(r.args) {
		return fmt.Errorf("%w: %d sent, %d expected", ErrArguments, len(r.args), len(pointers))
	}
	for i, v := range pointers {
		if err := protocol.Decode(r.args[i], r.attachments, v); err != nil {
			return argumentError(i, err)
		}
	}
	return nil
}

// Args returns the arguments, as [Event.Args] does.
func (r Reply) Args() []any {
	args := make([]any, len(r.args))
	for i := range args {
		args[i] = anyValue(r.args[i], r.attachments)
	}
	return args
}

// answerOf copies the answer out of an ACK packet, which is valid only during the call.
func answerOf(s *Socket, p *protocol.Packet) adapter.Answer {
	a := adapter.Answer{SocketID: s.id, Attachments: p.Attachments}
	if len(p.Args) > 0 {
		data := keep(p)
		a.Args = make([]json.RawMessage, len(p.Args))
		for i, span := range p.Args {
			a.Args[i] = data[span.Start:span.End:span.End]
		}
	}
	return a
}

func replyOf(a adapter.Answer) Reply {
	return Reply{socketID: a.SocketID, args: a.Args, attachments: a.Attachments}
}

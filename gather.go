package socketio

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/gather"
)

// EmitWithAck sends an event to the sockets meant and yields their answers as they come. The event
// is sent when the loop starts, once for each loop. The loop ends when all sockets have answered,
// at once when there are none; breaking out of it forgets the answers that are still out.
//
// A socket that disconnects before it answers is yielded at once, with its id and its
// [*DisconnectError] (official servers wait for it until the timeout). When time is up (Timeout,
// otherwise the context's deadline, otherwise Config.AckTimeout) or ctx ends, a last error says
// so: it matches ErrTimeout or the context's cause, and errors.As finds a [*MissingError].
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
		if fn != nil {
			hook(o.ns.server, fn, AckInfo{
				Namespace: o.ns, Event: event, Took: time.Since(start), Answered: answered, Err: err,
			})
		}
	}
}

// timeLeft is how long other servers are to collect answers.
func timeLeft(ctx context.Context, timeout time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok && (timeout == noTimeout || time.Until(deadline) < timeout) {
		timeout = time.Until(deadline)
	}
	return max(timeout, time.Millisecond)
}

// gather asks, and yields the answers until all are in, time is up or the loop is left. It returns
// how many came, and the last error.
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

// MissingError ends an EmitWithAck to many that did not get all answers.
type MissingError struct {
	// Missing is the number of sockets, or servers, that have not answered; -1 when not even their
	// number is known, because a server did not report it.
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

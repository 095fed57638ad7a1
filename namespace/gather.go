package namespace

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/wheel"
)

// EmitWithAck sends an event to the sockets meant and yields their answers as they come. The event is sent when the
// loop starts, once for each loop. The loop ends when all sockets have answered, at once when there are none;
// breaking out of it forgets the answers that are still out.
//
// A socket that disconnects before it answers is yielded at once, with its id and its [*DisconnectError] (official
// servers wait for it until the timeout). When time is up (Timeout, otherwise the context's deadline, otherwise
// Config.AckTimeout) or ctx ends, a last error says so: it matches ErrTimeout or the context's cause, and errors.As
// finds a [*MissingError].
func (o Operator) EmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return func(yield func(Reply, error) bool) {
		if err := checkEvent(event); err != nil {
			yield(Reply{}, err)
			return
		}
		if o.nobody() {
			return
		}
		timeout := o.timeout
		if !o.timed {
			timeout = o.ns.hub.ackTimeout(ctx)
		}
		told := o.ns.hub.cfg.Hooks.Ack
		start := clock(told != nil)
		options := o.options
		options.Flags.Timeout = timeLeft(ctx, timeout)
		answered, err := o.ns.hub.gather(ctx, timeout, yield, func(count func(int), answer func(adapter.Answer)) (func(), error) {
			return o.ns.adapter.BroadcastWithAck(&adapter.Packet{Event: event, Args: args}, options, count, answer)
		})
		if told != nil {
			hook(o.ns.hub, told, AckInfo{Namespace: o.ns, Event: event, Took: time.Since(start), Answered: answered, Err: err})
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

// gather asks, and yields the answers until all are in, time is up or the loop is left. It returns how many came, and the last
// error.
func (h *Hub) gather(ctx context.Context, timeout time.Duration, yield func(Reply, error) bool, ask func(count func(int), answer func(adapter.Answer)) (cancel func(), err error)) (answered int, err error) {
	g := &gathering{expected: -1, news: make(chan struct{}, 1)}
	forget, err := ask(g.count, g.answer)
	if err != nil {
		yield(Reply{}, err)
		return 0, err
	}
	defer forget()
	if timeout != noTimeout {
		h.schedule(&g.timer, timeout, g)
		defer h.stop(&g.timer)
	}
	return g.run(ctx, yield)
}

// MissingError ends an EmitWithAck to many that did not get all answers.
type MissingError struct {
	// Missing is the number of sockets, or servers, that have not answered; -1 when not even their number is known, because a
	// server did not report it.
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

// gathering is where answers wait for the loop that takes them.
type gathering struct {
	timer wheel.Timer
	news  chan struct{} // something changed; holds one token

	mu       sync.Mutex
	expected int // -1 until it is known
	answers  []adapter.Answer
	late     bool
}

func (g *gathering) tell() {
	select {
	case g.news <- struct{}{}:
	default:
	}
}

func (g *gathering) count(n int) {
	g.mu.Lock()
	g.expected = n
	g.mu.Unlock()
	g.tell()
}

func (g *gathering) answer(a adapter.Answer) {
	g.mu.Lock()
	g.answers = append(g.answers, a)
	g.mu.Unlock()
	g.tell()
}

// Expired ends the wait.
func (g *gathering) Expired(*wheel.Timer) {
	g.mu.Lock()
	g.late = true
	g.mu.Unlock()
	g.tell()
}

// run yields answers until all are in, time is up or the loop is left.
func (g *gathering) run(ctx context.Context, yield func(Reply, error) bool) (answered int, last error) {
	yielded := 0
	for {
		g.mu.Lock()
		answers, expected, late := g.answers, g.expected, g.late
		g.answers = nil
		g.mu.Unlock()

		for _, a := range answers {
			yielded++
			if a.Err == nil {
				answered++
			} else {
				last = a.Err
			}
			if !yield(replyOf(a), a.Err) {
				return answered, last
			}
		}
		missing := -1
		if expected >= 0 {
			missing = expected - yielded
		}
		switch {
		case missing == 0:
			return answered, last
		case late:
			last = &MissingError{missing, ErrTimeout}
		case ctx.Err() != nil:
			last = &MissingError{missing, context.Cause(ctx)}
		}
		if late || ctx.Err() != nil {
			yield(Reply{}, last)
			return answered, last
		}
		select {
		case <-g.news:
		case <-ctx.Done():
		}
	}
}

package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
)

// reader reads the stream for all namespaces, in order, and resumes where it was when the connection is
// lost. It has a consumer of its own, and another one whenever something is wrong with that.
type reader struct {
	x      *stream
	cancel context.CancelFunc
	done   chan struct{} // run has returned

	// Of run alone.
	last   position  // of the last message that was read
	behind time.Time // since when the leader does not have that; zero while it has

	mu      sync.Mutex
	reached position // last, after its message was handled
	again   func()   // ends the session
}

// start starts to read after a position.
func (r *reader) start(x *stream, p position) {
	r.x, r.last, r.reached, r.done = x, p, p, make(chan struct{})
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.Background())
	go r.run(ctx)
}

// stop ends the reader. Nothing is delivered when it returns.
func (r *reader) stop() {
	if r.cancel != nil {
		r.cancel()
		<-r.done
	}
}

// restart begins a new session, over a new connection.
func (r *reader) restart() {
	r.mu.Lock()
	again := r.again
	r.mu.Unlock()
	if again != nil {
		again()
	}
}

// position returns what the reader has reached.
func (r *reader) position() position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reached
}

// arrived publishes the position for Reached.
func (r *reader) arrived() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached = r.last
}

func (r *reader) run(ctx context.Context) {
	defer close(r.done)
	lost := false
	for tries := 0; ; tries++ {
		session, again := context.WithCancel(ctx)
		r.mu.Lock()
		r.again = again
		r.mu.Unlock()
		began := r.last
		err := r.session(session)
		restarted := session.Err() != nil
		again()
		switch {
		case ctx.Err() != nil:
			return
		case r.last != began:
			tries, lost = 0, false
		case !lost && !restarted && r.x.connected.Load(): // else that was reported
			lost = true
			r.x.report(fmt.Errorf("%w: nats at %s: stream %s: %s",
				adapter.ErrBrokerDown, r.x.where, r.x.cfg.Stream, oneLine(noAnswer(err))))
		}
		if !restarted && brokers.Backoff(ctx, tries) != nil {
			return
		}
	}
}

const (
	// readerHeartbeat finds a consumer that has gone, after twice this time.
	readerHeartbeat = time.Second
	// readerInactive is when JetStream removes a consumer that nobody reads.
	readerInactive = 15 * time.Second
	// readerBytes limits what is on its way, unless a message is larger.
	readerBytes = 8 << 20
)

// session reads with one consumer. It returns when something is wrong with it, or when ctx ends.
func (r *reader) session(ctx context.Context) error {
	info, err := r.x.info(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if info, err = r.x.tryMake(ctx); err == nil {
			info, err = r.x.info(ctx)
		}
	}
	if err != nil {
		return err
	}
	if err := r.verify(info); err != nil {
		return err
	}
	setup, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	consumer, err := r.x.js.CreateConsumer(setup, r.x.cfg.Stream, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq: r.last.seq + 1, InactiveThreshold: readerInactive, MemoryStorage: true, Replicas: 1,
	})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(
		jetstream.PullMaxBytes(max(readerBytes, 2*int(r.x.maxPayload.Load()))), jetstream.PullHeartbeat(readerHeartbeat))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for first := true; ; first = false {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		if err := r.handle(m, first); err != nil {
			return err
		}
	}
}

// staleLeader is how long a server may answer as the leader when another one is it: it hears of that, or
// notices that it has lost the majority.
const staleLeader = 12 * time.Second

// verify compares the stream with what was read of it.
func (r *reader) verify(info *jetstream.StreamInfo) error {
	made := madeAt(info.Created)
	if made == r.last.made && info.State.LastSeq < r.last.seq {
		if r.behind.IsZero() {
			r.behind = time.Now()
		}
		if time.Since(r.behind) < staleLeader {
			return errBehind
		}
	}
	r.behind = time.Time{}
	switch next := r.last.seq + 1; {
	case made != r.last.made:
		r.gap(errors.New("it was made again"))
		r.last = position{made, 0}
		r.arrived()
	case info.State.LastSeq < r.last.seq:
		r.gap(fmt.Errorf("it ends at %d, and %d has been read", info.State.LastSeq, r.last.seq))
		r.last.seq = info.State.LastSeq
		r.arrived()
	case info.State.FirstSeq > next:
		r.trimmed(info.State.FirstSeq)
	}
	return nil
}

// trimmed names the gap before the next message that there is.
func (r *reader) trimmed(next uint64) {
	r.gap(fmt.Errorf("%d messages were trimmed that were not read", next-r.last.seq-1))
	r.last.seq = next - 1
	r.arrived()
}

func (r *reader) gap(err error) {
	r.x.gap(fmt.Errorf("stream %s: %w", r.x.cfg.Stream, err))
}

// handle passes a message to its namespace. Whatever is wrong with it, the next one is read.
func (r *reader) handle(m jetstream.Msg, first bool) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	switch seq := meta.Sequence.Stream; {
	case seq <= r.last.seq:
		return nil
	case seq == r.last.seq+1:
	case first: // as the consumer has nothing in between, it is gone
		r.trimmed(seq)
	default: // it was lost on its way
		return fmt.Errorf("message %d came after %d", seq, r.last.seq)
	}
	r.last.seq = meta.Sequence.Stream
	defer r.arrived()
	rest, _ := strings.CutPrefix(m.Subject(), r.x.cfg.Prefix+".")
	namespace, _, _ := strings.Cut(rest, ".")
	r.x.mu.RLock()
	l := r.x.links[namespace]
	r.x.mu.RUnlock()
	if l == nil || m.Subject() == l.own {
		return nil
	}
	message, err := l.message(r.last, m.Data())
	if err != nil {
		r.x.invalid.Add(1)
		return nil
	}
	l.deliver(message)
	return nil
}

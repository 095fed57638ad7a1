package nats

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gosocketio/socketio/adapter"
)

// barrier waits until the NATS servers of all other processes know the subscriptions of this one.
//
// Our NATS server tells the others of a subscription before it passes on what we publish next, over
// the same connection. So a question to each other process follows the subscriptions. A process that
// answers is connected to a NATS server that knows them. NATS itself answers for a process that is
// gone, and for one of an older version, which does not listen.
//
// One round is for all who came before it. A process that has not answered in time is silent: rounds
// do not wait for it until it answers again, and say that it is missing. That is a gap (errLate).
//
// Between clusters of NATS servers (gateways) the order is another one: there it proves nothing. Of
// two clients that subscribe to a subject at the same moment, a NATS server tells the others once:
// the question of one may overtake that, by microseconds.
type barrier struct {
	c     *connection
	nc    *nats.Conn
	all   string // begins the subjects of all processes
	own   string // and those of this one
	sub   *nats.Subscription
	ended sync.WaitGroup // rounds

	mu      sync.Mutex
	next    *round // those who wait for the next round; nil if nobody does
	running bool
	closed  bool
	number  uint64            // of the last round
	open    map[string]*round // rounds under way, by number
	silent  map[string]bool   // tokens of processes; true if the late round gave up, too
}

// round is one question to each other process.
type round struct {
	missing map[string]struct{} // tokens of those that have not answered
	all     chan struct{}       // closed when all have answered

	done chan struct{} // closed when the round is over
	err  error         // set before
}

const (
	// question ends the subject of a question. That of an answer ends in the number of the round and
	// the token of the process that answers.
	question = "ask"
	// maxQuestions limits the questions and answers that wait to be handled. More are dropped.
	maxQuestions = 4096
	// maxReply is more than the subject of an answer takes.
	maxReply = 4 * maxToken
	// askAgain is how often one is asked in a round. NATS answers for those that have gone meanwhile.
	askAgain = 100 * time.Millisecond
	// silentFor is how long a late round waits. A process that says nothing for so long is gone.
	silentFor = 10 * time.Second
)

var errSilent = errors.New("a server does not answer")

// newBarrier subscribes. The process is asked once it is known, which is after that.
func newBarrier(c *connection, nc *nats.Conn) (*barrier, error) {
	b := &barrier{c: c, nc: nc, open: make(map[string]*round), silent: make(map[string]bool)}
	b.all = c.cfg.Prefix + "." + token("") + ".sync."
	b.own = b.all + token(c.uid) + "."
	var err error
	if b.sub, err = nc.Subscribe(b.own+">", b.receive); err == nil {
		err = b.sub.SetPendingLimits(maxQuestions, maxQuestions*maxReply)
	}
	return b, err
}

// close ends rounds under way. The connection's closing has been closed.
func (b *barrier) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.ended.Wait()
	_ = b.sub.Unsubscribe() // the connection may be closed
}

// wait waits for a round that begins after the call, until ctx ends. It returns at once if our NATS
// server is not in a cluster.
func (b *barrier) wait(ctx context.Context) error {
	if b.nc.ConnectedClusterName() == "" {
		return nil
	}
	r := b.join()
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-b.c.closing:
		return nats.ErrConnectionClosed
	}
}

// join returns the next round, which begins later.
func (b *barrier) join() *round {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = &round{done: make(chan struct{})}
		if !b.running && !b.closed {
			b.running = true
			b.ended.Go(b.run)
		}
	}
	return b.next
}

// run makes one round after the other, as long as somebody waits.
func (b *barrier) run() {
	for {
		b.mu.Lock()
		r := b.next
		b.next, b.running = nil, r != nil
		b.mu.Unlock()
		if r == nil {
			return
		}
		r.err = b.ask(r, false, settleFor)
		close(r.done)
	}
}

// late makes a round of silentFor that waits for the silent processes, too.
func (b *barrier) late() error {
	if b.nc.ConnectedClusterName() == "" {
		return nil
	}
	return b.ask(new(round), true, silentFor)
}

// ask makes a round. It returns an error unless all processes have answered. Silent ones are asked
// if late is true.
func (b *barrier) ask(r *round, late bool, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	number, err := b.begin(r, b.c.servers(ctx), late)
	defer b.end(number)
	again := time.NewTicker(askAgain)
	defer again.Stop()
	for {
		for _, to := range b.missing(r) {
			if err := b.nc.PublishRequest(b.all+to+"."+question, b.own+number+"."+to, nil); err != nil {
				return err
			}
		}
		select {
		case <-r.all:
			return err
		case <-again.C: // one may have gone with the question
		case <-ctx.Done():
			return b.giveUp(r, late)
		case <-b.c.closing:
			return nats.ErrConnectionClosed
		}
	}
}

// begin opens a round for these processes, and forgets those that are gone. It returns an error if
// silent ones are left out.
func (b *barrier) begin(r *round, servers []adapter.Server, late bool) (number string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.number++
	number = strconv.FormatUint(b.number, 10)
	r.missing, r.all = make(map[string]struct{}, len(servers)), make(chan struct{})
	silent := make(map[string]bool)
	for _, s := range servers {
		to := token(s.UID)
		if gaveUp, is := b.silent[to]; is {
			silent[to] = gaveUp
			if !late {
				err = errSilent
				continue
			}
		}
		r.missing[to] = struct{}{}
	}
	b.silent = silent
	b.open[number] = r
	if len(r.missing) == 0 {
		close(r.all)
	}
	return number, err
}

// missing returns the processes that have not answered.
func (b *barrier) missing(r *round) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Keys(r.missing))
}

// giveUp makes those that have not answered silent.
func (b *barrier) giveUp(r *round, late bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for to := range r.missing {
		b.silent[to] = late
	}
	return fmt.Errorf("%w: %d did not in time", errSilent, len(r.missing))
}

func (b *barrier) end(number string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.open, number)
}

// receive answers a question, or takes an answer.
func (b *barrier) receive(m *nats.Msg) {
	what, _ := strings.CutPrefix(m.Subject, b.own)
	if what != question {
		b.answered(what)
		return
	}
	if strings.HasPrefix(m.Reply, b.all) && len(m.Reply) <= maxReply {
		_ = b.nc.Publish(m.Reply, nil) // who misses it asks again
	}
}

// answered records an answer, of a process or of NATS, for a process that nobody can ask.
func (b *barrier) answered(what string) {
	number, from, _ := strings.Cut(what, ".")
	b.mu.Lock()
	gaveUp := b.silent[from]
	delete(b.silent, from)
	if r := b.open[number]; r != nil {
		if _, missing := r.missing[from]; missing {
			delete(r.missing, from)
			if len(r.missing) == 0 {
				close(r.all)
			}
		}
	}
	b.mu.Unlock()
	if gaveUp {
		b.c.subs.setLate()
	}
}

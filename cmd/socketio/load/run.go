package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Options are what scenarios have in common. Each says what it looks at.
type Options struct {
	// Conns is the number of connections.
	Conns int
	// Outstanding is how many messages each connection has on their way.
	Outstanding int
	// Size is the payload of a message, in bytes.
	Size int
	// Object makes the payload a JSON object instead of a string.
	Object bool
	// Rooms is how many rooms the connections are spread over.
	Rooms int
	// Joins is how many rooms of its own each connection joins besides.
	Joins int
	// Rate is how many messages are sent in a second.
	Rate int
	// Warmup passes before the measurement, which takes Duration.
	Warmup, Duration time.Duration
	// PID is the server's process, whose CPU time and memory are reported. 0: none.
	PID int
	// Progress is told what happens meanwhile. Nil: nobody.
	Progress io.Writer
}

// client is what a run ends.
type client interface {
	interrupt() // reads and writes fail from now on
	Close()
}

// dialers is how many connections are being made at once.
const dialers = 64

// run is a scenario under way.
type run struct {
	t   *Target
	o   Options
	ctx context.Context // ends with the run

	ops, bad, lost atomic.Int64
	measuring      atomic.Bool
	latency        histogram
	failure        atomic.Pointer[error] // the first

	end     context.CancelFunc
	wg      sync.WaitGroup
	mu      sync.Mutex
	clients []client
	before  usage
	result  Result
}

// errInterrupted is the error of a run whose context ended before it.
var errInterrupted = errors.New("load: interrupted")

// begin checks that the server has the handlers, and starts a run. The caller must call finish. Cancelling ctx interrupts
// every connection.
func begin(ctx context.Context, name string, t *Target, o Options, handlers ...handler) (*run, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	if err := t.require(ctx, handlers...); ctx.Err() != nil {
		return nil, errInterrupted
	} else if err != nil {
		return nil, err
	}
	r := &run{t: t, o: o, result: Result{Scenario: name, URL: t.URL, EIO: t.EIO, Conns: o.Conns}}
	r.ctx, r.end = context.WithCancel(ctx)
	context.AfterFunc(r.ctx, r.interrupt)
	if o.PID != 0 {
		r.result.Server = &ServerUsage{PID: o.PID}
		r.before, r.result.Server.unavailable = usageOf(o.PID)
		r.result.Server.RSSStart = r.before.rss
	}
	r.wg.Go(func() { t.keepAlive(r.ctx) })
	return r, nil
}

func (r *run) progress(format string, args ...any) {
	if r.o.Progress != nil {
		fmt.Fprintf(r.o.Progress, "%s: %s\n", r.result.Scenario, fmt.Sprintf(format, args...))
	}
}

// open makes n connections, and returns an error when one of them fails. live, if not nil, runs for each as soon as it is
// there, as with each: a connection that nobody reads would miss its pings while many others are being made.
func (r *run) open(n int, live func(i int, c *Conn) error) ([]*Conn, error) {
	start := time.Now()
	conns := make([]*Conn, n)
	var next, opened atomic.Int64
	var dialing sync.WaitGroup
	ctx, stop := context.WithCancelCause(r.ctx)
	defer stop(nil)
	for range min(dialers, n) {
		dialing.Go(func() {
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(n) {
					return
				}
				c, err := r.admitted(ctx)
				if err != nil {
					stop(fmt.Errorf("connection %d of %d: %w", i+1, n, err))
					return
				}
				conns[i] = c
				opened.Add(1)
				r.owns(c)
				if live != nil {
					r.alive(int(i), c, live)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { dialing.Wait(); close(done) }()
	r.eachSecond(done, func() { r.progress("%s of %s connections are open", thousands(opened.Load()), thousands(int64(n))) })
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if d := time.Since(start).Seconds(); d > 0 {
		r.result.ConnectsPerSec = float64(n) / d
	}
	return conns, nil
}

// admitted is Dial that tries again, as the official client does, while the server answers 503. It gives up after the
// target's Timeout.
func (r *run) admitted(ctx context.Context) (*Conn, error) {
	start := time.Now()
	for n := 0; ; n++ {
		c, err := r.t.Dial(ctx, "", nil)
		if !turnedAway(err) || time.Since(start) > r.t.Timeout {
			return c, err
		}
		r.pause(backoff(n))
		if ctx.Err() != nil {
			return nil, err
		}
	}
}

// owns adds a client that ends with the run.
func (r *run) owns(c client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clients = append(r.clients, c)
	if r.ctx.Err() != nil {
		c.interrupt()
	}
}

// interrupt makes the reads and writes of all clients fail.
func (r *run) interrupt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.clients {
		c.interrupt()
	}
}

// within runs f, in which a read or a write of c may take until the target's Timeout. The run must own c.
func (r *run) within(c *Conn, f func() error) error {
	_ = c.conn.SetDeadline(time.Now().Add(r.t.Timeout))
	defer func() {
		_ = c.conn.SetDeadline(time.Time{})
		if r.ctx.Err() != nil {
			c.interrupt() // an interruption before the line above would be lost
		}
	}()
	if err := r.ctx.Err(); err != nil {
		return err
	}
	return f()
}

// eachSecond calls f once a second until done.
func (r *run) eachSecond(done <-chan struct{}, f func()) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			f()
		}
	}
}

// each runs f for each connection on a goroutine of its own. An error of f, unless the run is over, is a lost connection.
func (r *run) each(conns []*Conn, f func(i int, c *Conn) error) {
	for i, c := range conns {
		r.alive(i, c, f)
	}
}

func (r *run) alive(i int, c *Conn, f func(i int, c *Conn) error) {
	r.wg.Go(func() {
		if err := f(i, c); err != nil && r.ctx.Err() == nil {
			r.lost.Add(1)
			r.failed(err)
		}
	})
}

// failed keeps the first error.
func (r *run) failed(err error) { r.failure.CompareAndSwap(nil, &err) }

// wrong counts a message that is not what it should be.
func (r *run) wrong(got []byte) {
	r.bad.Add(1)
	r.failed(fmt.Errorf("load: got %.100q", got))
}

// measure warms up, measures, and fills in the result.
func (r *run) measure() {
	r.pause(r.o.Warmup)
	from, _ := r.usage()
	r.ops.Store(0)
	r.measuring.Store(true)
	start := time.Now()
	last := int64(0)
	window, stop := context.WithTimeout(r.ctx, r.o.Duration)
	defer stop()
	r.eachSecond(window.Done(), func() {
		now := r.ops.Load()
		r.progress("%s operations a second", thousands(now-last))
		last = now
	})
	r.account(from, time.Since(start))
	r.measuring.Store(false)
}

// account fills in what was done, and what the server took, since from.
func (r *run) account(from usage, took time.Duration) {
	res := &r.result
	res.Ops = r.ops.Load()
	res.Seconds = took.Seconds()
	res.OpsPerSec = float64(res.Ops) / res.Seconds
	res.Latency = r.latency.summary()
	to, ok := r.usage()
	if !ok {
		return
	}
	s := res.Server
	s.RSSEnd, s.RSSPeak = to.rss, to.peak
	s.CPUPercent = 100 * (to.cpu - from.cpu).Seconds() / took.Seconds()
	if res.Ops > 0 {
		s.CPUPerOp = float64((to.cpu - from.cpu).Nanoseconds()) / 1e3 / float64(res.Ops)
	}
}

func (r *run) usage() (u usage, ok bool) {
	if r.result.Server == nil || r.result.Server.unavailable != nil {
		return u, false
	}
	u, err := usageOf(r.o.PID)
	if err != nil {
		r.result.Server.unavailable = err
	}
	return u, err == nil
}

// pause waits for d, or until the run ends.
func (r *run) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.ctx.Done():
	}
}

// finish ends the connections and the goroutines, and returns the result.
func (r *run) finish(err error) (*Result, error) {
	interrupted := r.ctx.Err()
	r.end() // interrupts all clients
	r.wg.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.clients {
		c.Close()
	}
	if interrupted != nil {
		err = errInterrupted
	}
	if err != nil {
		return nil, err
	}
	r.result.Bad, r.result.Lost = r.bad.Load(), r.lost.Load()
	if r.result.Ops == 0 && r.result.Scenario != "idle" {
		r.failed(errors.New("load: nothing came back from the server while it was measured"))
	}
	if first := r.failure.Load(); first != nil {
		r.result.FirstError = (*first).Error()
	}
	return &r.result, nil
}

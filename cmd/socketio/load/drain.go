package load

import (
	"context"
	"sync"
	"time"
)

// Drain is how clients moved from a server that was drained to another one.
type Drain struct {
	// Moved is how many joined the other server, TurnedAway how many attempts it answered with 503.
	Moved      int   `json:"moved"`
	TurnedAway int64 `json:"turned_away"`
	// Seconds is how long the first server took to close its connections.
	Seconds float64 `json:"seconds"`
	// Peak is the most clients that joined within a second; Even is Moved divided by Seconds.
	Peak int     `json:"peak"`
	Even float64 `json:"even"`
	// Back is the time from the end of a client's connection until it was back.
	Back *Latency `json:"back_us"`
	// Before and Meanwhile are how long the echoes took of clients that the other server had already, before and while the
	// others came.
	Before    *Latency `json:"before_us"`
	Meanwhile *Latency `json:"meanwhile_us"`
}

func (d *Drain) rows(row func(name, format string, args ...any)) {
	row("moved", "%s clients, in %.1f s; %s attempts were turned away", thousands(int64(d.Moved)), d.Seconds, thousands(d.TurnedAway))
	row("joined in a second", "%s at most, %.2f times as many as when evenly spread (%s)", thousands(int64(d.Peak)), float64(d.Peak)/d.Even, thousands(int64(d.Even)))
	if b := d.Back; b != nil {
		row("back after", "p50 %s   p99 %s   all %s", micros(b.P50), micros(b.P99), micros(b.Max))
	}
	for _, l := range []struct {
		name string
		l    *Latency
	}{{"echoes before", d.Before}, {"echoes meanwhile", d.Meanwhile}} {
		if l.l != nil {
			row(l.name, "p50 %s   p99 %s   max %s", micros(l.l.P50), micros(l.l.P99), micros(l.l.Max))
		}
	}
}

// Drains has Options.Conns clients of the server from move to t: drain asks from to end, which closes their connections, and
// they reconnect to t with the official client's back-off, within Options.Duration. A few clients of t have
// messages echoed, for Options.Warmup before and meanwhile. An operation is a client that has moved.
func Drains(ctx context.Context, t, from *Target, o Options, drain func()) (*Result, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	r, err := begin(ctx, "drain", from, o)
	if err != nil {
		return nil, err
	}
	r.result.URL = t.URL
	r.wg.Go(func() { t.keepAlive(r.ctx) })
	d := draining{avalanche: avalanche{run: r}, done: make(chan struct{})}
	for range attending {
		c, err := t.Dial(r.ctx, "", nil)
		if err != nil {
			return r.finish(err)
		}
		r.owns(c)
		r.wg.Go(func() { d.attend(c) })
	}
	if _, err = r.open(o.Conns, func(_ int, c *Conn) error { return d.move(c, t) }); err != nil {
		return r.finish(err)
	}
	r.result.ConnectsPerSec = 0
	r.pause(o.Warmup)
	d.echoes.reset()
	r.pause(o.Warmup)
	result := &Drain{Before: d.echoes.summary()}
	d.echoes.reset()
	usage, _ := r.usage()
	d.start = time.Now()
	d.falling.Store(true)
	drain()
	limit := time.NewTimer(o.Duration)
	defer limit.Stop()
	over := make(chan struct{})
	r.wg.Go(func() {
		defer close(over)
		select {
		case <-d.done:
		case <-limit.C:
		case <-r.ctx.Done():
		}
	})
	r.eachSecond(over, func() {
		r.progress("%s of %s have moved", thousands(d.back.Load()), thousands(int64(o.Conns)))
	})
	result.Meanwhile = d.echoes.summary()
	r.ops.Store(d.back.Load())
	r.account(usage, time.Since(d.start))
	d.mu.Lock()
	result.Moved, result.TurnedAway, result.Back = int(d.back.Load()), d.turnedAway.Load(), d.times.summary()
	result.Seconds = d.last.Sub(d.first).Seconds()
	result.Even = float64(result.Moved) / max(result.Seconds, 1)
	for _, n := range d.joined {
		result.Peak = max(result.Peak, n)
	}
	d.mu.Unlock()
	r.result.Drain = result
	return r.finish(nil)
}

// draining is an avalanche in which connections end one after another.
type draining struct {
	avalanche
	done chan struct{} // closed when all have moved

	mu          sync.Mutex
	first, last time.Time             // end of a connection
	joined      map[time.Duration]int // in each second since start
}

// move is one client: it reads until its server closes the connection, and comes to the other one.
func (d *draining) move(c *Conn, to *Target) error {
	d.read(c)
	c.Close()
	if !d.falling.Load() && d.ctx.Err() == nil {
		return errEnded
	}
	lost := time.Now()
	d.mu.Lock()
	if d.first.IsZero() {
		d.first = lost
	}
	d.last = lost
	d.mu.Unlock()
	for n := 0; d.ctx.Err() == nil; n++ {
		d.pause(backoff(n))
		c, err := to.Dial(d.ctx, "", nil)
		if err != nil {
			if turnedAway(err) {
				d.turnedAway.Add(1)
			}
			continue
		}
		d.owns(c)
		d.times.add(time.Since(lost))
		d.mu.Lock()
		if d.joined == nil {
			d.joined = make(map[time.Duration]int)
		}
		d.joined[time.Since(d.start)/time.Second]++
		d.mu.Unlock()
		if d.back.Add(1) == int64(d.o.Conns) {
			close(d.done)
		}
		d.read(c)
		if d.ctx.Err() == nil {
			return errEnded
		}
	}
	return nil
}

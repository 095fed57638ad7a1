package load

import (
	"bytes"
	"context"
	"sync/atomic"
	"time"
)

// Avalanche is how clients that lost their server all at once came back.
type Avalanche struct {
	// Recovered is how many were connected again when the run ended.
	Recovered int `json:"recovered"`
	// Back is the time from the loss until a client was back.
	Back *Latency `json:"back_us"`
	// Attempts is how often clients tried, TurnedAway how many of these the server answered with 503.
	Attempts   int64 `json:"attempts"`
	TurnedAway int64 `json:"turned_away"`
	// Meanwhile is how long the echoes took of the first that were back, while the others came. It is nil when the server answered
	// none.
	Meanwhile *Latency `json:"meanwhile_us,omitempty"`
}

func (a *Avalanche) rows(row func(name, format string, args ...any)) {
	row("recovered", "%s clients with %s attempts, of which %s were turned away", thousands(int64(a.Recovered)), thousands(a.Attempts), thousands(a.TurnedAway))
	if a.Back != nil {
		row("back after", "p50 %s   p99 %s   all %s", micros(a.Back.P50), micros(a.Back.P99), micros(a.Back.Max))
	}
	if m := a.Meanwhile; m != nil {
		row("echoes meanwhile", "p50 %s   p99 %s   max %s, of the first %d that were back", micros(m.P50), micros(m.P99), micros(m.Max), attending)
	}
}

// attending is how many of the first that are back have messages echoed, each one at a time.
const attending = 20

// Avalanches has Options.Conns clients lose the server at once and come back with the official client's back-off, within
// Options.Duration. restart, if not nil, ends the server, starts it again, and returns the new process; otherwise the clients
// lose their links. An operation is an attempt to connect. The first that are back ask for echoes while the others come.
func Avalanches(ctx context.Context, t *Target, o Options, restart func(context.Context) (pid int, err error)) (*Result, error) {
	r, err := begin(ctx, "avalanche", t, o)
	if err != nil {
		return nil, err
	}
	a := avalanche{run: r}
	all := make(chan struct{})
	conns, err := r.open(o.Conns, func(_ int, c *Conn) error {
		a.live(c, all)
		return nil
	})
	if err != nil {
		return r.finish(err)
	}
	r.pause(o.Warmup)
	from, _ := r.usage()
	a.start = time.Now()
	a.falling.Store(true)
	if restart == nil {
		for _, c := range conns {
			c.interrupt()
		}
	} else if r.o.PID, err = restart(r.ctx); err != nil {
		return r.finish(err)
	} else if s := r.result.Server; s != nil {
		s.PID, from = r.o.PID, usage{}
	}
	limit := time.NewTimer(o.Duration)
	defer limit.Stop()
	done := make(chan struct{})
	r.wg.Go(func() {
		defer close(done)
		select {
		case <-all:
		case <-limit.C:
		case <-r.ctx.Done():
		}
	})
	r.eachSecond(done, func() {
		r.progress("%s of %s are back", thousands(a.back.Load()), thousands(int64(o.Conns)))
	})
	r.ops.Store(a.attempts.Load())
	r.account(from, time.Since(a.start))
	r.result.Avalanche = &Avalanche{Recovered: int(a.back.Load()), Back: a.times.summary(), Attempts: a.attempts.Load(), TurnedAway: a.turnedAway.Load(), Meanwhile: a.echoes.summary()}
	return r.finish(nil)
}

type avalanche struct {
	*run
	start                      time.Time
	falling                    atomic.Bool // from here on it is the avalanche that ends connections
	back, attempts, turnedAway atomic.Int64
	times, echoes              histogram
}

// live is one client: it reads until the server is gone, comes back, and reads on.
func (a *avalanche) live(c *Conn, all chan struct{}) {
	a.read(c)
	c.Close()
	if !a.falling.Load() && a.ctx.Err() == nil {
		a.lost.Add(1)
		return
	}
	for n := 0; a.ctx.Err() == nil; n++ {
		a.pause(backoff(n))
		if a.ctx.Err() != nil {
			return
		}
		a.attempts.Add(1)
		c, err := a.t.Dial(a.ctx, c.recoveryAuth(), nil)
		if turnedAway(err) {
			a.turnedAway.Add(1)
		}
		if err != nil {
			continue
		}
		a.owns(c)
		a.times.add(time.Since(a.start))
		back := a.back.Add(1)
		if back == int64(a.o.Conns) {
			close(all)
		}
		if back <= attending {
			a.attend(c)
		} else {
			a.read(c)
		}
		if a.ctx.Err() == nil {
			a.lost.Add(1)
		}
		return
	}
}

func (a *avalanche) read(c *Conn) {
	for {
		if _, _, err := c.Next(); err != nil {
			return
		}
	}
}

// attend has messages echoed, one at a time.
func (a *avalanche) attend(c *Conn) {
	ask, answer := a.t.event("2", `["echo"]`), []byte("2"+a.t.namespace()+`["echo"]`)
	for a.ctx.Err() == nil {
		sent := time.Now()
		if c.Write(ask) != nil {
			return
		}
		for got := false; !got; {
			_, m, err := c.Next()
			if err != nil {
				return
			}
			got = bytes.HasPrefix(m, answer[:len(answer)-1])
		}
		a.echoes.add(time.Since(sent))
		a.pause(20 * time.Millisecond)
	}
}

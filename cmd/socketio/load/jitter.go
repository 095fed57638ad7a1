package load

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"
)

// Jitter is what clients whose links drop at random missed.
type Jitter struct {
	// Sent is how many messages were broadcast, and Expected how many deliveries that makes.
	Sent     int64 `json:"sent"`
	Expected int64 `json:"expected"`
	// Delivered counts each message once for each client.
	Delivered int64 `json:"delivered"`
	// Twice and Disordered are deliveries that came again, or after a later message.
	Twice      int64 `json:"twice"`
	Disordered int64 `json:"disordered"`
	// Drops is how often a link dropped; Recovered how often the client then found its state again.
	Drops     int64 `json:"drops"`
	Recovered int64 `json:"recovered"`
}

func (j *Jitter) failed() bool {
	return j.Delivered != j.Expected || j.Twice > 0 || j.Disordered > 0
}

func (j *Jitter) rows(row func(name, format string, args ...any)) {
	row("delivered", "%s of %s (%.3f %%), %s twice, %s out of order", thousands(j.Delivered), thousands(j.Expected),
		100*float64(j.Delivered)/float64(max(j.Expected, 1)), thousands(j.Twice), thousands(j.Disordered))
	row("links", "dropped %s times, recovered %s times", thousands(j.Drops), thousands(j.Recovered))
	if j.Drops > 0 && j.Recovered == 0 {
		row("", "the server keeps nothing for clients that come back: it has no connection state recovery")
	}
}

// settleFor is how long the clients have, once the last message is sent and every link is back, to get what they missed.
const settleFor = 30 * time.Second

// Jittery broadcasts Options.Rate messages a second for Options.Duration to Options.Conns clients, each of whose links drops
// at random, about once in every between, for up to down. A client that comes back says what it has, so that a server with
// connection state recovery can send the rest. An operation is a delivery.
func Jittery(ctx context.Context, t *Target, o Options, between, down time.Duration) (*Result, error) {
	r, err := begin(ctx, "jitter", t, o, t.broadcastHandler())
	if err != nil {
		return nil, err
	}
	r.result.Size = o.Size
	j := &jittery{run: r, between: between, down: down, prefix: []byte("2" + t.namespace() + `["broadcast",`)}
	_, err = r.open(o.Conns, func(_ int, c *Conn) error {
		j.waiting.Add(1)
		j.live(c)
		return nil
	})
	if err != nil {
		return r.finish(err)
	}
	// The publisher is in the broadcast too, and reads to no other end than to answer pings.
	publisher, err := r.open(1, func(_ int, c *Conn) error {
		for {
			if _, _, err := c.Next(); err != nil {
				return err
			}
		}
	})
	if err != nil {
		return r.finish(err)
	}
	from, _ := r.usage()
	r.measuring.Store(true)
	start := time.Now()
	sent, err := j.publish(publisher[0])
	took := time.Since(start)
	if err != nil {
		return r.finish(err)
	}
	j.total.Store(sent)
	settled := make(chan struct{})
	go func() { // ends with the run: each client stops waiting then
		for j.waiting.Load() > 0 && r.ctx.Err() == nil {
			r.pause(10 * time.Millisecond)
		}
		close(settled)
	}()
	deadline := time.NewTimer(down + settleFor)
	defer deadline.Stop()
	select {
	case <-settled:
	case <-deadline.C:
	}
	r.account(from, took)
	r.result.Jitter = &Jitter{
		Sent: sent, Expected: sent * int64(o.Conns), Delivered: j.delivered.Load(), Twice: j.twice.Load(), Disordered: j.disordered.Load(),
		Drops: j.drops.Load(), Recovered: j.recovered.Load(),
	}
	return r.finish(nil)
}

type jittery struct {
	*run
	between, down                                  time.Duration
	prefix                                         []byte
	total                                          atomic.Int64 // how many there are, once all are sent
	waiting                                        atomic.Int64 // clients that have not everything yet
	delivered, twice, disordered, drops, recovered atomic.Int64
}

// publish sends numbered messages at the rate, for the duration.
func (j *jittery) publish(c *Conn) (sent int64, err error) {
	o := &j.o
	tick := time.NewTicker(time.Second / time.Duration(max(o.Rate, 1)))
	defer tick.Stop()
	over := time.NewTimer(o.Duration)
	defer over.Stop()
	next := time.Now().Add(time.Second)
	for {
		select {
		case <-j.ctx.Done():
			return sent, j.ctx.Err()
		case <-over.C:
			return sent, nil
		case now := <-tick.C:
			if err := c.Write(j.t.event("2", fmt.Sprintf(`["broadcast",%d,%s]`, sent+1, payload(o.Size)))); err != nil {
				return sent, err
			}
			sent++
			if now.After(next) {
				next = next.Add(time.Second)
				j.progress("%s sent, %s delivered, links dropped %s times", thousands(sent), thousands(j.delivered.Load()), thousands(j.drops.Load()))
			}
		}
	}
}

// live is one client: it reads, loses its link, and comes back, until it has everything.
func (j *jittery) live(c *Conn) {
	defer j.waiting.Add(-1)
	last := int64(0)
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(j.spread(j.between)))
		if j.ctx.Err() != nil { // an interruption before the line above would be lost
			c.Close()
			return
		}
		err := j.read(c, &last)
		switch {
		case err == nil || j.ctx.Err() != nil:
			c.Close()
			return
		case !isTimeout(err):
			j.lost.Add(1)
			j.failed(err)
		}
		c.Close()
		j.drops.Add(1)
		j.pause(time.Duration(rand.Int64N(int64(j.down) + 1))) //nolint:gosec // spreads load, hides nothing
		if c = j.comeBack(c, &last); c == nil {
			return
		}
	}
}

// spread returns a random duration around d.
func (j *jittery) spread(d time.Duration) time.Duration {
	if j.total.Load() > 0 {
		return settleFor // the end: nothing drops any more
	}
	return d/2 + time.Duration(rand.Int64N(int64(d)+1)) //nolint:gosec // spreads load, hides nothing
}

// comeBack connects again with the client's back-off, nil when the run has ended.
func (j *jittery) comeBack(old *Conn, last *int64) *Conn {
	for n := 0; j.ctx.Err() == nil; n++ {
		c, err := j.t.Dial(j.ctx, old.recoveryAuth(), func(m []byte) { j.take(m, last) })
		if err == nil {
			if c.Sid == old.Sid {
				j.recovered.Add(1)
			}
			if c.Offset == "" {
				c.Offset = old.Offset
			}
			j.owns(c)
			return c
		}
		j.failed(err)
		j.pause(backoff(n))
	}
	return nil
}

// read takes messages until the link fails, which is an error, or everything is there.
func (j *jittery) read(c *Conn, last *int64) error {
	for {
		if total := j.total.Load(); total > 0 && *last >= total {
			return nil
		}
		_, m, err := c.Next()
		if err != nil {
			return err
		}
		j.take(m, last)
		c.note(m)
	}
}

// take judges a message by its number.
func (j *jittery) take(m []byte, last *int64) {
	rest, ok := bytes.CutPrefix(m, j.prefix)
	digits, _, _ := bytes.Cut(rest, []byte(","))
	n, err := strconv.ParseInt(string(digits), 10, 64)
	switch {
	case !ok && foreign(m, j.prefix):
	case !ok || err != nil:
		j.wrong(m)
	case n == *last+1:
		*last = n
		j.delivered.Add(1)
		j.ops.Add(1)
	case n <= *last:
		j.twice.Add(1)
	default: // some are missing; those that come later are out of order
		j.delivered.Add(1)
		j.ops.Add(1)
		*last = n
	}
}

package load

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Stalled is what a room with members that never read does to the others.
type Stalled struct {
	// Stalled is how many do not read, and CutOff how many of them the server had closed when the run ended.
	Stalled int `json:"stalled"`
	CutOff  int `json:"cut_off"`
	// Without is the latency of the others before the stalled ones came; Result.Latency is that beside them.
	Without *Latency `json:"without_us"`
}

func (s *Stalled) rows(row func(name, format string, args ...any)) {
	row("without the stalled", "p50 %s   p90 %s   p99 %s   max %s", micros(s.Without.P50), micros(s.Without.P90), micros(s.Without.P99), micros(s.Without.Max))
	row("stalled", "%d never read, the server has cut off %d of them", s.Stalled, s.CutOff)
}

// StalledReaders has Options.Conns connections in a room in which one of them sends Options.Rate messages a second: first
// alone, then, for as long again, beside connections in the same room that never read. An operation is a delivery to the
// former.
func StalledReaders(ctx context.Context, t *Target, o Options, stalled int) (*Result, error) {
	r, err := begin(ctx, "stalled", t, o, t.roomHandlers()...)
	if err != nil {
		return nil, err
	}
	r.result.Size = o.Size
	conns, err := r.open(o.Conns, nil)
	if err != nil {
		return r.finish(err)
	}
	for _, c := range conns {
		if err := r.enter(c, `["join","room"]`); err != nil {
			return r.finish(err)
		}
	}
	var first, last histogram
	g := r.group(t.event("2", `["room","room",`+payload(o.Size)+`]`), []byte("2"+t.namespace()+`["room",`+payload(o.Size)+`]`), &first, &last)
	g.sender, g.size, g.pace = conns[0], int64(len(conns)), time.Second/time.Duration(max(o.Rate, 1))
	r.each(conns, func(_ int, c *Conn) error {
		if c == g.sender {
			if err := g.send(); err != nil {
				return err
			}
		}
		return g.receive(c)
	})
	r.measure()
	s := &Stalled{Stalled: stalled, Without: r.latency.summary()}
	r.result.Stalled = s
	connects := r.result.ConnectsPerSec
	lazy, err := r.open(stalled, nil)
	if err != nil {
		return r.finish(err)
	}
	r.result.ConnectsPerSec = connects
	for _, c := range lazy {
		if err := c.Write(t.event("2", `0["join","room"]`)); err != nil {
			return r.finish(fmt.Errorf("joining as one that will not read: %w", err))
		}
	}
	for _, h := range []*histogram{&r.latency, &first, &last} {
		h.reset()
	}
	r.measure()
	r.result.First, r.result.Last = first.summary(), last.summary()
	s.CutOff = r.cutOff(lazy)
	return r.finish(nil)
}

// cutOff returns how many connections the server has ended.
func (r *run) cutOff(conns []*Conn) int {
	var n atomic.Int64
	var wg sync.WaitGroup
	for _, c := range conns {
		wg.Go(func() {
			_ = c.conn.SetReadDeadline(time.Now().Add(time.Second))
			if r.ctx.Err() == nil && c.ended() {
				n.Add(1)
			}
		})
	}
	wg.Wait()
	return int(n.Load())
}

// ended reads what the server had sent, until the read deadline, and tells whether the end of the connection came behind it.
func (c *Conn) ended() bool {
	buf := make([]byte, 64<<10)
	for {
		if _, err := c.conn.Read(buf); err != nil {
			return !isTimeout(err)
		}
	}
}

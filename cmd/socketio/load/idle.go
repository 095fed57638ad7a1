package load

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"
)

// Idle makes connections and then only answers heartbeats. An operation is a heartbeat. The server's memory per connection is
// what it grew by. With broadcast, one connection sends one message to all in the middle; the latency is that of its
// deliveries, also when another process sent it.
func Idle(ctx context.Context, t *Target, o Options, broadcast bool) (*Result, error) {
	var handlers []handler
	if broadcast {
		handlers = append(handlers, t.broadcastHandler())
	}
	r, err := begin(ctx, "idle", t, o, handlers...)
	if err != nil {
		return nil, err
	}
	prefix := []byte("2" + t.namespace() + `["broadcast",`)
	conns, err := r.open(o.Conns, func(_ int, c *Conn) error {
		for { // whatever else a server tells its clients is none of our business
			_, m, err := c.Next()
			if err != nil {
				return err
			}
			if rest, ok := bytes.CutPrefix(m, prefix); ok {
				r.delivered(rest)
			}
		}
	})
	if err != nil {
		return r.finish(err)
	}
	opened, ok := r.usage()
	if broadcast {
		r.wg.Go(func() {
			if r.pause(o.Warmup + o.Duration/2); r.ctx.Err() == nil {
				_ = conns[0].Write(t.event("2", fmt.Sprintf(`["broadcast",%d]`, time.Now().UnixNano()))) // its reader sees that it is gone
			}
		})
	}
	r.pause(o.Warmup)
	from := t.beats.Load()
	r.o.Warmup = 0
	r.measure()
	res := &r.result
	res.Ops = t.beats.Load() - from
	res.OpsPerSec = float64(res.Ops) / res.Seconds
	if s := res.Server; ok && s.unavailable == nil && o.Conns > 0 {
		s.RSSPerConn = (s.RSSEnd - s.RSSStart) / int64(o.Conns)
		s.CPUPerConn = float64((opened.cpu - r.before.cpu).Microseconds()) / float64(o.Conns)
		if res.Ops > 0 {
			s.CPUPerOp = s.CPUPercent / 100 * res.Seconds * 1e6 / float64(res.Ops)
		}
	}
	return r.finish(nil)
}

// delivered notes how long ago a message was sent, by the time in it.
func (r *run) delivered(args []byte) {
	end := bytes.IndexFunc(args, func(c rune) bool { return c < '0' || c > '9' })
	if sent, err := strconv.ParseInt(string(args[:max(end, 0)]), 10, 64); err == nil {
		r.latency.add(time.Since(time.Unix(0, sent)))
	}
}

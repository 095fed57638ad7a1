package load

import "context"

// Idle makes connections and then only answers heartbeats. An operation is a heartbeat. The server's memory per connection is
// what it grew by.
func Idle(ctx context.Context, t *Target, o Options) (*Result, error) {
	r, err := begin(ctx, "idle", t, o)
	if err != nil {
		return nil, err
	}
	conns, err := r.open(o.Conns)
	if err != nil {
		return r.finish(err)
	}
	opened, ok := r.usage()
	r.each(conns, func(_ int, c *Conn) error {
		for { // what a server tells its clients is none of our business
			if _, _, err := c.Next(); err != nil {
				return err
			}
		}
	})
	r.pause(o.Warmup)
	from := t.beats.Load()
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

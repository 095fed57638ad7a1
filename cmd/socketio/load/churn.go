package load

import (
	"context"
	"time"
)

// Churn makes connections, Options.Conns at a time: each joins the namespace and closes. An operation is a connection.
func Churn(ctx context.Context, t *Target, o Options) (*Result, error) {
	r, err := begin(ctx, "churn", t, o)
	if err != nil {
		return nil, err
	}
	for range max(o.Conns, 1) {
		r.wg.Go(func() {
			for r.ctx.Err() == nil {
				start := time.Now()
				c, err := t.Dial(r.ctx, "", nil)
				if err != nil {
					if r.ctx.Err() == nil {
						r.lost.Add(1)
						r.failed(err)
						r.pause(backoff(0))
					}
					continue
				}
				r.ops.Add(1)
				if r.measuring.Load() {
					r.latency.add(time.Since(start))
				}
				_ = c.Write(closeFrame) // a server that is gone fails the next one
				c.Close()
			}
		})
	}
	r.measure()
	return r.finish(nil)
}

var closeFrame = newFrame(opClose)

package load

import (
	"math/rand/v2"
	"time"
)

// The official client's back-off: from one second, doubling, to five, each time half more or less at random.
const (
	backoffMin    = time.Second
	backoffMax    = 5 * time.Second
	backoffJitter = 0.5
)

// backoff returns how long the official client waits before its attempt number n, which starts at 0.
func backoff(n int) time.Duration {
	d := min(backoffMin<<min(n, 10), backoffMax)
	return d + time.Duration((2*rand.Float64()-1)*backoffJitter*float64(d)) //nolint:gosec // spreads load, hides nothing
}

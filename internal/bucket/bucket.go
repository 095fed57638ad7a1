// Package bucket is the token bucket of rate limits, with eight bytes for each bucket.
package bucket

import (
	"math"
	"sync/atomic"
	"time"
)

// Limit is a rate with a burst, for any number of buckets. The zero Limit gives every token.
type Limit struct {
	cost  float64       // nanoseconds until the next token
	depth time.Duration // until an empty bucket is full
}

// forever bounds times, so that sums of them do not overflow.
const forever = math.MaxInt64 / 4

// New returns the limit of rate tokens per second, of which burst may come at once. Rate 0 is no limit.
func New(rate float64, burst int) Limit {
	if rate <= 0 {
		return Limit{}
	}
	cost := min(float64(time.Second)/rate, forever)
	return Limit{cost: cost, depth: duration(cost * float64(burst))}
}

// Limited reports whether there is a limit.
func (l Limit) Limited() bool { return l.cost > 0 }

// Depth returns how long an empty bucket takes to be full.
func (l Limit) Depth() time.Duration { return l.depth }

// Bucket holds tokens. The zero Bucket is full. It is safe for concurrent use.
type Bucket struct {
	full atomic.Int64 // when the bucket is full again, a time as the callers' now
}

// Allow takes a token and returns true, or returns false if there is none. now never is negative.
func (l Limit) Allow(b *Bucket, now time.Duration) bool {
	for {
		was := b.full.Load()
		full := max(time.Duration(was), now) + duration(l.cost)
		if full-now > l.depth {
			return false
		}
		if b.full.CompareAndSwap(was, int64(full)) {
			return true
		}
	}
}

// Take takes n tokens, also such as the bucket does not have. It returns how long it is in debt.
func (l Limit) Take(b *Bucket, now time.Duration, n int) (debt time.Duration) {
	for {
		was := b.full.Load()
		full := min(max(time.Duration(was), now)+duration(l.cost*float64(n)), forever)
		if b.full.CompareAndSwap(was, int64(full)) {
			return max(0, full-now-l.depth)
		}
	}
}

func duration(nanoseconds float64) time.Duration { return time.Duration(min(nanoseconds, forever)) }

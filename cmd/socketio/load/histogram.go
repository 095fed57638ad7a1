package load

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Buckets of a histogram: below 2^subBits each microsecond has its own, above each power of two has 2^subBits of them, so that
// a value is off by less than 1 %.
const (
	subBits = 7
	buckets = (64 - subBits) << subBits
)

// histogram counts durations. It is safe for concurrent use.
type histogram struct {
	count [buckets]atomic.Uint64
	n     atomic.Uint64
	max   atomic.Int64
}

func (h *histogram) add(d time.Duration) {
	us := uint64(max(d.Microseconds(), 0))
	i := us
	if us >= 1<<subBits {
		shift := bits.Len64(us) - subBits - 1
		i = uint64(shift+1)<<subBits + us>>shift - 1<<subBits
	}
	h.count[i].Add(1)
	h.n.Add(1)
	for {
		most := h.max.Load()
		if int64(d) <= most || h.max.CompareAndSwap(most, int64(d)) {
			return
		}
	}
}

// reset forgets everything; what is added meanwhile may or may not count.
func (h *histogram) reset() {
	for i := range h.count {
		h.count[i].Store(0)
	}
	h.n.Store(0)
	h.max.Store(0)
}

// quantile returns the duration that a part q of the durations do not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.n.Load()))
	for i := range h.count {
		c := h.count[i].Load()
		if c > rank {
			return bucketValue(uint64(i))
		}
		rank -= c
	}
	return time.Duration(h.max.Load())
}

func bucketValue(i uint64) time.Duration {
	if i < 1<<subBits {
		return time.Duration(i) * time.Microsecond
	}
	shift := i>>subBits - 1
	return time.Duration((i&(1<<subBits-1)+1<<subBits)<<shift) * time.Microsecond
}

// Latency sums up durations, in microseconds.
type Latency struct {
	P50  int64 `json:"p50"`
	P90  int64 `json:"p90"`
	P99  int64 `json:"p99"`
	P999 int64 `json:"p999"`
	Max  int64 `json:"max"`
	N    int64 `json:"n"`
}

// summary returns nil when nothing was counted.
func (h *histogram) summary() *Latency {
	n := h.n.Load()
	if n == 0 {
		return nil
	}
	q := func(p float64) int64 { return h.quantile(p).Microseconds() }
	return &Latency{P50: q(.5), P90: q(.9), P99: q(.99), P999: q(.999), Max: time.Duration(h.max.Load()).Microseconds(), N: int64(n)}
}

// Package bufpool lends buffers of two sizes. A buffer has one owner at a time, who gives it back when nothing refers to
// its bytes any more; what is shared between queues never comes from here.
package bufpool

import "sync"

const (
	// Small fits one read of a busy connection.
	Small = 16 << 10
	// Large fits one gathered write.
	Large = 64 << 10
)

var (
	small = sync.Pool{New: func() any { b := make([]byte, Small); return &b }}
	large = sync.Pool{New: func() any { b := make([]byte, Large); return &b }}
)

// Get returns a buffer of at least n bytes (its length is its capacity). Above Large it is a fresh one.
func Get(n int) *[]byte {
	switch {
	case n <= Small:
		return small.Get().(*[]byte)
	case n <= Large:
		return large.Get().(*[]byte)
	}
	b := make([]byte, n)
	return &b
}

// Put takes a buffer back. Buffers of any other size than Get's are left to the collector.
func Put(b *[]byte) {
	switch cap(*b) {
	case Small:
		*b = (*b)[:Small]
		Poison(*b)
		small.Put(b)
	case Large:
		*b = (*b)[:Large]
		Poison(*b)
		large.Put(b)
	}
}

// Package bufpool pools buffers of two sizes.
//
// A buffer has one owner at a time, which puts it back when nothing refers to its bytes. Bytes that
// queues share never come from here.
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

// Get returns a buffer of at least n bytes, at full length. Above Large it is not pooled.
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

// Put returns a buffer to its pool. Buffers of other capacities are left to the garbage collector.
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

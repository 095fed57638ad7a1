// Package stack spares new goroutines the growth of their stacks.
package stack

// Grow makes the stack of a new goroutine as large as decoding, a handler and an answer mostly need it (8 KB). It would grow
// there in two steps, each of which copies what is on it: as long as that is nothing it takes a tenth of the time.
func Grow() { roomy(0) }

//go:noinline
func roomy(i int) byte {
	var room [5 << 10]byte
	room[i] = 1
	return room[i/2]
}

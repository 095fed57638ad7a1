//go:build race

package bufpool

import "bytes"

var poison = bytes.Repeat([]byte{0xdb}, Large)

// Poison spoils a buffer that is given back, in builds with the race detector: whoever still reads it reads nonsense, and the tests see it.
func Poison(b []byte) {
	for b = b[:cap(b)]; len(b) > 0; b = b[copy(b, poison):] {
	}
}

//go:build race

package bufpool

import "bytes"

var poison = bytes.Repeat([]byte{0xdb}, Large)

// Poison overwrites a buffer, in builds with the race detector: tests then see a use after Put.
func Poison(b []byte) {
	for b = b[:cap(b)]; len(b) > 0; b = b[copy(b, poison):] {
	}
}

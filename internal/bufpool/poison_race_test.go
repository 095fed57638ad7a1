//go:build race

package bufpool

import (
	"bytes"
	"testing"
)

// The class of nats-server's #8244: a buffer that is given back while something still refers to it.
func TestBuffersAreSpoiledWhenGivenBack(t *testing.T) {
	t.Attr("covers", "abuse/PR-8244")
	for _, size := range []int{Small, Large} {
		b := Get(size)
		copy(*b, "still needed")
		kept := *b
		Put(b)
		if !bytes.Equal(kept, bytes.Repeat([]byte{0xdb}, size)) {
			t.Errorf("a buffer of %d bytes reads %q", size, kept[:12])
		}
	}
	large := make([]byte, 10, Large+100)
	Poison(large)
	if large = large[:cap(large)]; large[0] != 0xdb || large[Large+99] != 0xdb {
		t.Error("a part of a large buffer is left")
	}
}

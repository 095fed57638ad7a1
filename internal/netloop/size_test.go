//go:build linux

package netloop

import (
	"testing"
	"unsafe"
)

func TestConnIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 48 {
		t.Errorf("a Conn has %d bytes, the budget is 48", n)
	}
}

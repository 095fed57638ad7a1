package engineio

import (
	"testing"
	"unsafe"
)

// What every connection has, however idle. The numbers are sizes that the allocator has (64-bit).
func TestSizesPerConnection(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, most uintptr
	}{
		{"Session", unsafe.Sizeof(Session{}), 256},
		{"Handshake", unsafe.Sizeof(Handshake{}), 128},
		{"wsConn", unsafe.Sizeof(wsConn{}), 80},
		{"an entry of an outbox", unsafe.Sizeof(entry{}), 64},
	} {
		if c.got > c.most {
			t.Errorf("%s has %d bytes, the budget is %d", c.name, c.got, c.most)
		}
	}
}

package socketio

import (
	"testing"
	"unsafe"
)

// What every connection has, however idle, and what every event has. The numbers are sizes that the
// allocator has (64-bit).
func TestSizesPerConnection(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, most uintptr
	}{
		{"client", unsafe.Sizeof(client{}), 176},
		{"Socket", unsafe.Sizeof(Socket{}), 256},
		{"Event", unsafe.Sizeof(Event{}), 256},
	} {
		if c.got > c.most {
			t.Errorf("%s has %d bytes, the budget is %d", c.name, c.got, c.most)
		}
	}
}

package bufpool

import "testing"

func TestSizes(t *testing.T) {
	for _, c := range []struct{ ask, want int }{{0, Small}, {Small, Small}, {Small + 1, Large}, {Large, Large}, {Large + 1, Large + 1}} {
		b := Get(c.ask)
		if len(*b) != c.want {
			t.Errorf("Get(%d) has %d bytes, want %d", c.ask, len(*b), c.want)
		}
		*b = (*b)[:1]
		Put(b)
		if again := Get(c.ask); len(*again) != c.want {
			t.Errorf("after Put of a shortened buffer, Get(%d) has %d bytes, want %d", c.ask, len(*again), c.want)
		}
	}
}

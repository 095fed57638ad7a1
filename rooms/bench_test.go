package rooms_test

import (
	"fmt"
	"testing"
)

func BenchmarkSelect(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		x := crowd(n)
		dst := make([]int, 0, n)
		for _, c := range []struct {
			name       string
			in, except []string
		}{
			{"everyone", nil, nil},
			{"room", []string{"all"}, nil},
			{"room-but-one", []string{"all"}, []string{"m1"}},
			{"rooms-but-room", []string{"all", "mod1"}, []string{"mod2"}},
		} {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					dst = x.Select(dst[:0], c.in, c.except)
				}
			})
		}
	}
}

func BenchmarkJoinLeave(b *testing.B) {
	for _, n := range []int{10, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			x := crowd(n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				id := fmt.Sprint("m", i%n)
				x.Leave(id, "all")
				x.Join(id, "all")
			}
		})
	}
}

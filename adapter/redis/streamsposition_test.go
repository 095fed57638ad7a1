package redis

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestPosition(t *testing.T) {
	sorted := []string{"", "0-0", "1-0", "9-0", "9-1", "9-9", "9-10", "10-0", "18446744073709551615-18446744073709551615"}
	for i, a := range sorted {
		for j, b := range sorted {
			want := 0
			if i != j {
				want = (i - j) / max(i-j, j-i)
			}
			if got := comparePositions(a, b); got != want {
				t.Errorf("%q and %q: %d", a, b, got)
			}
		}
	}
	for _, s := range []string{"", "1", "-", "1-", "-1", "a-1", "1-1-1", "1-18446744073709551616", "+1-1", "1 -1"} {
		if p, ok := parsePosition(s); ok {
			t.Errorf("%q is %v", s, p)
		}
	}
	p := position{5, math.MaxUint64}
	if n := p.next(); n != (position{6, 0}) || n.previous() != p {
		t.Errorf("got %v, %v", n, n.previous())
	}
}

// What was sent twice is recognised, in whatever order it comes.
func TestSeen(t *testing.T) {
	var s seen
	again := func(numbers ...uint64) (is []bool) {
		for _, n := range numbers {
			is = append(is, s.again(fmt.Sprintf("w.%d", n)))
		}
		return is
	}
	for _, test := range []struct {
		numbers []uint64
		want    []bool
	}{
		{[]uint64{1, 2, 2, 1, 3}, []bool{false, false, true, true, false}},
		{[]uint64{10, 9, 9, 4, 3}, []bool{false, false, true, false, true}},
		{[]uint64{10 + windowSize, 11, 10, 9}, []bool{false, false, true, true}},
		{[]uint64{20 + windowSize, 21, 20, 11, 20 + windowSize}, []bool{false, false, true, true, true}},
		{[]uint64{9 * windowSize, 9*windowSize - 1, 8*windowSize + 1, 8 * windowSize}, []bool{false, false, false, true}},
		{[]uint64{math.MaxUint64, math.MaxUint64, 1}, []bool{false, true, true}},
	} {
		if got := again(test.numbers...); !slices.Equal(got, test.want) {
			t.Errorf("%v: %v, want %v", test.numbers, got, test.want)
		}
	}
	for range 2 {
		for _, sequence := range []string{"", "x", ".1", "x.", "x.y", "x.-1"} {
			if s.again(sequence) {
				t.Errorf("%q was there before", sequence)
			}
		}
	}
	if s.again("v.1") || !s.again("v.1") {
		t.Error("another writer has the numbers of the first")
	}
}

// The memory for writers is bounded, and those that were heard last are known.
func TestSeenWriters(t *testing.T) {
	var s seen
	for n := range 10 * maxWriters {
		if s.again(fmt.Sprintf("%d.1", n)) || n > 500 && !s.again(fmt.Sprintf("%d.1", n-500)) {
			t.Fatalf("wrong at %d", n)
		}
	}
	if len(s.writers) > maxWriters || len(s.old) > maxWriters {
		t.Errorf("%d and %d writers are kept", len(s.writers), len(s.old))
	}
}

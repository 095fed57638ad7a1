package brokers

import (
	"strconv"
	"strings"
)

// ParsePosition parses a position in a log: two numbers with a separator between them, the first
// one in a base.
func ParsePosition[N int64 | uint64](s, separator string, base int) (first, second N, ok bool) {
	a, b, found := strings.Cut(s, separator)
	x, err1 := strconv.ParseUint(a, base, 64)
	y, err2 := strconv.ParseUint(b, 10, 64)
	first, second = N(x), N(y)
	return first, second, found && err1 == nil && err2 == nil && first >= 0 && second >= 0
}

// ComparePositions compares two positions in a log. A text that is no position is before all
// positions.
func ComparePositions[P any](a, b string, parse func(string) (P, bool), compare func(P, P) int) int {
	p, okP := parse(a)
	q, okQ := parse(b)
	switch {
	case okP && okQ:
		return compare(p, q)
	case okP:
		return 1
	case okQ:
		return -1
	}
	return 0
}

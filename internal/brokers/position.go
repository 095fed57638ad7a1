package brokers

// ComparePositions compares two positions in a log. What is no position is before all of them.
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

//go:build race

package clusterwire_test

// raceEnabled: the race detector makes sync.Pool drop some of what it is given, so that counting
// allocations means nothing.
const raceEnabled = true

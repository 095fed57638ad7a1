//go:build !race

package clusterwire_test

const raceEnabled = false

// Package leak fails a package's tests when they leave goroutines behind.
//
// Every package of this module has a TestMain that calls [Main]. It is not a
// profiler and finds no leaked memory: it compares the goroutines alive after
// the tests with those alive before them.
//
// The package has no state and no locks.
package leak

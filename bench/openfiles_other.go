//go:build !unix

package main

import (
	"errors"
	"runtime"
)

// openFiles is for systems that limit how many files a process may open.
func openFiles() (int, error) {
	return 0, errors.New(runtime.GOOS + " has no limit of open files to measure up to")
}

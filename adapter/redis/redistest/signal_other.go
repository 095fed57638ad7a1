//go:build !unix

package redistest

import "syscall"

// There are no such signals here, and no redis-server either: this is for go vet.
const (
	sigStop     = syscall.Signal(0x13)
	sigContinue = syscall.Signal(0x12)
)

//go:build unix

package engineio

import (
	"sync"
	"syscall"
)

// writeTry is one non-blocking write. It is pooled with its closure, which would otherwise be garbage per write.
type writeTry struct {
	b    []byte
	n    int
	err  error
	once func(fd uintptr) bool
}

var writeTries = sync.Pool{New: func() any {
	w := new(writeTry)
	w.once = func(fd uintptr) bool {
		w.n, w.err = retry(func() (int, error) { return syscall.Write(int(fd), w.b) })
		return true
	}
	return w
}}

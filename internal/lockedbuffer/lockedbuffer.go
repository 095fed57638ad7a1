// Package lockedbuffer has a buffer for tests that read what goroutines still write, such as a log.
package lockedbuffer

import (
	"bytes"
	"sync"
)

// Buffer is a bytes.Buffer with a lock. The zero value is empty.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns what has been written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

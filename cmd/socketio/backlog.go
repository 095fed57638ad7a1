package main

import (
	"slices"
	"sync"
	"time"
)

// Limits of the backlog. All of it fits in what may wait for one client (Config.MaxBufferedBytes), as base64 too.
const (
	backlogAge   = 5 * time.Minute
	backlogCount = 1000
	backlogBytes = 4_000_000
)

// backlog is what was said in the last minutes, for pages that lost their connection meanwhile.
type backlog struct {
	mu       sync.Mutex
	messages []Message // the oldest first
	bytes    int
}

// add takes a message in, and forgets what is too old or too much.
func (b *backlog) add(m Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = append(b.messages, m)
	b.bytes += weight(m)
	oldest := m.At - backlogAge.Milliseconds()
	n := 0
	for ; n < len(b.messages) && (b.messages[n].At < oldest || len(b.messages)-n > backlogCount || b.bytes > backlogBytes); n++ {
		b.bytes -= weight(b.messages[n])
	}
	b.messages = slices.Delete(b.messages, 0, n)
}

// since returns what was said since a time, in milliseconds since 1970; of 0, which is nobody's, nothing.
func (b *backlog) since(at int64) []Message {
	if at <= 0 {
		return nil
	}
	oldest := max(at, time.Now().Add(-backlogAge).UnixMilli())
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.messages), func(m Message) bool { return m.At < oldest })
}

func weight(m Message) int {
	n := len(m.ID) + len(m.Text)
	if m.File != nil {
		n += len(m.File.Name) + len(m.File.Type) + len(m.File.Data)
	}
	return n
}

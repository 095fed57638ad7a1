package main

import (
	"slices"
	"sync"
	"time"
)

// Limits of the backlog.
const (
	backlogAge   = 5 * time.Minute
	backlogCount = 1000
	backlogBytes = 4_000_000
	pageBytes    = 64_000 // of one answer, unless a single message has more
)

// Page is a part of the backlog.
type Page struct {
	Messages []Message `json:"messages"`
	UpTo     int64     `json:"upTo"` // where the next page begins
	More     bool      `json:"more"`
}

// backlog is what was said in the last minutes, for pages that lost their connection meanwhile.
type backlog struct {
	mu       sync.Mutex
	messages []Message // the oldest first
	bytes    int
	last     int64 // the newest message's At
}

// add keeps a message, sets its time, and drops what is too old or too much.
func (b *backlog) add(m Message) Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	m.At = max(time.Now().UnixMilli(), b.last+1)
	b.keepLocked(m)
	return m
}

// keep keeps a message to which another server has given its time.
func (b *backlog) keep(m Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keepLocked(m)
}

func (b *backlog) keepLocked(m Message) {
	b.last = max(b.last, m.At)
	b.messages = append(b.messages, m)
	for i := len(b.messages) - 1; i > 0 && b.messages[i-1].At > m.At; i-- { // clocks differ
		b.messages[i-1], b.messages[i] = b.messages[i], b.messages[i-1]
	}
	b.bytes += weight(m)
	oldest := m.At - backlogAge.Milliseconds()
	n := 0
	for ; n < len(b.messages) && (b.messages[n].At < oldest || len(b.messages)-n > backlogCount || b.bytes > backlogBytes); n++ {
		b.bytes -= weight(b.messages[n])
	}
	b.messages = slices.Delete(b.messages, 0, n)
}

// page returns the first accepted messages after a time, in milliseconds since 1970; of 0, which is nobody's, none.
func (b *backlog) page(since int64, accept func(Message) bool) Page {
	p := Page{Messages: []Message{}, UpTo: since}
	if since <= 0 {
		return p
	}
	b.mu.Lock()
	recent := slices.Clone(b.messages)
	b.mu.Unlock()
	oldest := time.Now().Add(-backlogAge).UnixMilli()
	bytes := 0
	for _, m := range recent {
		switch {
		case m.At <= since || m.At < oldest:
		case !accept(m):
			p.UpTo = m.At
		case bytes > 0 && bytes+weight(m) > pageBytes:
			p.More = true
			return p
		default:
			bytes += weight(m)
			p.Messages, p.UpTo = append(p.Messages, m), m.At
		}
	}
	return p
}

// weight is about what a message takes as JSON, besides its text and its file.
func weight(m Message) int {
	n := 200 + len(m.ID) + len(m.Text)
	if m.File != nil {
		n += len(m.File.Name) + len(m.File.Type) + len(m.File.Data)
	}
	return n
}

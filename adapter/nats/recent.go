package nats

import (
	"strings"
	"sync"
	"time"
)

// recent keeps the rooms that SocketsJoin has named lately: a server may not have subscribed to them
// yet. It keeps each for joinTime to twice that.
type recent struct {
	mu       sync.Mutex
	now, old rooms
	began    time.Time // of now
}

// rooms are names, or all names when there were too many.
type rooms struct {
	names map[string]struct{}
	all   bool
}

const (
	joinTime    = 3 * time.Second
	recentRooms = 4096
)

// turnLocked makes now old when its time is over.
func (r *recent) turnLocked() {
	switch age := time.Since(r.began); {
	case age > 2*joinTime:
		r.now, r.old, r.began = rooms{}, rooms{}, time.Now()
	case age > joinTime:
		r.now, r.old, r.began = rooms{}, r.now, time.Now()
	}
}

func (r *recent) add(names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turnLocked()
	if r.now.names == nil {
		r.now.names = make(map[string]struct{})
	}
	for _, name := range names {
		if len(r.now.names) >= recentRooms {
			r.now = rooms{all: true, names: r.now.names}
			return
		}
		r.now.names[strings.Clone(name)] = struct{}{}
	}
}

// any tells whether one of the names is kept.
func (r *recent) any(names []string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now.names == nil && r.old.names == nil {
		return false
	}
	r.turnLocked()
	if r.now.all || r.old.all {
		return true
	}
	for _, name := range names {
		_, now := r.now.names[name]
		_, old := r.old.names[name]
		if now || old {
			return true
		}
	}
	return false
}

// seen recognises the copies of a message, by the number of the last one of each server. Servers
// number them in order, and the copies of one arrive one after the other. Memory is bounded: the last 1,024 to
// 2,048 servers.
type seen struct {
	last, old map[string]string // number by uid; when last is full it becomes old
}

const maxServers = 1024

// again tells whether the value of copyHeader is that of the last message of this server.
func (s *seen) again(value string) bool {
	uid, number, ok := strings.Cut(value, ".")
	if !ok || len(value) > maxHeader {
		return false
	}
	last, known := s.last[uid]
	if !known {
		last = s.old[uid]
		if s.last == nil || len(s.last) >= maxServers {
			s.last, s.old = make(map[string]string), s.last
		}
	}
	s.last[strings.Clone(uid)] = number
	return last == number
}

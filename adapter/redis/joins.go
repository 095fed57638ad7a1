package redis

import (
	"sync"
	"sync/atomic"
	"time"
)

// joins remembers the rooms that this server has lately told sockets of others to join. Their servers
// may not be subscribed to the channels of these rooms yet, so that what follows at once would miss
// them: it goes over the channel for all.
type joins struct {
	used atomic.Bool // rooms is not empty

	mu    sync.Mutex
	rooms map[string]time.Time // when they count as old
	all   time.Time            // until then every room counts as new: there were too many
}

// Bounds of joins.
const (
	joinGrace = 2 * time.Second // how long others may take to subscribe
	maxJoins  = 4096
)

func (j *joins) add(rooms []string) {
	now := time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.rooms == nil {
		j.rooms = make(map[string]time.Time)
	}
	j.used.Store(true)
	for _, room := range rooms {
		if _, known := j.rooms[room]; !known && len(j.rooms) >= maxJoins {
			j.all = now.Add(joinGrace)
			clear(j.rooms)
		}
		j.rooms[room] = now.Add(joinGrace)
	}
}

// has reports whether a room is new.
func (j *joins) has(room string) bool {
	if !j.used.Load() {
		return false
	}
	now := time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	until, known := j.rooms[room]
	if known && now.After(until) {
		delete(j.rooms, room)
		j.used.Store(len(j.rooms) > 0)
		known = false
	}
	return known || now.Before(j.all)
}

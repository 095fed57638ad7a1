package brokers

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Joins remembers the rooms that sockets of other servers were lately told to join. Their servers may
// not have subscribed to these rooms yet, so that what follows at once would miss them: it goes to all.
type Joins struct {
	used atomic.Bool // a room may be new

	mu    sync.Mutex
	rooms map[string]time.Time // when they count as old
	all   time.Time            // until then every room counts as new: there were too many
	last  time.Time            // when the newest counts as old
}

// Bounds of Joins.
const (
	joinGrace = 3 * time.Second // how long others may take to subscribe
	maxJoins  = 4096
)

// Add remembers rooms.
func (j *Joins) Add(rooms []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.rooms == nil {
		j.rooms = make(map[string]time.Time)
	}
	now := time.Now()
	j.last = now.Add(joinGrace)
	j.used.Store(true)
	for _, room := range rooms {
		if _, known := j.rooms[room]; !known && len(j.rooms) >= maxJoins {
			maps.DeleteFunc(j.rooms, func(_ string, until time.Time) bool { return now.After(until) })
			if len(j.rooms) > maxJoins/2 {
				j.all = j.last
				clear(j.rooms)
			}
		}
		j.rooms[strings.Clone(room)] = j.last
	}
}

// Any reports whether one of the rooms is new.
func (j *Joins) Any(rooms []string) bool {
	if !j.used.Load() {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	if now.After(j.last) {
		j.used.Store(false)
		clear(j.rooms)
		return false
	}
	for _, room := range rooms {
		if now.Before(j.rooms[room]) || now.Before(j.all) {
			return true
		}
	}
	return false
}

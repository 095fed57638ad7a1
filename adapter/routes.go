package adapter

import (
	"sync"
	"time"
)

// routes opens and closes rooms at a Router: a room is open while it has local sockets, and for keep
// after the last one has left, because its client may come back.
type routes struct {
	router Router
	keep   time.Duration

	mu      sync.Mutex // taken under the lock of the rooms
	closing map[string]time.Time
	queue   []closing // of closing, the next first; stale where a room was opened again
	timer   *time.Timer
	stopped bool
}

// closing is a room without local sockets, and when it is closed.
type closing struct {
	room string
	at   time.Time
}

func newRoutes(r Router, keep time.Duration) *routes {
	return &routes{router: r, keep: keep, closing: make(map[string]time.Time)}
}

// changed records that a room has its first local socket, or has lost its last one.
func (r *routes) changed(room string, exists bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, open := r.closing[room]
	switch {
	case exists && open:
		delete(r.closing, room)
	case exists:
		r.router.RoomOpened(room)
	case r.keep == 0:
		r.router.RoomClosed(room)
	default:
		at := time.Now().Add(r.keep)
		r.closing[room] = at
		r.queue = append(r.queue, closing{room, at})
		if r.timer == nil && !r.stopped {
			r.timer = time.AfterFunc(r.keep, r.sweep)
		}
	}
}

// sweep closes the rooms whose time has come.
func (r *routes) sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) > 0 && !r.stopped {
		next := r.queue[0]
		if wait := time.Until(next.at); wait > 0 {
			r.timer.Reset(wait)
			return
		}
		r.queue = r.queue[1:]
		if at, open := r.closing[next.room]; open && at.Equal(next.at) {
			delete(r.closing, next.room)
			r.router.RoomClosed(next.room)
		}
	}
	r.queue, r.timer = nil, nil
}

func (r *routes) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	if r.timer != nil {
		r.timer.Stop()
	}
}

package socketio

import (
	"sync"
	"time"
)

// endings runs the disconnect callbacks of a connection's sockets, of which there may be a thousand. One goroutine runs them, one
// socket after the other; while callbacks block, others go on with the rest.
type endings struct {
	mu      sync.Mutex
	sockets []*Socket // whose callbacks are still to be run
	runners int
	seen    int // how many were left when relieve last looked
	relief  *time.Timer
}

// endingStall is how long a callback may keep the others waiting, once or at most twice over.
const endingStall = time.Millisecond

// endAll disconnects sockets of one connection, which must have forgotten them, and returns those that it disconnected.
func endAll(sockets []*Socket, reason Reason, cause error) (ended []*Socket) {
	e := &endings{}
	for _, s := range sockets {
		first, start := s.endWithoutWorker(reason, cause, 0)
		if start {
			s.ns.server.workers.begin()
			e.sockets = append(e.sockets, s)
		}
		if first {
			ended = append(ended, s)
		}
	}
	if len(e.sockets) > 0 {
		e.start()
	}
	return ended
}

func (e *endings) start() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen = len(e.sockets); e.seen > 1 {
		e.relief = time.AfterFunc(endingStall, e.relieve)
	}
	e.runners = 1
	go e.run()
}

// run runs the callbacks of one socket after the other.
func (e *endings) run() {
	returned := false
	defer func() {
		if !returned { // a callback ended the goroutine (runtime.Goexit)
			go e.run()
		}
	}()
	for s := e.next(); s != nil; s = e.next() {
		s.work()
	}
	returned = true
}

func (e *endings) next() *Socket {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.sockets) == 0 {
		if e.relief != nil {
			e.relief.Stop()
		}
		return nil
	}
	s := e.sockets[0]
	e.sockets[0] = nil
	e.sockets = e.sockets[1:]
	return s
}

// relieve doubles the goroutines when none has come further since it last looked.
func (e *endings) relieve() {
	e.mu.Lock()
	defer e.mu.Unlock()
	left := len(e.sockets)
	if left == 0 {
		return
	}
	if left == e.seen {
		for range min(e.runners, left) {
			e.runners++
			go e.run()
		}
	}
	e.seen = left
	e.relief.Reset(endingStall)
}

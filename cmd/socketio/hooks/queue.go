package hooks

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// taskOverhead is the size of a task besides its body, in bytes.
	taskOverhead = 512
	// maxSocketTasks and maxSocketBytes limit the queue of a socket. An event is accepted while
	// there is less.
	maxSocketTasks, maxSocketBytes = 32, 256 << 10
)

// queue has the requests that wait for one socket. Its fields are guarded by scheduler.mu.
type queue struct {
	tasks []*task // the first one may be on its way
	bytes int
	busy  bool          // in scheduler.ready, with a worker, or asleep
	ended bool          // the disconnect was added, or never will be
	room  chan struct{} // closed when a task is done; nil: nobody waits for that
}

func (q *queue) full() bool { return len(q.tasks) >= maxSocketTasks || q.bytes >= maxSocketBytes }

// scheduler runs the tasks of many queues: those of one queue in order, one at a time, those of
// different queues in parallel and in turn.
type scheduler struct {
	run      func(t *task) (pause time.Duration, again bool) // without the lock
	parallel int
	limit    int // of bytes

	workers sync.WaitGroup

	mu      sync.Mutex
	ready   []*queue // have tasks, and no worker
	asleep  map[*queue]*time.Timer
	running int // workers
	tasks   int
	bytes   int
	empty   chan struct{} // closed when no task is left; not nil while closing
	closed  bool          // what is left is not sent
}

func (s *scheduler) init(run func(*task) (time.Duration, bool), parallel, limit int) {
	s.run, s.parallel, s.limit, s.asleep = run, parallel, limit, make(map[*queue]*time.Timer)
}

// verdict says whether a task was added.
type verdict uint8

const (
	added       verdict = iota
	noRoom              // the scheduler's limit is reached
	notAccepted         // the queue has ended, or the scheduler is closing
)

// add adds an event. While the queue is full it waits, until ctx ends.
func (s *scheduler) add(ctx context.Context, q *queue, t *task) verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	for q.full() && !q.ended && s.empty == nil {
		if q.room == nil {
			q.room = make(chan struct{})
		}
		room := q.room
		s.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
		}
		s.mu.Lock()
		if ctx.Err() != nil {
			return notAccepted
		}
	}
	switch {
	case q.ended || s.empty != nil:
		return notAccepted
	case s.bytes+t.cost > s.limit/4*3: // the rest is for disconnects
		return noRoom
	}
	s.addLocked(q, t)
	return added
}

// addLast adds a disconnect, after which the queue accepts nothing. t is nil for none.
func (s *scheduler) addLast(q *queue, t *task) verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.ended {
		return notAccepted
	}
	q.ended = true
	switch {
	case t == nil || s.empty != nil:
		return notAccepted
	case s.bytes+t.cost > s.limit:
		return noRoom
	}
	s.addLocked(q, t)
	return added
}

func (s *scheduler) addLocked(q *queue, t *task) {
	q.tasks = append(q.tasks, t)
	q.bytes += t.cost
	s.tasks++
	s.bytes += t.cost
	if !q.busy {
		q.busy = true
		s.readyLocked(q)
	}
}

// readyLocked gives a queue to a worker.
func (s *scheduler) readyLocked(q *queue) {
	s.ready = append(s.ready, q)
	if s.running < s.parallel {
		s.running++
		s.workers.Go(s.work)
	}
}

// work runs tasks until no queue is ready.
func (s *scheduler) work() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.ready) > 0 && !s.closed {
		q := s.ready[0]
		s.ready[0] = nil
		if s.ready = s.ready[1:]; len(s.ready) == 0 {
			s.ready = nil
		}
		t := q.tasks[0]
		s.mu.Unlock()
		pause, again := s.run(t)
		s.mu.Lock()
		if again {
			s.sleepLocked(q, pause)
		} else {
			s.doneLocked(q)
		}
	}
	s.running--
}

// doneLocked removes the queue's first task.
func (s *scheduler) doneLocked(q *queue) {
	cost := q.tasks[0].cost
	q.tasks = slices.Delete(q.tasks, 0, 1)
	q.bytes -= cost
	s.tasks--
	s.bytes -= cost
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
	if q.busy = len(q.tasks) > 0; q.busy {
		s.readyLocked(q)
	} else {
		q.tasks = nil
	}
	if s.tasks == 0 && s.empty != nil {
		close(s.empty)
	}
}

// sleepLocked lets a queue pause.
func (s *scheduler) sleepLocked(q *queue, pause time.Duration) {
	if s.closed {
		return
	}
	s.asleep[q] = time.AfterFunc(pause, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, ok := s.asleep[q]; ok { // not closed meanwhile
			delete(s.asleep, q)
			s.readyLocked(q)
		}
	})
}

// close accepts no more tasks, and returns when all have run or ctx has ended, with the number of
// those that have not. stop ends those that run.
func (s *scheduler) close(ctx context.Context, stop func()) (left int) {
	s.mu.Lock()
	if s.empty != nil { // closed before
		s.mu.Unlock()
		return 0
	}
	empty := make(chan struct{})
	if s.empty = empty; s.tasks == 0 {
		close(empty)
	}
	s.mu.Unlock()
	select {
	case <-empty:
	case <-ctx.Done():
	}
	stop()
	s.mu.Lock()
	s.closed = true
	for q, timer := range s.asleep {
		timer.Stop()
		delete(s.asleep, q)
	}
	s.mu.Unlock()
	s.workers.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tasks
}

// waiting returns the number of tasks and their size.
func (s *scheduler) waiting() (tasks, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tasks, s.bytes
}

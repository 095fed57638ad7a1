package socketio

import (
	"context"
	"sync"
	"sync/atomic"
)

// workers counts the goroutines that run handlers, so that a shutdown can wait for them.
type workers struct {
	running atomic.Int64
	drain   atomic.Pointer[drain]
}

// drain is closed when, after a shutdown began, no worker is left.
type drain struct {
	once sync.Once
	done chan struct{}
}

func (w *workers) begin() { w.running.Add(1) }

func (w *workers) end() {
	if w.running.Add(-1) == 0 {
		w.settle()
	}
}

func (w *workers) settle() {
	if d := w.drain.Load(); d != nil && w.running.Load() == 0 {
		d.once.Do(func() { close(d.done) })
	}
}

// wait returns when no worker runs, or with the context's error. No worker may begin any more unless one is
// running.
func (w *workers) wait(ctx context.Context) error {
	w.drain.CompareAndSwap(nil, &drain{done: make(chan struct{})})
	w.settle()
	select {
	case <-w.drain.Load().done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

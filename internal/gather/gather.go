// Package gather collects answers from many goroutines for the one loop that handles them.
package gather

import (
	"context"
	"sync"
	"time"
)

// Answers collects the answers to one request. Create it with [New].
// Add and Expect may be called from any goroutine and never block.
type Answers[T any] struct {
	news chan struct{} // something changed; holds one token

	mu       sync.Mutex
	expected int // -1 until Expect was called
	waiting  []T // for Run
}

// New returns Answers whose number is not known yet.
func New[T any]() *Answers[T] { return &Answers[T]{expected: -1, news: make(chan struct{}, 1)} }

// Expect sets the number of answers.
func (a *Answers[T]) Expect(n int) {
	a.mu.Lock()
	a.expected = n
	a.mu.Unlock()
	a.wake()
}

// Add adds an answer.
func (a *Answers[T]) Add(answer T) {
	a.mu.Lock()
	a.waiting = append(a.waiting, answer)
	a.mu.Unlock()
	a.wake()
}

func (a *Answers[T]) wake() {
	select {
	case a.news <- struct{}{}:
	default:
	}
}

// Run yields the answers as they come.
//
// It returns nil when all have come or yield returned false, late when timeout receives, and the
// cause of ctx when that ends. missing is the number of answers that had not come, -1 when that is
// unknown.
func (a *Answers[T]) Run(
	ctx context.Context, timeout <-chan time.Time, late error, yield func(T) bool,
) (missing int, err error) {
	yielded := 0
	for {
		a.mu.Lock()
		waiting, expected := a.waiting, a.expected
		a.waiting = nil
		a.mu.Unlock()
		for _, answer := range waiting {
			yielded++
			if !yield(answer) {
				return 0, nil
			}
		}
		missing = -1
		if expected >= 0 {
			missing = expected - yielded
		}
		switch {
		case missing == 0:
			return 0, nil
		case err != nil:
			return missing, err
		}
		select {
		case <-a.news:
		case <-timeout:
			err = late // what has come by now is yielded first
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
}

package brokers

import (
	"context"
	"time"
)

// Sleep waits for d. It returns the cause of ctx if that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Backoff waits before another try: 5 ms after the first, twice as long after each, at most 250 ms.
func Backoff(ctx context.Context, tries int) error {
	return Sleep(ctx, min(5*time.Millisecond<<min(tries, 10), 250*time.Millisecond))
}

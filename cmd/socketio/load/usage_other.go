//go:build !linux

package load

import (
	"errors"
	"time"
)

// usage is what a process has taken so far.
type usage struct {
	cpu       time.Duration
	rss, peak int64 // bytes
}

func usageOf(int) (usage, error) {
	return usage{}, errors.New("load: what a process takes can only be read on Linux")
}

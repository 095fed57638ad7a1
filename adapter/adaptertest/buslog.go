package adaptertest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/gosocketio/socketio/adapter"
)

// kept is a broadcast in the log. Its position is that of the log's first one and its index.
type kept struct {
	namespace string
	data      []byte
}

// session is one that PutSession keeps.
type session struct {
	data    []byte
	expires time.Time
}

// format returns a position as text: the digits of a number, as those of real brokers not of equal length.
func format(position uint64) string { return strconv.FormatUint(position, 10) }

// newestLocked is the position of the newest broadcast, 0 if there was none.
func (b *Bus) newestLocked() uint64 { return b.first + uint64(len(b.log)) }

// keepLocked adds a broadcast to the log and returns its position, from 1.
func (b *Bus) keepLocked(it adapter.Item) uint64 {
	b.log = append(b.log, kept{it.Message.Namespace, it.Data})
	if len(b.log) > cmp.Or(b.MaxKept, 10_000) {
		b.log = b.log[1:]
		b.first++
	}
	return b.newestLocked()
}

// Forget drops the log and the sessions, as a broker that lost its data.
func (b *Bus) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.first, b.log, b.sessions = b.newestLocked(), nil, nil
}

// logLink is a link of a bus that keeps broadcasts.
type logLink struct{ countedLink }

var _ adapter.Log = logLink{}

// Reached implements adapter.Log.
func (l logLink) Reached() string {
	b := l.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.running && len(l.queue) == 0 {
		return format(b.newestLocked())
	}
	return format(l.reached)
}

// After implements adapter.Log.
func (l logLink) After(ctx context.Context, position string) iter.Seq2[*adapter.Message, error] {
	return func(yield func(*adapter.Message, error) bool) {
		at, err := strconv.ParseUint(position, 10, 64)
		if err != nil {
			yield(nil, fmt.Errorf("%w: %w", adapter.ErrPosition, err))
			return
		}
		for first := true; ; first = false {
			m, newest, err := l.next(ctx, &at, first)
			if err != nil {
				yield(nil, err)
				return
			}
			if m == nil && newest || m != nil && !yield(m, nil) {
				return
			}
		}
	}
}

// next returns the first broadcast of the namespace after a position, and moves that on.
func (l logLink) next(ctx context.Context, at *uint64, first bool) (m *adapter.Message, newest bool, err error) {
	b := l.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return nil, false, context.Cause(ctx)
	case !l.connected:
		return nil, false, adapter.ErrBrokerDown
	case *at < b.first, first && *at > b.newestLocked():
		return nil, false, adapter.ErrPosition
	}
	for *at < b.newestLocked() {
		entry := b.log[*at-b.first]
		*at++
		if entry.namespace == l.member.Namespace() {
			return parcel{entry.data, *at}.message(), false, nil
		}
	}
	return nil, true, nil
}

// ComparePositions implements adapter.Log.
func (l logLink) ComparePositions(a, b string) int {
	x, _ := strconv.ParseUint(a, 10, 64)
	y, _ := strconv.ParseUint(b, 10, 64)
	return cmp.Compare(x, y)
}

// PutSession implements adapter.Log.
func (l logLink) PutSession(_ context.Context, pid string, data []byte, ttl time.Duration) error {
	b := l.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if !l.connected {
		return adapter.ErrBrokerDown
	}
	if b.sessions == nil {
		b.sessions = make(map[string]session)
	}
	b.sessions[l.member.Namespace()+"#"+pid] = session{append([]byte(nil), data...), time.Now().Add(ttl)}
	return nil
}

// TakeSession implements adapter.Log.
func (l logLink) TakeSession(_ context.Context, pid string) ([]byte, error) {
	b := l.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if !l.connected {
		return nil, adapter.ErrBrokerDown
	}
	key := l.member.Namespace() + "#" + pid
	s, found := b.sessions[key]
	delete(b.sessions, key)
	if !found || time.Now().After(s.expires) {
		return nil, nil
	}
	return s.data, nil
}

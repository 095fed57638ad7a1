package redis

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
)

// recent keeps entries of a stream that were read for clients to be recovered. When a server dies,
// all its clients come to the others at once and want the same entries: each is read and decoded
// once.
type recent struct {
	c      *connection
	stream string
	turn   chan struct{} // one token, which guards what follows

	start   logEntry   // the one before entries; it need not exist
	entries []logEntry // those that follow it, without a gap; appended to and replaced, never changed
	size    int
	ended   time.Time // before the read which found that the last entry is the newest
	used    time.Time
}

// logEntry is an entry of a stream.
type logEntry struct {
	position  position
	namespace string
	sequence  string           // entry.sequence
	message   *adapter.Message // shared: it must not be changed; nil unless it is a broadcast
	size      int              // about what it takes in memory
}

// Bounds of recent.
const (
	rangePage     = 200              // entries to read at a time
	maxRecent     = 32 << 20         // bytes
	recentIdle    = 10 * time.Second // entries that nobody has wanted for so long are dropped
	entryOverhead = 1024
	stringSize    = 16
)

func newRecent(c *connection, stream string) *recent {
	return &recent{c: c, stream: stream, turn: make(chan struct{}, 1)}
}

// after returns the entry at a position, or a place for it, and entries that follow it. end says that
// the last of them is the newest of the stream, at some time since the one given.
func (r *recent) after(
	ctx context.Context, p position, since time.Time,
) (at logEntry, list []logEntry, end bool, err error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return at, nil, false, fmt.Errorf("%w: stream %s: %w", adapter.ErrBroker, r.stream, context.Cause(ctx))
	}
	r.used = time.Now()
	at, list, kept := r.find(p)
	if end = r.ended.After(since); kept && (end || len(list) > 0) {
		return at, list, end, nil
	}
	at, list, end, err = r.read(ctx, p)
	switch {
	case err != nil || len(list) == 0:
	case kept:
		r.keep(r.start, append(r.entries, list...), r.size+sizeOf(list))
	default:
		if len(r.entries) > 0 && p.compare(r.start.position) < 0 {
			list, end, err = r.join(ctx, list, end)
		}
		if !end {
			r.ended = time.Time{} // it was the end of another list
		}
		r.keep(at, list, sizeOf(list))
	}
	return at, list, end, err
}

// join reads on after a list until it meets the entries that are kept, and appends these.
func (r *recent) join(ctx context.Context, list []logEntry, end bool) ([]logEntry, bool, error) {
	for size := sizeOf(list); !end && size < maxRecent; {
		if i := indexAfter(list, r.start.position); i > 0 && list[i-1].position == r.start.position {
			return append(list[:i:i], r.entries...), false, nil
		}
		_, next, last, err := r.read(ctx, list[len(list)-1].position)
		if err != nil {
			return nil, false, err
		}
		list, end = append(list, next...), last
		size += sizeOf(next)
	}
	return list, end, nil
}

// find returns the entry at a position and those kept that follow it; ok is false when that entry is
// not kept.
func (r *recent) find(p position) (at logEntry, list []logEntry, ok bool) {
	if len(r.entries) == 0 {
		return at, nil, false
	}
	if p == r.start.position {
		return r.start, r.entries, true
	}
	i := indexAfter(r.entries, p)
	if i == 0 || r.entries[i-1].position != p {
		return at, nil, false
	}
	return r.entries[i-1], r.entries[i:], true
}

// indexAfter returns the index of the first entry after a position.
func indexAfter(list []logEntry, p position) int {
	i, _ := slices.BinarySearchFunc(list, p.next(), func(e logEntry, p position) int { return e.position.compare(p) })
	return i
}

// keep keeps entries, only the newer ones when they are too many.
func (r *recent) keep(start logEntry, list []logEntry, size int) {
	for size > maxRecent {
		half := (len(list) + 1) / 2
		start, list = list[half-1], slices.Clone(list[half:])
		size = sizeOf(list)
	}
	r.start, r.entries, r.size = start, list, size
}

func sizeOf(list []logEntry) (size int) {
	for i := range list {
		size += list[i].size
	}
	return size
}

// expire drops what nobody wants any more. It does not wait.
func (r *recent) expire() {
	select {
	case r.turn <- struct{}{}:
		if time.Since(r.used) > recentIdle {
			r.keep(logEntry{}, nil, 0)
		}
		<-r.turn
	default: // it is in use
	}
}

// read reads the entry at a position, which may be gone, and a page of those after it.
func (r *recent) read(ctx context.Context, p position) (at logEntry, list []logEntry, end bool, err error) {
	began := time.Now()
	b, id := r.c.client.B(), p.String()
	replies := r.c.client.DoMulti(ctx,
		b.Xrange().Key(r.stream).Start(id).End(id).Build(),
		b.Xrange().Key(r.stream).Start(p.next().String()).End("+").Count(rangePage).Build())
	lists := make([][]logEntry, len(replies))
	for i, reply := range replies {
		if lists[i], err = readLog(reply); err != nil {
			return at, nil, false, fmt.Errorf("%w: XRANGE %s: %w", adapter.ErrBroker, r.stream, err)
		}
	}
	if list = lists[1]; len(lists[0]) == 1 {
		at = lists[0][0]
	} else {
		at.position = p
		err = r.complete(ctx, p)
	}
	if end = err == nil && len(list) < rangePage; end {
		r.ended = began
	}
	return at, list, end, err
}

// complete returns ErrPosition unless the stream has everything that came after p, although there
// is no entry at p: p is its end, or comes before its first entry and nothing was ever removed.
func (r *recent) complete(ctx context.Context, p position) error {
	i, err := readInfo(ctx, r.c.client, r.stream)
	switch {
	case err != nil:
		return fmt.Errorf("%w: XINFO STREAM %s: %w", adapter.ErrBroker, r.stream, err)
	case i.last == p, p == position{} && i.added == i.length:
		return nil
	default:
		return adapter.ErrPosition
	}
}

// readLog reads a reply to XRANGE.
func readLog(reply rueidis.RedisResult) ([]logEntry, error) {
	message, err := reply.ToMessage()
	if err != nil {
		return nil, err
	}
	entries, err := readEntries(message)
	if err != nil {
		return nil, err
	}
	list := make([]logEntry, len(entries))
	for i := range entries {
		e, to := &entries[i], &list[i]
		var ok bool
		if to.position, ok = parsePosition(e.id); !ok {
			return nil, errEntry
		}
		to.namespace, to.sequence = e.nsp, e.sequence
		to.size = entryOverhead + 2*len(e.data) + len(e.nsp) + len(e.sequence)
		if e.kind != "3" {
			continue
		}
		if m := e.broadcast(); m != nil {
			to.message = m
			to.size += stringSize * (len(m.Options.Rooms) + len(m.Options.Except))
		}
	}
	return list, nil
}

// broadcast decodes the whole of a broadcast; nil if it cannot be read.
func (e *entry) broadcast() *adapter.Message {
	m, err := e.message()
	if err != nil {
		return nil
	}
	if read := m.Rest; read != nil {
		m.Rest = nil
		if read(m) != nil {
			return nil
		}
	}
	return m
}

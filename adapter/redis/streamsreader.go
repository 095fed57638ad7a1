package redis

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
)

// streamReader reads one stream for all namespaces in it, on a connection of its own, and resumes
// where it was when the connection is lost. It runs while a namespace is in it.
type streamReader struct {
	c      *connection
	name   string
	cancel context.CancelFunc
	found  chan struct{} // closed when the end of the stream is known, or err is set
	err    error
	done   chan struct{} // run has returned
	recent *recent

	// Of run alone.
	last  position // of the last entry that was read
	added int64    // the number of entries that the stream has had up to last; -1 with Redis before 7
	check bool     // verify has something to look up
	when  time.Time
	lost  bool // there is no connection
	seen  seen
	count int // how many entries to read at a time

	mu      sync.Mutex
	links   map[string]*streamLink // by namespace
	reached position               // last, after its entry was handled
}

const (
	blockTime     = 5 * time.Second
	replyTime     = 15 * time.Second // for an answer that should come after blockTime
	checkInterval = time.Second
)

var errNoReply = fmt.Errorf("no reply after %v", replyTime)

func newStreamReader(c *connection, name string) *streamReader {
	ctx, cancel := context.WithCancel(context.Background())
	r := &streamReader{
		c: c, name: name, cancel: cancel, found: make(chan struct{}), done: make(chan struct{}),
		links: make(map[string]*streamLink), count: c.cfg.ReadCount, recent: newRecent(c, name),
	}
	go r.run(ctx)
	return r
}

// wait returns when the reader knows the end of the stream: it misses nothing from then on.
func (r *streamReader) wait(ctx context.Context) error {
	select {
	case <-r.found:
		return r.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *streamReader) add(l *streamLink) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.links[l.namespace] = l
}

// remove reports whether no link is left.
func (r *streamReader) remove(l *streamLink) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.links[l.namespace] == l {
		delete(r.links, l.namespace)
	}
	return len(r.links) == 0
}

// stop ends the reader.
func (r *streamReader) stop() {
	r.cancel()
	<-r.done
}

func (r *streamReader) run(ctx context.Context) {
	defer close(r.done)
	r.err = r.find(ctx)
	close(r.found)
	if r.err != nil {
		return
	}
	for tries := 0; ctx.Err() == nil; tries++ {
		err := r.session(ctx, func() {
			tries = 0
			r.back()
		})
		if ctx.Err() == nil && !r.lost {
			r.lost = true
			r.c.lostFeeds.Add(1)
			r.c.report(fmt.Errorf("%w: stream %s: %s", adapter.ErrBrokerDown, r.name, brokers.OneLine(err)))
		}
		r.check, r.when = true, time.Time{}
		_ = brokers.Backoff(ctx, tries)
	}
	r.back()
}

// back records that the connection is there, or no longer wanted.
func (r *streamReader) back() {
	if r.lost {
		r.lost = false
		r.c.lostFeeds.Add(-1)
	}
}

// session reads, on one connection, until that is lost or ctx ends. It calls success after each
// read.
func (r *streamReader) session(ctx context.Context, success func()) error {
	conn, release := r.c.client.Dedicate()
	defer release()
	defer context.AfterFunc(ctx, conn.Close)()
	for {
		if err := r.read(ctx, conn); err != nil {
			conn.Close()
			return err
		}
		success()
		r.recent.expire()
	}
}

// find finds the end of the stream.
func (r *streamReader) find(ctx context.Context) error {
	info, err := readInfo(ctx, r.c.client, r.name)
	r.last, r.added = info.last, info.added
	r.arrived()
	return err
}

// read waits for entries and handles them. With a deadline, rueidis needs no other goroutine to wait
// for the reply.
func (r *streamReader) read(ctx context.Context, conn rueidis.DedicatedClient) error {
	ctx, cancel := context.WithTimeoutCause(ctx, replyTime, errNoReply)
	defer cancel()
	if r.check && time.Since(r.when) > checkInterval {
		if err := r.verify(ctx); err != nil {
			return err
		}
	}
	block := blockTime
	if r.lost {
		block = time.Millisecond // an answer shows that the connection is there
	}
	// A command that rueidis does not know it does not try again: then nobody would look whether the
	// stream is still the same.
	reply, err := conn.Do(ctx, conn.B().Arbitrary("XREAD").
		Args("COUNT", strconv.Itoa(r.count), "BLOCK", strconv.FormatInt(block.Milliseconds(), 10), "STREAMS").
		Keys(r.name).Args(r.last.String()).Blocking()).ToMessage()
	switch {
	case rueidis.IsRedisNil(err):
		return nil
	case err != nil && context.Cause(ctx) != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	}
	entries, err := readStreams(reply)
	if err != nil {
		return err
	}
	for i := range entries {
		r.handle(&entries[i])
	}
	if r.added >= 0 {
		r.added += int64(len(entries))
	}
	r.check = r.check || len(entries) >= r.count // it may lag
	r.count = nextCount(r.count, r.c.cfg.ReadCount, entries)
	return nil
}

// nextCount returns how many entries to read after some: twice as many when that many small ones came,
// up to ten times the configured number, and half as many after large ones.
func nextCount(count, configured int, entries []entry) int {
	const small, large = 256 << 10, 2 << 20
	bytes := 0
	for i := range entries {
		bytes += len(entries[i].data)
	}
	switch {
	case bytes > large:
		return max(count/2, 1)
	case len(entries) >= count && bytes <= small:
		return max(count, min(2*count, 10*configured))
	}
	return count
}

// readStreams returns the entries of a reply to XREAD with one stream: a map in RESP3, a list of
// pairs in RESP2.
func readStreams(reply rueidis.RedisMessage) ([]entry, error) {
	if streams, err := reply.ToMap(); err == nil {
		for _, entries := range streams {
			return readEntries(entries)
		}
	}
	if streams, err := reply.ToArray(); err == nil && len(streams) == 1 {
		if pair, err := streams[0].ToArray(); err == nil && len(pair) == 2 {
			return readEntries(pair[1])
		}
	}
	return nil, errEntry
}

// handle passes an entry to its namespace. Whatever is wrong with it, the next read goes on after
// it.
func (r *streamReader) handle(e *entry) {
	p, ok := parsePosition(e.id)
	if !ok {
		r.c.invalid.Add(1)
		return
	}
	r.last = p
	defer r.arrived()
	l := r.link(e.nsp)
	if r.seen.again(e.sequence) || l == nil || e.uid == r.c.uid && !l.own {
		return
	}
	message, err := e.message()
	if err != nil {
		r.c.invalid.Add(1)
		return
	}
	l.deliver(message)
}

func (r *streamReader) link(namespace string) *streamLink {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.links[namespace]
}

// arrived publishes the position for Reached.
func (r *streamReader) arrived() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached = r.last
}

// streamInfo is the state of a stream.
type streamInfo struct {
	first, last   position
	length, added int64
}

// readInfo asks for the state of a stream. It is empty if there is no stream.
func readInfo(ctx context.Context, client rueidis.Client, stream string) (i streamInfo, err error) {
	fields, err := client.Do(ctx, client.B().XinfoStream().Key(stream).Build()).AsMap()
	if redisErr, ok := rueidis.IsRedisErr(err); ok && strings.HasSuffix(redisErr.Error(), "no such key") {
		return streamInfo{}, nil
	} else if err != nil {
		return i, err
	}
	number := func(name string) int64 {
		if field, ok := fields[name]; ok {
			if n, err := field.AsInt64(); err == nil {
				return n
			}
		}
		return -1
	}
	i.length, i.added = number("length"), number("entries-added")
	id := fields["last-generated-id"]
	text, err := id.ToString()
	i.last, _ = parsePosition(text)
	if first, ok := fields["first-entry"]; ok {
		if pair, err := first.ToArray(); err == nil && len(pair) == 2 {
			text, _ := pair[0].ToString()
			i.first, _ = parsePosition(text)
		}
	}
	return i, err
}

// verify looks up whether entries were lost that were not read: they had been trimmed, or the
// stream has lost its end because another server took over. It counts entries, as Redis does from
// version 7 on. There is nothing more to look up once all entries have been read and counted.
func (r *streamReader) verify(ctx context.Context) error {
	r.when = time.Now()
	i, err := readInfo(ctx, r.c.client, r.name)
	if err != nil {
		return err
	}
	trimmed := i.added - i.length
	switch {
	case i.last.compare(r.last) < 0:
		r.gap(fmt.Errorf("stream %s ends at %s, and %s has been read: another server took over, or it was deleted",
			r.name, i.last, r.last))
		r.last, r.added = i.last, i.added
		r.arrived()
	case i.added < 0 || r.added < 0:
		if i.first.compare(r.last) > 0 && r.last != (position{}) {
			r.gap(fmt.Errorf("stream %s was trimmed: it begins at %s, and %s was read last", r.name, i.first, r.last))
		}
		r.added = i.added
		r.check = i.last != r.last
	case i.last == r.last:
		r.trimmed(i.added - r.added)
		r.added = i.added
		r.check = false
	case trimmed > r.added:
		r.trimmed(trimmed - r.added)
		r.added = trimmed
	}
	return nil
}

func (r *streamReader) trimmed(n int64) {
	if n > 0 {
		r.gap(fmt.Errorf("stream %s was trimmed: %d entries are gone that were not read", r.name, n))
	}
}

func (r *streamReader) gap(err error) {
	r.c.gaps.Add(1)
	r.mu.Lock()
	links := slices.Collect(maps.Values(r.links))
	r.mu.Unlock()
	for _, l := range links {
		l.link.gap(err)
	}
}

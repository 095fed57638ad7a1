package redis

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
)

// Many clients that come back at once read the log together: each entry is read about once.
func TestStreamsTogether(t *testing.T) {
	s := redistest.Start(t)
	p := joinStreams(t, Config{Addrs: []string{s.Addr()}}, "aaaaaaaaaaaaaaaa")
	const entries, clients = 5000, 300
	s.Do("EVAL", fmt.Sprintf(`for n = 1, %d do
		redis.call('XADD', 'socket.io', n .. '-0', 'uid', 'x', 'nsp', '/', 'type', '3', 'data',
			 '{"packet":{"type":2,"data":["' .. n .. '"]},"opts":{"rooms":[],"except":[],"flags":{}}}') end`, entries), "0")
	want := make([]string, entries)
	for i := range want {
		want[i] = strconv.Itoa(i + 1)
	}
	var running sync.WaitGroup
	for i := range clients {
		from := (i*2741 + 1234) % entries
		running.Go(func() {
			if got, err := p.after(t, fmt.Sprint(from, "-0")); err != nil || !slices.Equal(got, want[from:]) {
				t.Errorf("after %d: got %d events, %v", from, len(got), err)
			}
		})
	}
	running.Wait()
	calls := regexp.MustCompile(`cmdstat_xrange:calls=(\d+)`).FindStringSubmatch(s.Do("INFO", "commandstats"))
	// Two calls for each page, and for each client to see that nothing follows.
	if n, _ := strconv.Atoi(calls[1]); n == 0 || n > 2*(entries/rangePage+clients)+clients {
		t.Errorf("%d calls of XRANGE", n)
	}
}

// What is kept for clients to come is bounded, and dropped when nobody comes.
func TestStreamsRecent(t *testing.T) {
	s := redistest.Start(t)
	p := joinStreams(t, Config{Addrs: []string{s.Addr()}}, "aaaaaaaaaaaaaaaa")
	const entries = 50
	s.Do("EVAL", fmt.Sprintf(`local big = string.rep('x', 1000000)
		for n = 1, %d do
			redis.call('XADD', 'socket.io', n .. '-0', 'uid', 'x', 'nsp', '/', 'type', '3', 'data',
				 '{"packet":{"type":2,"data":["' .. n .. '","' .. big .. '"]},`+
		`"opts":{"rooms":[],"except":[],"flags":{}}}') end`, entries), "0")
	r := p.link.reader.recent
	for _, from := range []int{0, 40, 10, 49, 0} {
		began := time.Now()
		n := 0
		for at, end := (position{ms: uint64(from)}), false; !end; {
			_, list, last, err := r.after(t.Context(), at, began)
			if err != nil {
				t.Fatal(err)
			}
			if n, end = n+len(list), last; len(list) > 0 {
				at = list[len(list)-1].position
			}
			if r.size != sizeOf(r.entries) || r.size > maxRecent {
				t.Errorf("%d bytes are kept, counted as %d", sizeOf(r.entries), r.size)
			}
		}
		if n != entries-from {
			t.Errorf("after %d: got %d entries", from, n)
		}
	}
	if len(r.entries) == 0 {
		t.Error("nothing is kept")
	}
	r.turn <- struct{}{}
	r.used = time.Now().Add(-2 * recentIdle)
	<-r.turn
	if r.expire(); len(r.entries) > 0 || r.size > 0 {
		t.Error("it is kept for ever")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.turn <- struct{}{}
	_, _, _, err := r.after(ctx, position{}, time.Now())
	if !errors.Is(err, adapter.ErrBroker) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-r.turn
}

// A log that was lost and begun anew does not reach back to a position in the one before it.
func TestStreamsBegunAnew(t *testing.T) {
	s := redistest.Start(t)
	p := joinStreams(t, Config{Addrs: []string{s.Addr()}}, "aaaaaaaaaaaaaaaa")
	p.emit(t, "old")
	await(t, "it arrives", func() bool { got, _ := p.broadcasts(); return len(got) == 1 })
	old := p.positions()[0]
	s.Do("DEL", "socket.io")
	p.emit(t, "new")
	await(t, "it arrives", func() bool { got, _ := p.broadcasts(); return len(got) == 2 })
	if got, err := p.after(t, old); !errors.Is(err, adapter.ErrPosition) {
		t.Errorf("got %q, %v", got, err)
	}
}

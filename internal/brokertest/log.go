package brokertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosocketio/socketio/adapter"
)

// After reads the log of a link after a position. It returns the arguments of the events and the
// last position.
func After(l adapter.Link, from string) (events []string, last string, err error) {
	last = from
	for m, err := range l.(adapter.Log).After(context.Background(), from) {
		if err != nil {
			return events, last, err
		}
		if err := m.Rest(m); err != nil {
			return events, last, err
		}
		events, last = append(events, string(m.Packet.Data)), m.Position
	}
	return events, last, nil
}

// WantsNoPosition checks that the log of a link cannot be read after a position.
func WantsNoPosition(t *testing.T, l adapter.Link, from string) {
	t.Helper()
	if _, _, err := After(l, from); !errors.Is(err, adapter.ErrPosition) {
		t.Errorf("after %.30q: got %v", from, err)
	}
}

// LogOrder tests that broadcasts come back to all servers in one order, with positions, and can be
// read again. The log must be empty, and its positions must be "made.number", with numbers without
// gaps.
func LogOrder(t *testing.T, a, b *Server) {
	t.Helper()
	linkA, memberA := a.Link("/")
	linkB, memberB := b.Link("/")
	other, _ := b.Link("/other")
	logA, logB := linkA.(adapter.Log), linkB.(adapter.Log)
	begin := logA.Reached()
	if begin == "" || logB.Reached() != begin {
		t.Errorf("begins at %q and %q", begin, logB.Reached())
	}
	const n = 700 // more than two pages
	for i := range n {
		Publish(t, linkA, Event(a.UID, i, "room"))
		m := Event(b.UID, -i)
		m.Namespace = "/other"
		Publish(t, other, m)
	}
	var last string
	for i := range n {
		x, y := memberA.Next(t), memberB.Next(t)
		want := fmt.Sprintf(`["n",%d]`, i)
		if string(x.Packet.Data) != want || string(y.Packet.Data) != want || x.Position != y.Position ||
			i > 0 && logA.ComparePositions(last, x.Position) != -1 {
			t.Fatalf("got %+v, %+v", x, y)
		}
		last = x.Position
	}
	made, number, _ := strings.Cut(begin, ".")
	first, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	end := fmt.Sprint(made, ".", first+2*n)
	Await(t, "both have read all", func() bool {
		return logA.Reached() == end && logB.Reached() == end && a.Stats().QueuedBytes+b.Stats().QueuedBytes == 0
	})
	events, at, err := After(linkB, begin)
	newest := fmt.Sprintf(`["n",%d]`, n-1)
	if err != nil || len(events) != n || events[0] != `["n",0]` || events[n-1] != newest || at != last {
		t.Errorf("got %d, to %s, %v", len(events), at, err)
	}
	if events, _, err := After(linkB, last); err != nil || len(events) > 0 {
		t.Errorf("got %v, %v", events, err)
	}
	future, long := fmt.Sprint(made, ".", first+2*n+1), strings.Repeat("9", 1000)+".1"
	for _, bad := range []string{"", "x", "1.1", ".", "9-9", "-1.-1", made + ".-1", future, long} {
		WantsNoPosition(t, linkB, bad)
	}
}

// LogFaults tests that no message that is kept is lost or comes twice while there are faults. It
// returns the namespace of b.
func LogFaults(t *testing.T, a, b *Server, faults ...func()) *Member {
	t.Helper()
	linkA, memberA := a.Link("/")
	_, memberB := b.Link("/")
	var sent atomic.Int64
	ending, stopped := make(chan struct{}), make(chan struct{})
	stop := sync.OnceFunc(func() {
		close(ending)
		<-stopped
	})
	defer stop() // the test may fail
	go func() {
		defer close(stopped)
		for {
			select {
			case <-ending:
				return
			default:
			}
			if err := linkA.Publish(Event(a.UID, int(sent.Load()))); err != nil {
				t.Error(err)
				return
			}
			sent.Add(1)
			time.Sleep(200 * time.Microsecond)
		}
	}()
	next := 0
	wants := func() {
		memberB.Wants(t, next)
		memberA.Wants(t, next)
		next++
	}
	for _, fault := range faults {
		for range 50 {
			wants()
		}
		fault()
	}
	stop()
	for next < int(sent.Load()) {
		wants()
	}
	Await(t, "all is counted", func() bool { return a.Stats().Sent == uint64(next) })
	if s := a.Stats(); s.Failed > 0 || len(memberB.Messages) > 0 {
		t.Errorf("stats are %+v", s)
	}
	return memberB
}

// LogMadeAgain tests that a log that is removed, and made again, is a gap, and that its positions
// are after those of the one before.
func LogMadeAgain(t *testing.T, s *Server, l adapter.Link, m *Member, remove func()) {
	t.Helper()
	log := l.(adapter.Log)
	at := log.Reached()
	remove()
	Publish(t, l, Event(s.UID, 1000))
	m.WantsGapOf(t, "made again")
	m.Wants(t, 1000)
	WantsNoPosition(t, l, at)
	if log.ComparePositions(at, log.Reached()) != -1 {
		t.Error("positions went back")
	}
}

// LogSessions tests that a session is taken once and kept for its time, that ids without a session
// have none, and that no session can be put with the id bad.
func LogSessions(t *testing.T, a, b *Server, bad string, ids ...string) {
	t.Helper()
	linkA, _ := a.Link("/")
	linkB, _ := b.Link("/")
	logs := []adapter.Log{linkA.(adapter.Log), linkB.(adapter.Log)}
	ctx := t.Context()
	put := func(pid, data string, ttl time.Duration) {
		t.Helper()
		if err := logs[0].PutSession(ctx, pid, []byte(data), ttl); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 {
		pid, data := fmt.Sprint("pid", i), fmt.Sprintf(`{"sid":"s%d"}`, i)
		put(pid, "{}", time.Minute)
		put(pid, data, time.Minute)
		got := make(chan string, 4)
		for k := range 4 {
			go func() {
				raw, err := logs[k%2].TakeSession(ctx, pid)
				if err != nil {
					t.Error(err)
				}
				got <- string(raw)
			}()
		}
		all := []string{<-got, <-got, <-got, <-got}
		if slices.Sort(all); all[3] != data || all[2] != "" {
			t.Errorf("got %q", all)
		}
	}
	put("short", "{}", time.Millisecond)
	put("zero", "{}", 0)
	time.Sleep(10 * time.Millisecond) // their time is over
	ids = append(ids, "short", "zero", "none", "$", "../x", "'; --", "\x00", "\xff", "", strings.Repeat("x", 1000))
	for _, pid := range ids {
		if raw, err := logs[1].TakeSession(ctx, pid); raw != nil || err != nil {
			t.Errorf("%.20q: %s, %v", pid, raw, err)
		}
	}
	if err := logs[0].PutSession(ctx, bad, nil, time.Minute); !errors.Is(err, adapter.ErrBroker) {
		t.Errorf("got %v", err)
	}
}

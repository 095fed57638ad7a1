package nats

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokertest"
)

func startJetStream(t testing.TB) *natsServer {
	return startNATS(t, func(o *server.Options) { o.JetStream = true })
}

// positions reads what is after a position.
func positions(l adapter.Link, from string) (numbers []string, last string, err error) {
	last = from
	for m, err := range l.(adapter.Log).After(context.Background(), from) {
		if err != nil {
			return numbers, last, err
		}
		rest := m.Rest
		if err := rest(m); err != nil {
			return numbers, last, err
		}
		numbers, last = append(numbers, string(m.Packet.Data)), m.Position
	}
	return numbers, last, nil
}

// Broadcasts come back to all servers in one order, with positions, and can be read again.
func TestLog(t *testing.T) {
	c := Config{Addrs: []string{startJetStream(t).host()}, JetStream: true}
	a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
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
		publishNow(t, linkA, event(a.UID, i, "room"))
		m := event(b.UID, -i)
		m.Namespace = "/other"
		publishNow(t, other, m)
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
	await(t, "both have read all", func() bool {
		return logA.ComparePositions(logA.Reached(), last) >= 0 && logA.Reached() == logB.Reached() &&
			a.Stats().QueuedBytes+b.Stats().QueuedBytes == 0
	})
	numbers, end, err := positions(linkB, begin)
	newest := fmt.Sprintf(`["n",%d]`, n-1)
	if err != nil || len(numbers) != n || numbers[0] != `["n",0]` || numbers[n-1] != newest || end != last {
		t.Errorf("got %d, to %s, %v", len(numbers), end, err)
	}
	if numbers, _, err := positions(linkB, last); err != nil || len(numbers) > 0 {
		t.Errorf("got %v, %v", numbers, err)
	}
	p, _ := parsePosition(last)
	future, long := position{p.made, p.seq + n + 1}.String(), strings.Repeat("9", 1000)+".1"
	for _, bad := range []string{"", "x", "1.1", ".", "9-9", future, long} {
		if _, _, err := positions(linkB, bad); !errors.Is(err, adapter.ErrPosition) {
			t.Errorf("%.30s: %v", bad, err)
		}
	}
}

// While NATS is away nothing is lost and nothing doubled, of what is kept.
func TestLogRestart(t *testing.T) {
	nats := startJetStream(t)
	c := Config{Addrs: []string{nats.host()}, JetStream: true}
	a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
	linkA, memberA := a.Link("/")
	_, memberB := b.Link("/")
	const rounds = 3
	var sent atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := linkA.Publish(event(a.UID, int(sent.Load()))); err != nil {
				t.Error(err)
				return
			}
			sent.Add(1)
			time.Sleep(200 * time.Microsecond)
		}
	}()
	next := 0
	for range rounds {
		for range 50 {
			memberB.Wants(t, next)
			memberA.Wants(t, next)
			next++
		}
		nats.Kill()
		nats.Restart()
	}
	close(stop)
	<-stopped
	for ; next < int(sent.Load()); next++ {
		memberB.Wants(t, next)
		memberA.Wants(t, next)
	}
	await(t, "all is counted", func() bool { return a.Stats().Sent == uint64(next) })
	if s := a.Stats(); s.Failed > 0 || len(memberB.Messages) > 0 {
		t.Errorf("stats are %+v", s)
	}
}

// A server that was stopped while it led the stream answers as its leader for a moment. What was read
// of the stream meanwhile is not there: After waits for it, and the reader does not go back.
func TestStaleLeader(t *testing.T) {
	a := start(t, "aaaaaa", Config{Addrs: []string{startJetStream(t).host()}, JetStream: true})
	l, member := a.Link("/")
	begin := l.(adapter.Log).Reached()
	publishNow(t, l, event(a.UID, 1))
	member.Wants(t, 1)
	r := a.Broker.(*stream).reader
	ahead := position{r.position().made, r.position().seq + 1}
	r.mu.Lock()
	r.reached = ahead // as if another leader had sent event 2
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var last error
	for _, last = range l.(adapter.Log).After(ctx, begin) {
	}
	if last == nil || !strings.Contains(last.Error(), errBehind.Error()) {
		t.Errorf("without event 2 it ended with %v", last)
	}
	publishNow(t, l, event(a.UID, 2))
	if got, _, err := positions(l, begin); err != nil || !slices.Equal(got, []string{`["n",1]`, `["n",2]`}) {
		t.Errorf("got %q, %v", got, err)
	}
	member.Wants(t, 2)

	other := &reader{x: r.x, last: position{ahead.made, ahead.seq + 1}}
	info, err := r.x.info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := other.verify(info); !errors.Is(err, errBehind) || other.last.seq != ahead.seq+1 || len(member.Gaps) > 0 {
		t.Errorf("the reader went back to %v, with %v", other.last, err)
	}
	other.behind = time.Now().Add(-staleLeader)
	if err := other.verify(info); err != nil || other.last != ahead {
		t.Errorf("the reader stays at %v, with %v", other.last, err)
	}
	if err := <-member.Gaps; !strings.Contains(err.Error(), "has been read") {
		t.Errorf("the gap is %v", err)
	}
}

// A connection that breaks while messages are under way loses none and doubles none.
func TestLogCut(t *testing.T) {
	nats := startJetStream(t)
	p := startProxy(t, nats.host())
	a := start(t, "aaaaaa", Config{Addrs: []string{p.Addr()}, JetStream: true})
	b := start(t, "bbbbbb", Config{Addrs: []string{p.Addr()}, JetStream: true})
	linkA, _ := a.Link("/")
	_, memberB := b.Link("/")
	const n = 3000
	go func() {
		for i := range n {
			if err := linkA.Publish(event(a.UID, i)); err != nil {
				t.Error(err)
			}
		}
	}()
	for i := range n {
		if i%500 == 100 {
			p.Cut()
		}
		memberB.Wants(t, i)
	}
	if a.Stats().Failed > 0 {
		t.Errorf("stats are %+v", a.Stats())
	}
}

// Messages that were trimmed before they were read are a gap, and so is another stream of the name.
func TestLogGaps(t *testing.T) {
	nats := startJetStream(t)
	p := startProxy(t, nats.host())
	c := Config{JetStream: true, MaxLen: 10}
	c.Addrs = []string{nats.host()}
	a := start(t, "aaaaaa", c)
	c.Addrs = []string{p.Addr()}
	b := start(t, "bbbbbb", c)
	linkA, memberA := a.Link("/")
	linkB, memberB := b.Link("/")
	begin := linkA.(adapter.Log).Reached()
	publishNow(t, linkA, event(a.UID, 0))
	memberB.Wants(t, 0)
	p.Stop()
	memberA.Wants(t, 0)
	for i := range 100 {
		publishNow(t, linkA, event(a.UID, i))
		memberA.Wants(t, i)
	}
	p.Cut()
	p.Continue()
	named := func(text string) {
		t.Helper()
		for deadline := time.After(brokertest.Patience); ; {
			select {
			case err := <-memberB.Gaps:
				if strings.Contains(err.Error(), text) {
					return
				}
			case <-deadline:
				t.Fatalf("no gap: %s", text)
			}
		}
	}
	named("messages were trimmed that were not read")
	last := ""
	for last != `["n",99]` {
		last = string(memberB.Next(t).Packet.Data)
	}
	if _, _, err := positions(linkB, begin); !errors.Is(err, adapter.ErrPosition) {
		t.Errorf("got %v", err)
	}

	at := linkB.(adapter.Log).Reached()
	ctx, cancel := context.WithTimeout(t.Context(), brokertest.Patience)
	defer cancel()
	if err := a.Broker.(*stream).js.DeleteStream(ctx, "socketio"); err != nil {
		t.Fatal(err)
	}
	publishNow(t, linkA, event(a.UID, 1000))
	named("made again")
	memberB.Wants(t, 1000)
	if _, _, err := positions(linkB, at); !errors.Is(err, adapter.ErrPosition) {
		t.Errorf("got %v", err)
	}
	if linkB.(adapter.Log).ComparePositions(at, linkB.(adapter.Log).Reached()) != -1 {
		t.Error("positions went back")
	}
}

// A session is taken once, is kept for its time, and no id breaks anything.
func TestSessions(t *testing.T) {
	c := Config{Addrs: []string{startJetStream(t).host()}, JetStream: true}
	a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
	linkA, _ := a.Link("/")
	linkB, _ := b.Link("/")
	ctx := t.Context()
	for i := range 50 {
		pid, data := fmt.Sprint("pid", i), fmt.Sprintf(`{"sid":"s%d"}`, i)
		for _, text := range []string{"{}", data} {
			if err := linkA.(adapter.Log).PutSession(ctx, pid, []byte(text), time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		got := make(chan string, 4)
		for k := range 4 {
			go func() {
				raw, err := []adapter.Link{linkA, linkB}[k%2].(adapter.Log).TakeSession(ctx, pid)
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
	if err := linkA.(adapter.Log).PutSession(ctx, "short", []byte("{}"), time.Millisecond); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Millisecond) // its time is over
	for _, pid := range append([]string{"short", "none", "$", "../x", "\x00", strings.Repeat("x", 1000)}, oddNames...) {
		if raw, err := linkB.(adapter.Log).TakeSession(ctx, pid); raw != nil || err != nil {
			t.Errorf("%.20q: %s, %v", pid, raw, err)
		}
	}
	if err := linkA.(adapter.Log).PutSession(ctx, "a.b", nil, time.Minute); !errors.Is(err, adapter.ErrBroker) {
		t.Errorf("got %v", err)
	}
}

// What the stream refuses for good is reported, and what follows is sent.
func TestLogRefused(t *testing.T) {
	nats := startJetStream(t)
	a := start(t, "aaaaaa", Config{Addrs: []string{nats.host()}, JetStream: true})
	linkA, memberA := a.Link("/")
	x := a.Broker.(*stream)
	ctx, cancel := context.WithTimeout(t.Context(), brokertest.Patience)
	defer cancel()
	s, err := x.js.Stream(ctx, "socketio")
	if err != nil {
		t.Fatal(err)
	}
	config := s.CachedInfo().Config
	config.MaxMsgSize = 1000
	if _, err := x.js.UpdateStream(ctx, config); err != nil {
		t.Fatal(err)
	}
	big := event(a.UID, 1)
	big.Packet = &adapter.Packet{Event: "big", Args: []any{strings.Repeat("x", 2000)}}
	publishNow(t, linkA, event(a.UID, 1))
	publishNow(t, linkA, big)
	publishNow(t, linkA, event(a.UID, 2))
	memberA.Wants(t, 1, 2)
	await(t, "it is reported", func() bool {
		return a.Stats().Failed == 1 && len(a.Reports()) == 1 &&
			strings.Contains(a.Reports()[0].Error(), "message size exceeds")
	})
}

func TestNoJetStream(t *testing.T) {
	host := startNATS(t, nil).host()
	c, err := Config{URL: "nats+jetstream://" + host}.resolve()
	if err != nil {
		t.Fatal(err)
	}
	broker := newBroker(c)
	ctx, cancel := context.WithTimeout(t.Context(), brokertest.Patience)
	defer cancel()
	err = broker.Start(ctx, "aaaaaa", func(error) {})
	want := "nats at " + host + ": JetStream: the NATS server does not have it enabled (nats-server -js)"
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	if err := broker.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

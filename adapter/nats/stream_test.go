package nats

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokertest"
)

func startJetStream(t testing.TB) *natsServer {
	return startNATS(t, func(o *server.Options) { o.JetStream = true })
}

// Broadcasts come back to all servers in one order, with positions, and can be read again.
func TestLog(t *testing.T) {
	c := Config{Addrs: []string{startJetStream(t).host()}, JetStream: true}
	brokertest.LogOrder(t, start(t, "aaaaaa", c), start(t, "bbbbbb", c))
}

// No message that is kept is lost or comes twice while NATS is away.
func TestLogRestart(t *testing.T) {
	nats := startJetStream(t)
	c := Config{Addrs: []string{nats.host()}, JetStream: true}
	restart := func() { nats.Kill(); nats.Restart() }
	brokertest.LogFaults(t, start(t, "aaaaaa", c), start(t, "bbbbbb", c), restart, restart, restart)
}

// A server that was stopped while it led the stream answers as its leader for a moment. It lacks
// messages that were read meanwhile: After waits for them, and the reader does not go back.
func TestStaleLeader(t *testing.T) {
	a := start(t, "aaaaaa", Config{Addrs: []string{startJetStream(t).host()}, JetStream: true})
	l, member := a.Link("/")
	begin := l.(adapter.Log).Reached()
	publishNow(t, l, event(a.UID, 1))
	member.Wants(t, 1)
	r := a.Broker.(*stream).reader
	await(t, "the reader has handled event 1", func() bool { return r.position().seq == 1 })
	ahead := position{r.position().made, 2}
	r.mu.Lock()
	r.reached = ahead // as if another leader had sent event 2
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var last error
	for _, last = range l.(adapter.Log).After(ctx, begin) {
	}
	if last == nil || !strings.Contains(last.Error(), errBehind.Error()) {
		t.Errorf("without event 2 it ended with %v", last)
	}
	publishNow(t, l, event(a.UID, 2))
	if got, _, err := brokertest.After(l, begin); err != nil || !slices.Equal(got, []string{`["n",1]`, `["n",2]`}) {
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
	member.WantsGapOf(t, "has been read")
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
	var publisher sync.WaitGroup
	publisher.Go(func() {
		for i := range n {
			if err := linkA.Publish(event(a.UID, i)); err != nil {
				t.Error(err)
			}
		}
	})
	defer publisher.Wait()
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
	memberB.WantsGapOf(t, "messages were trimmed that were not read")
	last := ""
	for last != `["n",99]` {
		last = string(memberB.Next(t).Packet.Data)
	}
	brokertest.WantsNoPosition(t, linkB, begin)

	brokertest.LogMadeAgain(t, b, linkB, memberB, func() {
		ctx, cancel := context.WithTimeout(t.Context(), brokertest.Patience)
		defer cancel()
		if err := a.Broker.(*stream).js.DeleteStream(ctx, "socketio"); err != nil {
			t.Fatal(err)
		}
	})
}

// A session is taken once, is kept for its time, and no id breaks anything.
func TestSessions(t *testing.T) {
	c := Config{Addrs: []string{startJetStream(t).host()}, JetStream: true}
	brokertest.LogSessions(t, start(t, "aaaaaa", c), start(t, "bbbbbb", c), "a.b", oddNames...)
}

// Messages that the stream refuses for good are reported, and later ones are sent.
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

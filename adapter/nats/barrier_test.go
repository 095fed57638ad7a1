package nats

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokertest"
)

// lister is the member of the name "" of a server that knows others.
type lister struct {
	*brokertest.Member
	uids []string
}

func (l lister) Servers(context.Context) (list []adapter.Server) {
	for _, uid := range l.uids {
		list = append(list, adapter.Server{UID: uid})
	}
	return list
}

func clustered(o *server.Options) {
	o.Cluster = server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: server.RANDOM_PORT}
}

// startKnowing starts a broker whose process knows others, and returns its link of "/".
func startKnowing(
	t *testing.T, host, uid string, others ...string,
) (*brokertest.Server, adapter.Router, adapter.Link, *brokertest.Member) {
	s := start(t, uid, Config{Addrs: []string{host}})
	s.LinkTo(lister{brokertest.NewMember(""), others})
	l, member := s.Link("/")
	return s, l.(adapter.Router), l, member
}

// dial connects to a NATS server, and returns the questions to a process.
func dial(t *testing.T, host, subject string) (*nats.Conn, *nats.Subscription) {
	t.Helper()
	nc, err := nats.Connect("nats://"+host, dialTime)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	sub, err := nc.SubscribeSync("socketio.=.sync." + subject)
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return nc, sub
}

func barrierOf(s *brokertest.Server) *barrier { return s.Broker.(*core).barrier }

// Settle waits until the other NATS servers know the rooms. What is late is a gap, and is not
// waited for again.
func TestLateRoute(t *testing.T) {
	one := startNATS(t, clustered)
	route := startProxy(t, one.ClusterAddr().String())
	two := startNATS(t, func(o *server.Options) {
		clustered(o)
		o.Routes = server.RoutesFromStr("nats-route://" + route.Addr())
	})
	await(t, "a route", func() bool { return two.NumRoutes() == server.DEFAULT_ROUTE_POOL_SIZE+1 })
	a, rooms, _, member := startKnowing(t, one.host(), "aaaaaa", "bbbbbb")
	b, _, linkB, _ := startKnowing(t, two.host(), "bbbbbb", "aaaaaa")
	nc, answers := dial(t, one.host(), "test.>")
	await(t, "b can be asked", func() bool {
		err := nc.PublishRequest("socketio.=.sync.bbbbbb.ask", "socketio.=.sync.test.1", nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := answers.NextMsg(time.Second)
		return err == nil && !noResponders(m)
	})
	join := func(room string) {
		rooms.RoomOpened(room)
		rooms.Settle(t.Context())
	}
	join("1")
	publishNow(t, linkB, event(b.UID, 1, "1"))
	member.Wants(t, 1)
	route.Stop()
	join("2")
	if err := barrierOf(a).wait(brokertest.Limit(t)); err != errSilent { //nolint:errorlint // a wrapped one has waited
		t.Errorf("a silent server is waited for: %v", err)
	}
	join("3")
	if len(member.Gaps) > 0 {
		t.Error("a gap that is not over")
	}
	route.Continue()
	member.WantsGapOf(t, errLate.Error())
	publishNow(t, linkB, event(b.UID, 2, "2"))
	member.Wants(t, 2)
	rooms.Settle(t.Context()) // that gap need not be the one of room 3
	publishNow(t, linkB, event(b.UID, 3, "3"))
	member.Wants(t, 3)
	for i := range 300 {
		room := string(rune('A' + i))
		join(room)
		publishNow(t, linkB, event(b.UID, i, room))
		member.Wants(t, i)
	}
}

// All who wait while a round is under way share the next one. A server that does not listen, because
// it is gone or old, is not waited for.
func TestBarrierRounds(t *testing.T) {
	host := startNATS(t, clustered).host()
	a, _, _, _ := startKnowing(t, host, "aaaaaa", "cccccc", "gone")
	_, questions := dial(t, host, "cccccc.ask")
	x := barrierOf(a)
	first := x.join()
	if _, err := questions.NextMsg(brokertest.Patience); err != nil {
		t.Fatal(err)
	}
	next := x.join()
	for range 100 {
		if x.join() != next {
			t.Fatal("another round")
		}
	}
	go func() {
		for { // until the test ends
			m, err := questions.NextMsgWithContext(t.Context())
			if err != nil {
				return
			}
			if err := m.Respond(nil); err != nil {
				return
			}
		}
	}()
	for _, r := range []*round{first, next} {
		if brokertest.Get(t, "end of the round", r.done); r.err != nil {
			t.Fatal(r.err)
		}
	}
	if x.number != 2 || len(x.open) > 0 {
		t.Errorf("%d rounds, %d are open", x.number, len(x.open))
	}
}

// A server that ends with a question is not waited for.
func TestBarrierLeaver(t *testing.T) {
	host := startNATS(t, clustered).host()
	a, _, _, _ := startKnowing(t, host, "aaaaaa", "cccccc")
	nc, questions := dial(t, host, "cccccc.ask")
	r := barrierOf(a).join()
	if _, err := questions.NextMsg(brokertest.Patience); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	if brokertest.Get(t, "end of the round", r.done); r.err != nil {
		t.Error(r.err)
	}
}

// A server that answers after the late round has given up is a gap.
func TestBarrierGaveUp(t *testing.T) {
	host := startNATS(t, clustered).host()
	a, _, _, member := startKnowing(t, host, "aaaaaa", "cccccc")
	_, questions := dial(t, host, "cccccc.ask")
	x := barrierOf(a)
	if err := x.ask(new(round), true, 1); !errors.Is(err, errSilent) {
		t.Fatal(err)
	}
	for range 2 { // of that round, and of the one before the gap
		m, err := questions.NextMsg(brokertest.Patience)
		if err == nil {
			err = m.Respond(nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	member.WantsGapOf(t, errLate.Error())
}

// With one NATS server nobody is asked.
func TestBarrierAlone(t *testing.T) {
	host := startNATS(t, nil).host()
	_, rooms, _, _ := startKnowing(t, host, "aaaaaa", "bbbbbb")
	nc, all := dial(t, host, ">")
	rooms.RoomOpened("room")
	rooms.Settle(t.Context())
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if n, _, err := all.Pending(); n != 0 || err != nil {
		t.Errorf("%d messages, %v", n, err)
	}
}

// Whatever others send is answered once at most, to a process, and does not stop the barrier.
func TestBarrierUntrusted(t *testing.T) {
	host := startNATS(t, clustered).host()
	a, _, _, _ := startKnowing(t, host, "aaaaaa", "bbbbbb")
	startKnowing(t, host, "bbbbbb", "aaaaaa")
	nc, answers := dial(t, host, "other.>")
	stray, err := nc.SubscribeSync("stray")
	if err != nil {
		t.Fatal(err)
	}
	to := "socketio.=.sync.aaaaaa."
	for _, what := range []string{
		"ask", "1", "0.bbbbbb", "1.bbbbbb", "18446744073709551616.x.y", "-1.bbbbbb", "ask.ask",
	} {
		if err := nc.Publish(to+what, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	process := "socketio.=.sync.other."
	for _, reply := range []string{"stray", process + strings.Repeat("x", maxReply), to + "ask", process + "1"} {
		if err := nc.PublishRequest(to+"ask", reply, nil); err != nil {
			t.Fatal(err)
		}
	}
	if m, err := answers.NextMsg(brokertest.Patience); err != nil || !strings.HasSuffix(m.Subject, ".other.1") {
		t.Errorf("got %v, %v", m, err)
	}
	if n, _, _ := stray.Pending(); n > 0 {
		t.Error("an answer to somewhere else")
	}
	if err := barrierOf(a).wait(brokertest.Limit(t)); err != nil {
		t.Error(err)
	}
}

// Close does not wait for a gap that is about to be named on a connection of the user's that hangs, and
// names none.
func TestCloseWhileLate(t *testing.T) {
	link := startProxy(t, startNATS(t, nil).host())
	nc, err := nats.Connect("nats://"+link.Addr(), dialTime)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	s := start(t, "aaaaaa", Config{Conn: nc})
	l, member := s.Link("/")
	link.Stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.(adapter.Router).RoomOpened("room")
	l.(adapter.Router).Settle(ctx)
	subs := s.Broker.(*core).subs
	await(t, "the gap is about to be named", func() bool {
		subs.mu.Lock()
		defer subs.mu.Unlock()
		return !subs.late
	})
	closed := make(chan struct{})
	go func() {
		_ = s.Close(ctx) // ctx has ended
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(brokertest.Patience):
		t.Error("Close waits")
	}
	link.Continue()
	if len(member.Gaps) > 0 {
		t.Errorf("a gap: %v", <-member.Gaps)
	}
}

package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokertest"
)

// What most tests need of brokertest.
var event, publishNow, await = brokertest.Event, brokertest.Publish, brokertest.Await

// start starts a broker. It is closed with the test.
func start(t *testing.T, uid string, c Config) *brokertest.Server {
	t.Helper()
	c, err := c.resolve()
	if err != nil {
		t.Fatal(err)
	}
	return brokertest.Start(t, newBroker(c), uid)
}

// settled waits until the server has all subscriptions of a process.
func settled(t *testing.T, s *brokertest.Server) {
	t.Helper()
	c := s.Broker.(*core)
	if err := c.subs.confirm(t.Context(), "none"); err != nil {
		ctx, cancel := context.WithTimeout(t.Context(), brokertest.Patience)
		defer cancel()
		if err := c.subs.confirm(ctx, "none"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestExchange(t *testing.T) {
	nats := startNATS(t, nil)
	for _, mode := range []SubscriptionMode{Dynamic, Static} {
		t.Run(mode.String(), func(t *testing.T) {
			c := Config{Addrs: []string{nats.host()}, Prefix: "x." + mode.String(), SubscriptionMode: mode}
			a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
			linkA, memberA := a.Link("/")
			linkB, memberB := b.Link("/")
			_, other := a.Link("/other")
			publishNow(t, linkA, event(a.UID, 1))
			publishNow(t, linkA, event(a.UID, 2, "r1", "r2", "r3", "r4", "r5"))
			memberB.Wants(t, 1, 2)

			request := event(a.UID, 0)
			request.Type, request.RequestID = adapter.MessageFetchSockets, "id1"
			publishNow(t, linkA, request)
			got := memberB.Next(t)
			if got.Type != request.Type || got.UID != a.UID || got.RequestID != "id1" || got.Namespace != "/" {
				t.Errorf("got %+v", got)
			}
			answer := &adapter.Message{
				UID: b.UID, Namespace: "/", Type: adapter.MessageFetchSocketsResponse, RequestID: "id1",
				Sockets: []adapter.Info{{ID: "s", Rooms: []string{"s"}}},
			}
			if err := linkB.Reply(got, answer); err != nil {
				t.Fatal(err)
			}
			got = memberA.Next(t)
			if got.Type != answer.Type || got.RequestID != "id1" || len(got.Sockets) != 1 || got.Sockets[0].ID != "s" {
				t.Errorf("got %+v", got)
			}
			if len(other.Messages)+len(memberA.Messages)+len(memberB.Messages) > 0 {
				t.Error("somebody got more")
			}
			if err := linkB.Close(); err != nil {
				t.Fatal(err)
			}
			publishNow(t, linkA, event(a.UID, 3))
			await(t, "all is sent", func() bool { return a.Stats().QueuedBytes == 0 })
			if s := a.Stats(); !s.Connected || s.Sent != 4 || s.Received != 1 || s.Failed+s.Gaps+s.Invalid != 0 ||
				s.Broker != "nats core at "+nats.host() {
				t.Errorf("stats are %+v", s)
			}
			if len(a.Reports())+len(b.Reports())+len(memberB.Messages) > 0 {
				t.Errorf("reported %v, %v", a.Reports(), b.Reports())
			}
		})
	}
}

// oddNames are names of namespaces and rooms that no subject can have as they are.
var oddNames = []string{
	"/", "", " ", ".", "*", ">", "a.b", "a*", "=", "=20", "ü#/#ö", "\x00\n", strings.Repeat("x", 300),
	strings.Repeat("ü", 5000),
}

func TestToken(t *testing.T) {
	seen := map[string]string{}
	more := []string{"\xff", "=2E", "=s", "/chat"}
	for _, n := range []int{128, 129, 301} {
		more = append(more, strings.Repeat("x", n))
	}
	for _, name := range append(more, oddNames...) {
		got := token(name)
		if before, twice := seen[got]; twice || len(got) > maxToken || strings.ContainsAny(got, " .*>\n") || got == "" {
			t.Errorf("%.20q becomes %q, as %.20q", name, got, before)
		}
		seen[got] = name
	}
	if got := token("/a.b c"); got != "/a=2Eb=20c" {
		t.Errorf("got %s", got)
	}
}

// Any name can be that of a namespace or of a room.
func TestOddNames(t *testing.T) {
	c := Config{Addrs: []string{startNATS(t, nil).host()}}
	a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
	for _, name := range oddNames {
		linkA, _ := a.Link(name)
		linkB, memberB := b.Link(name)
		for _, room := range oddNames {
			linkB.(adapter.Router).RoomOpened(room)
		}
		settled(t, b)
		for i, room := range oddNames {
			m := event(a.UID, i, room)
			m.Namespace = name
			publishNow(t, linkA, m)
		}
		for i := range oddNames {
			memberB.Wants(t, i)
		}
	}
	if s := b.Stats(); s.Invalid > 0 || len(b.Reports()) > 0 {
		t.Errorf("stats are %+v, reported %v", s, b.Reports())
	}
}

// A server gets the events of its rooms, once, in order with those for all, and no others.
func TestRooms(t *testing.T) {
	nats := startNATS(t, nil)
	c := Config{Addrs: []string{nats.host()}}
	a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
	linkA, _ := a.Link("/")
	linkB, memberB := b.Link("/")
	router := linkB.(adapter.Router)
	before := nats.NumSubscriptions()
	for range 10 {
		router.RoomOpened("r1")
		router.RoomOpened("r2")
		settled(t, b)
		publishNow(t, linkA, event(a.UID, 1, "r1"))
		publishNow(t, linkA, event(a.UID, 2))
		publishNow(t, linkA, event(a.UID, 3, "r0", "r2", "r1"))
		publishNow(t, linkA, event(a.UID, 4, "r1", "r2"))
		publishNow(t, linkA, event(a.UID, 0, "r0"))
		publishNow(t, linkA, event(a.UID, 0, "r0", "r3"))
		publishNow(t, linkA, event(a.UID, 5))
		publishNow(t, linkA, event(a.UID, 6, "r2", "r0"))
		publishNow(t, linkA, event(a.UID, 7, "1", "2", "3", "4", "5"))
		memberB.Wants(t, 1, 2, 3, 4, 5, 6, 7)
		router.RoomClosed("r2")
		router.RoomClosed("r1")
		router.RoomOpened("r1")
		router.RoomClosed("r1")
		settled(t, b)
		publishNow(t, linkA, event(a.UID, 0, "r1"))
		publishNow(t, linkA, event(a.UID, 0, "r1", "r2"))
		publishNow(t, linkA, event(a.UID, 8))
		memberB.Wants(t, 8)
	}
	for i := range 2000 {
		router.RoomOpened(fmt.Sprint(i))
	}
	await(t, "all subscriptions", func() bool { return nats.NumSubscriptions() == before+2000 })
	if err := linkB.Close(); err != nil {
		t.Fatal(err)
	}
	await(t, "all end", func() bool { return nats.NumSubscriptions() < before })
}

// What a server publishes after a room was opened comes after the subscription: an answer to it is not
// missed.
func TestRoomBeforePublish(t *testing.T) {
	c := Config{Addrs: []string{startNATS(t, nil).host()}}
	a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
	linkA, memberA := a.Link("/")
	linkB, memberB := b.Link("/")
	for i := range 500 {
		room := fmt.Sprint("room", i)
		linkB.(adapter.Router).RoomOpened(room)
		publishNow(t, linkB, event(b.UID, i))
		memberA.Wants(t, i)
		publishNow(t, linkA, event(a.UID, i, room))
		memberB.Wants(t, i)
	}
}

// Rooms that a command makes sockets join are reached at once, from any server.
func TestJoinedRoomAtOnce(t *testing.T) {
	c := Config{Addrs: []string{startNATS(t, nil).host()}}
	a, b, x := start(t, "aaaaaa", c), start(t, "bbbbbb", c), start(t, "xxxxxx", c)
	linkA, _ := a.Link("/")
	_, memberB := b.Link("/")
	linkX, memberX := x.Link("/")
	command := event(a.UID, 0)
	command.Type, command.Rooms = adapter.MessageSocketsJoin, []string{"r1"}
	publishNow(t, linkA, command)
	publishNow(t, linkA, event(a.UID, 1, "r1"))
	for _, m := range []*brokertest.Member{memberB, memberX} {
		if got := m.Next(t); got.Type != adapter.MessageSocketsJoin {
			t.Errorf("got %+v", got)
		}
		m.Wants(t, 1)
	}
	publishNow(t, linkX, event(x.UID, 2, "r1"))
	memberB.Wants(t, 2)
	publishNow(t, linkX, event(x.UID, 0, "r2"))
	publishNow(t, linkX, event(x.UID, 3))
	memberB.Wants(t, 3)
}

// A connection that breaks is a gap, reported once, and the subscriptions are made again.
func TestGap(t *testing.T) {
	nats := startNATS(t, nil)
	p := startProxy(t, nats.host())
	a := start(t, "aaaaaa", Config{Addrs: []string{nats.host()}})
	b := start(t, "bbbbbb", Config{Addrs: []string{p.Addr()}})
	linkA, _ := a.Link("/")
	linkB, memberB := b.Link("/")
	_, otherB := b.Link("/other")
	linkB.(adapter.Router).RoomOpened("room1")
	settled(t, b)
	for round := range 3 {
		p.Cut()
		for _, m := range []*brokertest.Member{memberB, otherB} {
			m.WantsGap(t)
		}
		publishNow(t, linkA, event(a.UID, 1, "room1"))
		publishNow(t, linkA, event(a.UID, 2))
		memberB.Wants(t, 1, 2)
		if n := len(memberB.Gaps) + len(otherB.Gaps); n > 0 {
			t.Errorf("%d more gaps", n)
		}
		if errs := b.AwaitReports(round + 1); len(errs) != round+1 || !errors.Is(errs[round], adapter.ErrBrokerDown) {
			t.Errorf("reported %v", errs)
		}
	}
	if s := b.Stats(); s.Gaps != 3 || !s.Connected {
		t.Errorf("stats are %+v", s)
	}
}

// That a connection is closed for good is reported: nothing makes it again.
func TestClosedForGood(t *testing.T) {
	conn, err := nats.Connect("nats://"+startNATS(t, nil).host(), dialTime)
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	conn.SetClosedHandler(func(*nats.Conn) { close(closed) })
	a := start(t, "aaaaaa", Config{Conn: conn})
	conn.Close()
	brokertest.Get(t, "end of the connection", closed)
	want := "the connection was closed for good, restart this server: by its owner"
	if text := fmt.Sprint(errors.Join(a.AwaitReports(1)...)); !strings.Contains(text, want) {
		t.Errorf("reported %s", text)
	}
	if a.Stats().Connected {
		t.Error("it says that it is connected")
	}
}

// discoverer is a member that is told of other NATS servers.
type discoverer struct {
	*brokertest.Member
	found chan struct{}
}

func (d *discoverer) Discovered() { d.found <- struct{}{} }

// Another NATS server in the cluster means servers that were not heard so far: the member for the
// heartbeats gets to know.
func TestDiscovered(t *testing.T) {
	clustered := func(o *server.Options) { o.Cluster = server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: -1} }
	nats := startNATS(t, clustered)
	a := start(t, "aaaaaa", Config{Addrs: []string{nats.host()}})
	process := &discoverer{brokertest.NewMember(""), make(chan struct{}, 10)}
	a.LinkTo(process)
	startNATS(t, func(o *server.Options) {
		clustered(o)
		o.Routes = server.RoutesFromStr("nats://" + nats.ClusterAddr().String())
	})
	select {
	case <-process.found:
	case <-time.After(brokertest.Patience):
		t.Error("it is not told")
	}
	if s := a.Stats(); s.Gaps > 0 || len(a.Reports()) > 0 {
		t.Errorf("stats are %+v, reported %v", s, a.Reports())
	}
}

// A subscription to a room that NATS confirms when Settle has long returned is a gap.
func TestLateRoom(t *testing.T) {
	p := startProxy(t, startNATS(t, nil).host())
	b := start(t, "bbbbbb", Config{Addrs: []string{p.Addr()}})
	l, member := b.Link("/")
	brokertest.LateRoom(t, b, l.(adapter.Router), member, p.Stop, p.Continue)
}

// A broker that stands still for a while loses nothing, sends nothing twice, and Publish does not wait.
func TestStop(t *testing.T) {
	nats := startNATS(t, nil)
	p := startProxy(t, nats.host())
	a := start(t, "aaaaaa", Config{Addrs: []string{p.Addr()}})
	b := start(t, "bbbbbb", Config{Addrs: []string{p.Addr()}})
	linkA, _ := a.Link("/")
	_, memberB := b.Link("/")
	p.Stop()
	stopped := time.After(2 * time.Second)
	for i := range 1000 {
		publishNow(t, linkA, event(a.UID, i)) // would wait for ever, if it waited
	}
	<-stopped
	p.Continue()
	for i := range 1000 {
		memberB.Wants(t, i)
	}
	if len(memberB.Messages)+len(memberB.Gaps)+len(a.Reports())+len(b.Reports()) > 0 {
		t.Error("something was sent twice, or reported")
	}
}

// What waits is bounded.
func TestStalled(t *testing.T) {
	p := startProxy(t, startNATS(t, nil).host())
	a := start(t, "aaaaaa", Config{Addrs: []string{p.Addr()}, MaxQueuedBytes: 100_000})
	linkA, _ := a.Link("/")
	p.Stop()
	defer p.Continue()
	brokertest.Stalled(t, a, linkA)
}

// A broker that dies and comes back is a gap. What is published meanwhile waits and arrives.
func TestRestart(t *testing.T) {
	nats := startNATS(t, nil)
	c := Config{Addrs: []string{nats.host()}}
	brokertest.Restart(t, start(t, "aaaaaa", c), start(t, "bbbbbb", c), nats.Kill, nats.Restart)
}

// What was under way when the connection broke is counted and reported as lost, and not sent again.
func TestLostBatch(t *testing.T) {
	nats := startNATS(t, nil)
	p := startProxy(t, nats.host())
	a := start(t, "aaaaaa", Config{Addrs: []string{p.Addr()}})
	b := start(t, "bbbbbb", Config{Addrs: []string{nats.host()}})
	linkA, _ := a.Link("/")
	_, memberB := b.Link("/")
	p.Stop()
	publishNow(t, linkA, event(a.UID, 1))
	await(t, "it is under way", func() bool { return a.Broker.(*core).nc.Stats().OutMsgs > 0 })
	p.Cut()
	p.Continue()
	await(t, "it is lost", func() bool { return a.Stats().Failed == 1 && a.Stats().Connected })
	publishNow(t, linkA, event(a.UID, 2))
	memberB.Wants(t, 2)
	errs := a.AwaitReports(2)
	if all := errors.Join(errs...); len(errs) != 2 || !strings.Contains(all.Error(), "1 of 1 messages were lost") {
		t.Errorf("reported %v", all)
	}
}

// A server that does not handle what it receives drops it beyond a limit, which is a gap.
func TestSlow(t *testing.T) {
	for _, large := range []bool{true, false} {
		t.Run(fmt.Sprintf("large=%v", large), func(t *testing.T) {
			c := Config{Addrs: []string{startNATS(t, nil).host()}}
			a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
			linkA, _ := a.Link("/")
			memberB := brokertest.NewMember("/")
			memberB.Messages = make(chan *adapter.Message, 1<<20)
			release := memberB.Hold(t)
			b.LinkTo(memberB)
			size, n := 100<<10, maxReceived/(100<<10)+100
			if !large {
				size, n = 10, maxReceived/messageSize+1000
			}
			m := event(a.UID, 1)
			m.Packet = &adapter.Packet{Event: "big", Args: []any{strings.Repeat("x", size)}}
			for range n {
				for errors.Is(linkA.Publish(m), adapter.ErrBrokerStalled) {
					time.Sleep(time.Millisecond)
				}
			}
			for left := a.Stats().QueuedBytes; left > 0; left = a.Stats().QueuedBytes {
				await(t, "more is sent", func() bool { return a.Stats().QueuedBytes < left })
			}
			in := b.Broker.(*core).inbox
			await(t, "the limit is reached", func() bool {
				in.mu.Lock()
				defer in.mu.Unlock()
				return in.full
			})
			release()
			for len(memberB.Gaps) == 0 {
				before := b.Stats().Received
				await(t, "more is received", func() bool { return b.Stats().Received > before || len(memberB.Gaps) > 0 })
			}
			memberB.WantsGap(t)
			publishNow(t, linkA, event(a.UID, 2))
			for string(memberB.Next(t).Packet.Data) != `["n",2]` {
			}
			if s := b.Stats(); s.Gaps != 1 || len(memberB.Gaps) > 0 {
				t.Errorf("stats are %+v, %d more gaps", s, len(memberB.Gaps))
			}
		})
	}
}

// A message that the server would refuse is an error that names its setting.
func TestTooLarge(t *testing.T) {
	nats := startNATS(t, func(o *server.Options) { o.MaxPayload = 10_000 })
	a := start(t, "aaaaaa", Config{Addrs: []string{nats.host()}})
	linkA, _ := a.Link("/")
	m := event(a.UID, 1, "a", "b")
	m.Packet = &adapter.Packet{Event: "big", Args: []any{strings.Repeat("x", 10_000)}}
	setting := "max_payload of the NATS server is 10000"
	if err := linkA.Publish(m); !errors.Is(err, adapter.ErrTooLarge) || !strings.Contains(err.Error(), setting) {
		t.Errorf("got %v", err)
	}
	for size := 9000; ; size++ { // the largest that is accepted arrives
		m.Packet = &adapter.Packet{Event: "big", Args: []any{strings.Repeat("x", size)}}
		if linkA.Publish(m) != nil {
			break
		}
	}
	await(t, "all is sent", func() bool { return a.Stats().QueuedBytes == 0 })
	if s := a.Stats(); s.Failed > 0 || s.Sent < 100 || len(a.Reports()) > 0 {
		t.Errorf("stats are %+v, reported %v", s, a.Reports())
	}
}

// An unreachable server, wrong credentials and missing rights are one line each.
func TestStartErrors(t *testing.T) {
	host := startNATS(t, func(o *server.Options) {
		o.Users = []*server.User{{Username: "limited", Password: "secret", Permissions: &server.Permissions{
			Subscribe: &server.SubjectPermission{Allow: []string{"good.>", "half.*.all"}},
			Publish:   &server.SubjectPermission{Allow: []string{"good.*.all"}},
		}}}
	}).host()
	refused := ": namespace /: permissions violation: Permissions Violation for Subscription to "
	for url, want := range map[string]string{
		"nats://u:secret@127.0.0.1:1":                                  "nats at 127.0.0.1:1: no servers available for connection",
		"nats://limited:secret2@" + host:                               "nats at " + host + ": Authorization Violation: the server does not accept",
		"nats://secret@" + host:                                        "nats at " + host + ": Authorization Violation: the server does not accept",
		"nats://limited:secret@" + host:                                "nats at " + host + refused + `"socketio./.`,
		"nats://limited:secret@" + host + "?prefix=half":               "nats at " + host + refused + `"half./.to.aaaaaa"`,
		"nats://u:secret@" + host + "?creds=/none":                     "only one of Config.Username, Config.Token and Config.Credentials can log in",
		"nats://" + host + "?creds=/none":                              "nats at " + host + ": ",
		"tls://u:secret@" + host:                                       "nats at " + host + ": secure connection not available: the NATS server has no TLS",
		"nats+jetstream://" + startJetStream(t).host() + "?replicas=3": ": JetStream: replicas > 1 not supported",
	} {
		c, err := Config{URL: url}.resolve()
		if err == nil {
			err = brokertest.StartError(t.Context(), t, newBroker(c))
			if err == nil || !errors.Is(err, adapter.ErrBroker) {
				t.Errorf("%s: %v", url, err)
			}
		}
		text := fmt.Sprint(err)
		if !strings.Contains(text, want) || strings.Contains(text, "secret@") || strings.Contains(text, "secret2") ||
			strings.Contains(text, "\n") {
			t.Errorf("%s: %v, want %s", url, err, want)
		}
	}
	s := start(t, "aaaaaa", Config{URL: "nats://limited:secret@" + host + "?prefix=good"})
	l, _ := s.Link("/")
	publishNow(t, l, event(s.UID, 1, "room"))
	await(t, "the refusal is reported", func() bool {
		return len(s.Reports()) == 1 && s.Stats().Failed == 1 &&
			strings.Contains(s.Reports()[0].Error(), `Publish to "good./.room.room"`)
	})
}

// What cannot be read is counted, and what follows is received.
func TestInvalid(t *testing.T) {
	host := startNATS(t, nil).host()
	b := start(t, "bbbbbb", Config{Addrs: []string{host}})
	_, memberB := b.Link("/")
	conn, err := nats.Connect("nats://"+host, dialTime)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send := func(subject, data, header string) {
		m := &nats.Msg{Subject: "socketio./." + subject, Data: []byte(data), Header: nats.Header{copyHeader: {header}}}
		if err := conn.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	bad := []string{"", "{", "[]", "\x80", "{}", `{"type":3,"uid":"x","nsp":"/other"}`, `{"type":3}`}
	for _, data := range bad {
		for _, header := range []string{"", ".", "a.", strings.Repeat("a", 10_000) + ".1"} {
			send("all", data, header)
			send("to.bbbbbb", data, header)
		}
	}
	good := `{"type":3,"uid":"x","nsp":"/","data":{"opts":{},"packet":{"type":2,"data":["n",1]}}}`
	send("all", good, "")
	memberB.Wants(t, 1)
	if s := b.Stats(); s.Invalid < uint64(len(bad)) || s.Received != 1 {
		t.Errorf("stats are %+v", s)
	}
}

// A connection of the user's is used and not closed, and its handlers are called.
func TestConn(t *testing.T) {
	server := startNATS(t, nil)
	p := startProxy(t, server.host())
	lost := make(chan bool, 10)
	conn, err := nats.Connect("nats://"+p.Addr(), dialTime, nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait),
		nats.DisconnectErrHandler(func(*nats.Conn, error) { lost <- true }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c, err := Config{Conn: conn}.resolve()
	if err != nil {
		t.Fatal(err)
	}
	broker := newBroker(c)
	if err := broker.Start(t.Context(), "aaaaaa", func(error) {}); err != nil {
		t.Fatal(err)
	}
	m := brokertest.NewMember("/")
	l, err := broker.Join(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	b := start(t, "bbbbbb", Config{Addrs: []string{server.host()}})
	linkB, memberB := b.Link("/")
	publishNow(t, l, event("aaaaaa", 1))
	memberB.Wants(t, 1)
	p.Cut()
	brokertest.Get(t, "loss of the connection", lost)
	m.WantsGap(t)
	publishNow(t, linkB, event("bbbbbb", 2))
	m.Wants(t, 2)
	if err := broker.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if conn.NumSubscriptions() != 0 || !conn.IsConnected() || broker.Stats().Received != 1 {
		t.Errorf("%d subscriptions are left, or the connection was closed", conn.NumSubscriptions())
	}
	p.Cut()
	brokertest.Get(t, "loss of the connection", lost)
}

package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/gosocketio/socketio/adapter"
)

// patience limits the wait for what must happen.
const patience = 15 * time.Second

// process is a process in a cluster, as far as its broker.
type process struct {
	t      *testing.T
	broker adapter.Broker
	uid    string

	mu     sync.Mutex
	errors []error
}

// start starts a broker. It is closed with the test.
func start(t *testing.T, uid string, c Config) *process {
	t.Helper()
	s := &process{t: t, uid: uid}
	c, err := c.resolve()
	if err != nil {
		t.Fatal(err)
	}
	s.broker = newBroker(c)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = s.broker.Start(ctx, uid, func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.errors = append(s.errors, err)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.broker.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// reports returns the errors reported so far.
func (s *process) reports() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.errors
}

func (s *process) join(namespace string) (adapter.Link, *member) {
	s.t.Helper()
	m := newMember(namespace)
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	l, err := s.broker.Join(ctx, m)
	if err != nil {
		s.t.Fatal(err)
	}
	return l, m
}

// member records what it receives.
type member struct {
	namespace string
	messages  chan *adapter.Message
	gaps      chan error
}

func newMember(namespace string) *member {
	return &member{namespace, make(chan *adapter.Message, 4096), make(chan error, 64)}
}

func (m *member) Namespace() string          { return m.namespace }
func (m *member) Receive(x *adapter.Message) { m.messages <- x }
func (m *member) Gap(err error)              { m.gaps <- err }

// event is a broadcast of a number to rooms.
func event(uid string, n int, rooms ...string) *adapter.Message {
	return &adapter.Message{
		UID: uid, Namespace: "/", Type: adapter.MessageBroadcast, Options: adapter.Options{Rooms: rooms},
		Packet: &adapter.Packet{Event: "n", Args: []any{n}},
	}
}

func publishNow(t *testing.T, l adapter.Link, m *adapter.Message) {
	t.Helper()
	if err := l.Publish(m); err != nil {
		t.Fatal(err)
	}
}

// next returns the next message that is received.
func (m *member) next(t *testing.T) *adapter.Message {
	t.Helper()
	select {
	case x := <-m.messages:
		if rest := x.Rest; rest != nil {
			x.Rest = nil
			if err := rest(x); err != nil {
				t.Error(err)
			}
		}
		return x
	case <-time.After(patience):
		t.Fatal("no message")
		return nil
	}
}

// wants receives events with these numbers, in this order.
func (m *member) wants(t *testing.T, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		if x := m.next(t); x.Packet == nil || string(x.Packet.Data) != fmt.Sprintf(`["n",%d]`, n) {
			t.Fatalf("got %+v, want number %d", x, n)
		}
	}
}

// wantsGap waits for a gap.
func (m *member) wantsGap(t *testing.T) {
	t.Helper()
	select {
	case err := <-m.gaps:
		if !errors.Is(err, adapter.ErrBrokerDown) {
			t.Errorf("the gap is %v", err)
		}
	case <-time.After(patience):
		t.Fatal("no gap")
	}
}

// settled waits until the server has all subscriptions of a process.
func (s *process) settled() {
	s.t.Helper()
	c := s.broker.(*core)
	if err := c.subs.confirm(s.t.Context(), "none"); err != nil {
		ctx, cancel := context.WithTimeout(s.t.Context(), patience)
		defer cancel()
		if err := c.subs.confirm(ctx, "none"); err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestExchange(t *testing.T) {
	nats := startNATS(t, nil)
	for _, mode := range []SubscriptionMode{Dynamic, Static} {
		t.Run(mode.String(), func(t *testing.T) {
			c := Config{Addrs: []string{nats.host()}, Prefix: "x." + mode.String(), SubscriptionMode: mode}
			a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
			linkA, memberA := a.join("/")
			linkB, memberB := b.join("/")
			_, other := a.join("/other")
			publishNow(t, linkA, event(a.uid, 1))
			publishNow(t, linkA, event(a.uid, 2, "r1", "r2", "r3", "r4", "r5"))
			memberB.wants(t, 1, 2)

			request := event(a.uid, 0)
			request.Type, request.RequestID = adapter.MessageFetchSockets, "id1"
			publishNow(t, linkA, request)
			got := memberB.next(t)
			if got.Type != request.Type || got.UID != a.uid || got.RequestID != "id1" || got.Namespace != "/" {
				t.Errorf("got %+v", got)
			}
			answer := &adapter.Message{
				UID: b.uid, Namespace: "/", Type: adapter.MessageFetchSocketsResponse, RequestID: "id1",
				Sockets: []adapter.Info{{ID: "s", Rooms: []string{"s"}}},
			}
			if err := linkB.Reply(got, answer); err != nil {
				t.Fatal(err)
			}
			got = memberA.next(t)
			if got.Type != answer.Type || got.RequestID != "id1" || len(got.Sockets) != 1 || got.Sockets[0].ID != "s" {
				t.Errorf("got %+v", got)
			}
			if len(other.messages)+len(memberA.messages)+len(memberB.messages) > 0 {
				t.Error("somebody got more")
			}
			if err := linkB.Close(); err != nil {
				t.Fatal(err)
			}
			publishNow(t, linkA, event(a.uid, 3))
			await(t, "all is sent", func() bool { return a.broker.Stats().QueuedBytes == 0 })
			if s := a.broker.Stats(); !s.Connected || s.Sent != 4 || s.Received != 1 || s.Failed+s.Gaps+s.Invalid != 0 ||
				s.Broker != "nats core at "+nats.host() {
				t.Errorf("stats are %+v", s)
			}
			if len(a.reports())+len(b.reports())+len(memberB.messages) > 0 {
				t.Errorf("reported %v, %v", a.reports(), b.reports())
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
		linkA, _ := a.join(name)
		linkB, memberB := b.join(name)
		for _, room := range oddNames {
			linkB.(adapter.Router).RoomOpened(room)
		}
		b.settled()
		for i, room := range oddNames {
			m := event(a.uid, i, room)
			m.Namespace = name
			publishNow(t, linkA, m)
		}
		for i := range oddNames {
			memberB.wants(t, i)
		}
	}
	if s := b.broker.Stats(); s.Invalid > 0 || len(b.reports()) > 0 {
		t.Errorf("stats are %+v, reported %v", s, b.reports())
	}
}

// A server gets the events of its rooms, once, in order with those for all, and no others.
func TestRooms(t *testing.T) {
	nats := startNATS(t, nil)
	c := Config{Addrs: []string{nats.host()}}
	a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
	linkA, _ := a.join("/")
	linkB, memberB := b.join("/")
	router := linkB.(adapter.Router)
	before := nats.NumSubscriptions()
	for range 10 {
		router.RoomOpened("r1")
		router.RoomOpened("r2")
		b.settled()
		publishNow(t, linkA, event(a.uid, 1, "r1"))
		publishNow(t, linkA, event(a.uid, 2))
		publishNow(t, linkA, event(a.uid, 3, "r0", "r2", "r1"))
		publishNow(t, linkA, event(a.uid, 4, "r1", "r2"))
		publishNow(t, linkA, event(a.uid, 0, "r0"))
		publishNow(t, linkA, event(a.uid, 0, "r0", "r3"))
		publishNow(t, linkA, event(a.uid, 5))
		publishNow(t, linkA, event(a.uid, 6, "r2", "r0"))
		publishNow(t, linkA, event(a.uid, 7, "1", "2", "3", "4", "5"))
		memberB.wants(t, 1, 2, 3, 4, 5, 6, 7)
		router.RoomClosed("r2")
		router.RoomClosed("r1")
		router.RoomOpened("r1")
		router.RoomClosed("r1")
		b.settled()
		publishNow(t, linkA, event(a.uid, 0, "r1"))
		publishNow(t, linkA, event(a.uid, 0, "r1", "r2"))
		publishNow(t, linkA, event(a.uid, 8))
		memberB.wants(t, 8)
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
	linkA, memberA := a.join("/")
	linkB, memberB := b.join("/")
	for i := range 500 {
		room := fmt.Sprint("room", i)
		linkB.(adapter.Router).RoomOpened(room)
		publishNow(t, linkB, event(b.uid, i))
		memberA.wants(t, i)
		publishNow(t, linkA, event(a.uid, i, room))
		memberB.wants(t, i)
	}
}

// Rooms that a command makes sockets join are reached at once, from any server.
func TestJoinedRoomAtOnce(t *testing.T) {
	c := Config{Addrs: []string{startNATS(t, nil).host()}}
	a, b, x := start(t, "aaaaaa", c), start(t, "bbbbbb", c), start(t, "xxxxxx", c)
	linkA, _ := a.join("/")
	_, memberB := b.join("/")
	linkX, memberX := x.join("/")
	command := event(a.uid, 0)
	command.Type, command.Rooms = adapter.MessageSocketsJoin, []string{"r1"}
	publishNow(t, linkA, command)
	publishNow(t, linkA, event(a.uid, 1, "r1"))
	for _, m := range []*member{memberB, memberX} {
		if got := m.next(t); got.Type != adapter.MessageSocketsJoin {
			t.Errorf("got %+v", got)
		}
		m.wants(t, 1)
	}
	publishNow(t, linkX, event(x.uid, 2, "r1"))
	memberB.wants(t, 2)
	publishNow(t, linkX, event(x.uid, 0, "r2"))
	publishNow(t, linkX, event(x.uid, 3))
	memberB.wants(t, 3)
}

// A connection that breaks is a gap, reported once, and the subscriptions are made again.
func TestGap(t *testing.T) {
	nats := startNATS(t, nil)
	p := startProxy(t, nats.host())
	a := start(t, "aaaaaa", Config{Addrs: []string{nats.host()}})
	b := start(t, "bbbbbb", Config{Addrs: []string{p.host()}})
	linkA, _ := a.join("/")
	linkB, memberB := b.join("/")
	_, otherB := b.join("/other")
	linkB.(adapter.Router).RoomOpened("room1")
	b.settled()
	for round := range 3 {
		p.Cut()
		for _, m := range []*member{memberB, otherB} {
			m.wantsGap(t)
		}
		publishNow(t, linkA, event(a.uid, 1, "room1"))
		publishNow(t, linkA, event(a.uid, 2))
		memberB.wants(t, 1, 2)
		if n := len(memberB.gaps) + len(otherB.gaps); n > 0 {
			t.Errorf("%d more gaps", n)
		}
		if n := len(b.reports()); n != round+1 || !errors.Is(b.reports()[round], adapter.ErrBrokerDown) {
			t.Errorf("reported %v", b.reports())
		}
	}
	if s := b.broker.Stats(); s.Gaps != 3 || !s.Connected {
		t.Errorf("stats are %+v", s)
	}
}

// A broker that stands still for a while loses nothing, sends nothing twice, and Publish does not wait.
func TestStop(t *testing.T) {
	nats := startNATS(t, nil)
	p := startProxy(t, nats.host())
	a := start(t, "aaaaaa", Config{Addrs: []string{p.host()}})
	b := start(t, "bbbbbb", Config{Addrs: []string{p.host()}})
	linkA, _ := a.join("/")
	_, memberB := b.join("/")
	p.Stop()
	time.AfterFunc(2*time.Second, p.Continue)
	began := time.Now()
	for i := range 1000 {
		publishNow(t, linkA, event(a.uid, i))
	}
	if d := time.Since(began); d > time.Second {
		t.Errorf("Publish waited: %v", d)
	}
	for i := range 1000 {
		memberB.wants(t, i)
	}
	if len(memberB.messages)+len(memberB.gaps)+len(a.reports())+len(b.reports()) > 0 {
		t.Error("something was sent twice, or reported")
	}
}

// What waits is bounded.
func TestStalled(t *testing.T) {
	p := startProxy(t, startNATS(t, nil).host())
	a := start(t, "aaaaaa", Config{Addrs: []string{p.host()}, MaxQueuedBytes: 100_000})
	linkA, _ := a.join("/")
	p.Stop()
	defer p.Continue()
	var err error
	for n := 0; err == nil; n++ {
		if n > 100_000 {
			t.Fatal("no error")
		}
		err = linkA.Publish(event(a.uid, n))
	}
	if !errors.Is(err, adapter.ErrBrokerStalled) {
		t.Errorf("got %v", err)
	}
	if n := a.broker.Stats().QueuedBytes; n > 100_000 || n < 50_000 {
		t.Errorf("%d bytes wait", n)
	}
}

// A broker that dies and comes back is a gap. What is published meanwhile waits and arrives.
func TestRestart(t *testing.T) {
	nats := startNATS(t, nil)
	c := Config{Addrs: []string{nats.host()}}
	a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
	linkA, _ := a.join("/")
	_, memberB := b.join("/")
	nats.Kill()
	await(t, "both know", func() bool { return !a.broker.Stats().Connected && !b.broker.Stats().Connected })
	for i := range 10 {
		publishNow(t, linkA, event(a.uid, i))
	}
	nats.Restart()
	memberB.wantsGap(t)
	await(t, "all is sent", func() bool { return a.broker.Stats().Connected && a.broker.Stats().QueuedBytes == 0 })
	publishNow(t, linkA, event(a.uid, 99))
	last := -1 // the first ones may have come before the subscriptions
	for last != 99 {
		var n int
		if _, err := fmt.Sscanf(string(memberB.next(t).Packet.Data), `["n",%d]`, &n); err != nil || n <= last {
			t.Fatalf("%d came after %d, %v", n, last, err)
		}
		last = n
	}
	await(t, "all is counted", func() bool { return a.broker.Stats().Sent == 11 })
	if s := a.broker.Stats(); s.Failed > 0 {
		t.Errorf("stats are %+v", s)
	}
}

// What was under way when the connection broke is counted and reported as lost, and not sent again.
func TestLostBatch(t *testing.T) {
	nats := startNATS(t, nil)
	p := startProxy(t, nats.host())
	a := start(t, "aaaaaa", Config{Addrs: []string{p.host()}})
	b := start(t, "bbbbbb", Config{Addrs: []string{nats.host()}})
	linkA, _ := a.join("/")
	_, memberB := b.join("/")
	p.Stop()
	publishNow(t, linkA, event(a.uid, 1))
	await(t, "it is under way", func() bool { return a.broker.(*core).nc.Stats().OutMsgs > 0 })
	p.Cut()
	p.Continue()
	await(t, "it is lost", func() bool { return a.broker.Stats().Failed == 1 && a.broker.Stats().Connected })
	publishNow(t, linkA, event(a.uid, 2))
	memberB.wants(t, 2)
	all := errors.Join(a.reports()...)
	if len(a.reports()) != 2 || !strings.Contains(all.Error(), "1 of 1 messages were lost") {
		t.Errorf("reported %v", all)
	}
}

// stuck is a member that receives when it is told to.
type stuck struct {
	member
	open chan struct{}
}

func (m *stuck) Receive(x *adapter.Message) {
	<-m.open
	m.member.Receive(x)
}

// A server that does not handle what it receives drops it beyond a limit, which is a gap.
func TestSlow(t *testing.T) {
	for _, large := range []bool{true, false} {
		t.Run(fmt.Sprintf("large=%v", large), func(t *testing.T) {
			c := Config{Addrs: []string{startNATS(t, nil).host()}}
			a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
			linkA, _ := a.join("/")
			memberB := &stuck{*newMember("/"), make(chan struct{})}
			memberB.messages = make(chan *adapter.Message, 1<<20)
			if _, err := b.broker.Join(t.Context(), memberB); err != nil {
				t.Fatal(err)
			}
			size, n := 100<<10, maxReceived/(100<<10)+100
			if !large {
				size, n = 10, maxReceived/messageSize+1000
			}
			m := event(a.uid, 1)
			m.Packet = &adapter.Packet{Event: "big", Args: []any{strings.Repeat("x", size)}}
			for range n {
				for errors.Is(linkA.Publish(m), adapter.ErrBrokerStalled) {
					time.Sleep(time.Millisecond)
				}
			}
			await(t, "all is sent", func() bool { return a.broker.Stats().QueuedBytes == 0 })
			close(memberB.open)
			memberB.wantsGap(t)
			publishNow(t, linkA, event(a.uid, 2))
			for string(memberB.next(t).Packet.Data) != `["n",2]` {
			}
			if s := b.broker.Stats(); s.Gaps != 1 || len(memberB.gaps) > 0 {
				t.Errorf("stats are %+v, %d more gaps", s, len(memberB.gaps))
			}
		})
	}
}

// A message that the server would refuse is an error that names its setting.
func TestTooLarge(t *testing.T) {
	nats := startNATS(t, func(o *server.Options) { o.MaxPayload = 10_000 })
	a := start(t, "aaaaaa", Config{Addrs: []string{nats.host()}})
	linkA, _ := a.join("/")
	m := event(a.uid, 1, "a", "b")
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
	await(t, "all is sent", func() bool { return a.broker.Stats().QueuedBytes == 0 })
	if s := a.broker.Stats(); s.Failed > 0 || s.Sent < 100 || len(a.reports()) > 0 {
		t.Errorf("stats are %+v, reported %v", s, a.reports())
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
		"nats://u:secret@127.0.0.1:1":                    "nats at 127.0.0.1:1: no servers available for connection",
		"nats://limited:secret2@" + host:                 "nats at " + host + ": Authorization Violation",
		"nats://secret@" + host:                          "nats at " + host + ": Authorization Violation",
		"nats://limited:secret@" + host:                  "nats at " + host + refused + `"socketio./.`,
		"nats://limited:secret@" + host + "?prefix=half": "nats at " + host + refused + `"half./.to.aaaaaa"`,
		"nats://u:secret@" + host + "?creds=/none":       "only one of Config.Username, Config.Token and Config.Credentials can log in",
		"nats://" + host + "?creds=/none":                "nats at " + host + ": ",
		"tls://u:secret@" + host:                         "nats at " + host + ": secure connection not available",
	} {
		c, err := Config{URL: url}.resolve()
		if err == nil {
			broker := newBroker(c)
			err = broker.Start(t.Context(), "aaaaaa", func(error) {})
			if err == nil {
				_, err = broker.Join(t.Context(), newMember("/"))
			}
			if err == nil || !errors.Is(err, adapter.ErrBroker) {
				t.Errorf("%s: %v", url, err)
			}
			if err := broker.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		text := fmt.Sprint(err)
		if !strings.Contains(text, want) || strings.Contains(text, "secret@") || strings.Contains(text, "secret2") ||
			strings.Contains(text, "\n") {
			t.Errorf("%s: %v, want %s", url, err, want)
		}
	}
	s := start(t, "aaaaaa", Config{URL: "nats://limited:secret@" + host + "?prefix=good"})
	l, _ := s.join("/")
	publishNow(t, l, event(s.uid, 1, "room"))
	await(t, "the refusal is reported", func() bool {
		return len(s.reports()) == 1 && s.broker.Stats().Failed == 1 &&
			strings.Contains(s.reports()[0].Error(), `Publish to "good./.room.room"`)
	})
}

// What cannot be read is counted, and what follows is received.
func TestInvalid(t *testing.T) {
	host := startNATS(t, nil).host()
	b := start(t, "bbbbbb", Config{Addrs: []string{host}})
	_, memberB := b.join("/")
	conn, err := nats.Connect("nats://" + host)
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
	memberB.wants(t, 1)
	if s := b.broker.Stats(); s.Invalid < uint64(len(bad)) || s.Received != 1 {
		t.Errorf("stats are %+v", s)
	}
}

// A connection of the user's is used and not closed, and its handlers are called.
func TestConn(t *testing.T) {
	server := startNATS(t, nil)
	p := startProxy(t, server.host())
	lost := make(chan bool, 10)
	conn, err := nats.Connect("nats://"+p.host(), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait),
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
	m := newMember("/")
	l, err := broker.Join(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	b := start(t, "bbbbbb", Config{Addrs: []string{server.host()}})
	linkB, memberB := b.join("/")
	publishNow(t, l, event("aaaaaa", 1))
	memberB.wants(t, 1)
	p.Cut()
	<-lost
	m.wantsGap(t)
	publishNow(t, linkB, event("bbbbbb", 2))
	m.wants(t, 2)
	if err := broker.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if conn.NumSubscriptions() != 0 || !conn.IsConnected() || broker.Stats().Received != 1 {
		t.Errorf("%d subscriptions are left, or the connection was closed", conn.NumSubscriptions())
	}
	p.Cut()
	<-lost
}

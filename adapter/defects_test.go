package adapter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
)

// The defects of the base that shared requirements name C1 to C5 and P1 to P5: each test names its own.

// server is a host with its adapter on a bus, and one socket.
type server struct {
	recorder
	*adapter.Cluster
	recovery time.Duration
	pending  []func(adapter.Answer)
	got      []string // deliveries with their positions
	lock     sync.Mutex
}

func (s *server) Recovery() time.Duration { return s.recovery }

func (s *server) Name() string { return "/test" }

func (s *server) Deliver(p *adapter.Packet, o adapter.Options) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.got = append(s.got, fmt.Sprint(p.Name(), "@", p.Position))
	return nil
}

func (s *server) delivered() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return slices.Clone(s.got)
}

func (s *server) DeliverWithAck(
	to []adapter.Socket, _ *adapter.Packet, _ adapter.Flags, count func(int), answer func(adapter.Answer),
) (func(), error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	for range to {
		s.pending = append(s.pending, answer)
	}
	count(len(to))
	return func() {}, nil
}

func (s *server) Describe(adapter.Socket) (handshake, data json.RawMessage) {
	return json.RawMessage(`{}`), json.RawMessage(`{}`)
}

// join adds a server with a socket to a bus.
func join(t *testing.T, bus *adaptertest.Bus, id string, change ...func(*server)) *server {
	t.Helper()
	return joinAs(t, bus, id, adapter.ClusterConfig{}, change...)
}

// joinAs is join with a configuration.
func joinAs(
	t *testing.T, bus *adaptertest.Bus, id string, c adapter.ClusterConfig, change ...func(*server),
) *server {
	t.Helper()
	s := &server{}
	for _, f := range change {
		f(s)
	}
	made, err := bus.Adapter(c)(s)
	if err != nil {
		t.Fatal(err)
	}
	s.Cluster = made.(*adapter.Cluster)
	s.a = s.Cluster
	s.Add(socket(id))
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// fetch returns the ids that a FetchSockets finds, sorted, and its error.
func (s *server) fetch(ctx context.Context) (ids []string, last error) {
	for info, err := range s.FetchSockets(ctx, adapter.Options{}) {
		if err != nil {
			last = err
		} else {
			ids = append(ids, info.ID)
		}
	}
	slices.Sort(ids)
	return ids, last
}

// stranger is a subscriber that no Cluster is behind: it keeps what it gets.
type stranger struct {
	link adapter.Link
	got  chan *adapter.Message
}

func (*stranger) Namespace() string            { return "/test" }
func (s *stranger) Receive(m *adapter.Message) { s.got <- m }
func (*stranger) Gap(error)                    {}

func subscribe(t *testing.T, bus *adaptertest.Bus, uid string) *stranger {
	t.Helper()
	s := &stranger{got: make(chan *adapter.Message, 100)}
	b := bus.Broker()
	if err := b.Start(t.Context(), uid, func(error) {}); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.link, err = b.Join(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s
}

// request returns the next message of a type.
func (s *stranger) request(kind adapter.MessageType) *adapter.Message {
	for {
		if m := <-s.got; m.Type == kind {
			return m
		}
	}
}

// value is the answer of a client.
func value(text string) adapter.Values {
	return adapter.Values{JSON: []json.RawMessage{json.RawMessage(text)}}
}

// acked is a broadcast with acknowledgements under way.
type acked struct {
	mu     sync.Mutex
	log    []string
	cancel func()
}

func (s *server) ask(t *testing.T, f adapter.Flags) *acked {
	t.Helper()
	a := &acked{}
	note := func(text string) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.log = append(a.log, text)
	}
	cancel, err := s.BroadcastWithAck(&adapter.Packet{Event: "q"}, adapter.Options{Flags: f},
		func(n int) { note(fmt.Sprint(n, " asked")) },
		func(x adapter.Answer) { note(fmt.Sprintf("%s %v", x.Args, x.Err)) })
	if err != nil {
		t.Fatal(err)
	}
	a.cancel = cancel
	return a
}

func (a *acked) want(t *testing.T, lines ...string) {
	t.Helper()
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	got := slices.Sorted(slices.Values(a.log))
	slices.Sort(lines)
	if d := cmp.Diff(lines, got); d != "" {
		t.Error(d)
	}
}

// C1: an acknowledgement that comes before its server's count is paid out.
func TestAckBeforeItsCount(t *testing.T) {
	for _, counted := range []bool{true, false} {
		t.Run(fmt.Sprint("counted=", counted), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &adaptertest.Bus{Counted: counted}
				a := join(t, bus, "a")
				b, c := subscribe(t, bus, "bbbb"), subscribe(t, bus, "cccc")
				for uid, s := range map[string]*stranger{"bbbb": b, "cccc": c} { // who must be known by name, has spoken
					_ = s.link.Publish(&adapter.Message{
						UID: uid, Namespace: "/test", Type: adapter.MessageServerSideEmit, Packet: &adapter.Packet{Event: "e"},
					})
				}
				time.Sleep(time.Second)
				q := a.ask(t, adapter.Flags{})
				id := b.request(adapter.MessageBroadcast).RequestID
				say := func(uid string, kind adapter.MessageType, count int, v adapter.Values) {
					a.Receive(&adapter.Message{
						UID: uid, Namespace: "/test", Type: kind, RequestID: id, Count: count, Values: v,
					})
				}
				say("bbbb", adapter.MessageBroadcastAck, 0, value("1"))
				a.pending[0](adapter.Answer{Args: value("2").JSON})
				q.want(t, "[2] <nil>")
				say("bbbb", adapter.MessageBroadcastClientCount, 1, adapter.Values{})
				say("bbbb", adapter.MessageBroadcastClientCount, 1, adapter.Values{}) // a second answer of one server
				q.want(t, "[2] <nil>", "[1] <nil>")
				say("cccc", adapter.MessageBroadcastClientCount, 0, adapter.Values{})
				q.want(t, "2 asked", "[2] <nil>", "[1] <nil>")
				q.cancel()
			})
		})
	}
}

// C1: acknowledgements that come early are limited in bytes.
func TestEarlyAcksAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &adaptertest.Bus{Counted: true}
		a := join(t, bus, "a")
		b := subscribe(t, bus, "bbbb")
		q := a.ask(t, adapter.Flags{})
		id := b.request(adapter.MessageBroadcast).RequestID
		say := func(m adapter.Message) {
			m.UID, m.Namespace, m.RequestID = "bbbb", "/test", id
			a.Receive(&m)
		}
		large := value(`"` + string(make([]byte, 1<<20)) + `"`)
		for range 100 {
			say(adapter.Message{Type: adapter.MessageBroadcastAck, Values: large})
		}
		say(adapter.Message{Type: adapter.MessageBroadcastClientCount, Count: 100})
		synctest.Wait()
		q.mu.Lock()
		if n := len(q.log); n < 2 || n > 6 { // the count, and what fits into 4 MiB
			t.Errorf("%d early answers of 1 MiB were kept", n-1)
		}
		q.mu.Unlock()
		q.cancel()
	})
}

// C2: a fresh server sees all sockets at once, or says that it does not.
func TestFreshServerSettles(t *testing.T) {
	for _, counted := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			bus := &adaptertest.Bus{Counted: counted}
			join(t, bus, "a")
			join(t, bus, "b")
			time.Sleep(time.Minute)
			began := time.Now()
			c := join(t, bus, "c") // does not wait
			if took := time.Since(began); took > 0 {
				t.Errorf("the start took %v", took)
			}
			ids, err := c.fetch(t.Context())
			if took := time.Since(began); !slices.Equal(ids, []string{"a", "b", "c"}) || err != nil || took > time.Second {
				t.Errorf("counted=%v: found %q, %v after %v", counted, ids, err, took)
			}
			bus.Fail(errors.New("no broker"))
			d := join(t, bus, "d")
			began = time.Now()
			ids, err = d.fetch(t.Context())
			took := time.Since(began)
			if !slices.Equal(ids, []string{"d"}) || !errors.Is(err, adapter.ErrBroker) || took > time.Second {
				t.Errorf("counted=%v, no broker: found %q, %v after %v", counted, ids, err, took)
			}
			var missing *adapter.MissingServersError
			if !errors.As(err, &missing) || missing.Missing != -1 {
				t.Errorf("got %#v", err)
			}
			bus.Fail(nil)
		})
	}
}

// C3: servers that never speak are counted, as long as they are there.
func TestCountedServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &adaptertest.Bus{Counted: true}
		a := join(t, bus, "a")
		b := join(t, bus, "b")
		join(t, bus, "c")
		time.Sleep(time.Hour)
		if ids, err := a.fetch(t.Context()); !slices.Equal(ids, []string{"a", "b", "c"}) || err != nil {
			t.Errorf("found %q, %v", ids, err)
		}
		if n, err := a.ServerCount(t.Context()); n != 3 || err != nil {
			t.Errorf("%d servers, %v", n, err)
		}
		// One that dies while it is asked ends the wait.
		silent := subscribe(t, bus, "silent")
		began := time.Now()
		go func() {
			silent.request(adapter.MessageFetchSockets)
			bus.Kill(3)
		}()
		ids, err := a.fetch(t.Context())
		took := time.Since(began)
		if !slices.Equal(ids, []string{"a", "b", "c"}) || err != nil || took > 300*time.Millisecond {
			t.Errorf("found %q, %v after %v", ids, err, took)
		}
		// One that is there and does not answer is missing; it has no name.
		subscribe(t, bus, "silent too")
		began = time.Now()
		ids, err = b.fetch(t.Context())
		var missing *adapter.MissingServersError
		took = time.Since(began)
		if !errors.As(err, &missing) || missing.Missing != 1 || missing.UIDs != nil ||
			len(ids) != 3 || took != 5*time.Second {
			t.Errorf("found %q, %v after %v", ids, err, took)
		}
	})
}

// C4: answers without the name of their server count each, those of one server once.
func TestAnswersWithoutSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &adaptertest.Bus{Counted: true}
		a := join(t, bus, "a")
		b := subscribe(t, bus, "bbbb")
		subscribe(t, bus, "cccc")
		answer := func(uid, id, socket string) {
			a.Receive(&adapter.Message{
				UID: uid, Namespace: "/test", Type: adapter.MessageFetchSocketsResponse, RequestID: id,
				Sockets: []adapter.Info{{ID: socket}},
			})
		}
		go func() {
			id := b.request(adapter.MessageFetchSockets).RequestID
			answer("", id, "b")
			answer("", id, "c")
			answer("", id, "too many")
		}()
		if ids, err := a.fetch(t.Context()); !slices.Equal(ids, []string{"a", "b", "c"}) || err != nil {
			t.Errorf("found %q, %v", ids, err)
		}
		go func() {
			id := b.request(adapter.MessageFetchSockets).RequestID
			answer("bbbb", id, "b")
			answer("bbbb", id, "b again") // must not stand for that of cccc
			time.Sleep(time.Second)
			answer("cccc", id, "c")
		}()
		if ids, err := a.fetch(t.Context()); !slices.Equal(ids, []string{"a", "b", "c"}) || err != nil {
			t.Errorf("found %q, %v", ids, err)
		}
		q := a.ask(t, adapter.Flags{})
		id := b.request(adapter.MessageBroadcast).RequestID
		for _, m := range []adapter.Message{
			{Type: adapter.MessageBroadcastAck, Values: value("1")}, // before its count
			{Type: adapter.MessageBroadcastClientCount, Count: 2},
			{Type: adapter.MessageBroadcastAck, Values: value("2")},
			{Type: adapter.MessageBroadcastClientCount, Count: 0},
			{Type: adapter.MessageBroadcastAck, Values: value("3")}, // more than announced
		} {
			m.Namespace, m.RequestID = "/test", id
			a.Receive(&m)
		}
		q.want(t, "3 asked", "[1] <nil>", "[2] <nil>")
		q.cancel()
	})
}

// C5: with a log every server delivers broadcasts in one order, each with its position.
func TestBroadcastsComeBackFromTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &adaptertest.Bus{Kept: true}
		recovers := func(s *server) { s.recovery = time.Minute }
		a, b := join(t, bus, "a", recovers), join(t, bus, "b", recovers)
		if _, ok := a.Log(); !ok {
			t.Fatal("there is no log")
		}
		send := func(s *server, event string, o adapter.Options) error {
			return s.Broadcast(&adapter.Packet{Event: event}, o)
		}
		nobody := adapter.Options{Rooms: []string{"nobody's"}}
		if err := errors.Join(send(a, "1", adapter.Options{}), send(a, "2", nobody)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		_ = send(b, "3", adapter.Options{})
		_ = send(b, "here", adapter.Options{Flags: adapter.Flags{Local: true}})
		synctest.Wait()
		bus.Fail(errors.New("no broker"))
		if err := send(b, "lost", adapter.Options{}); !errors.Is(err, adapter.ErrBroker) {
			t.Errorf("got %v", err)
		}
		bus.Fail(nil)
		if d := cmp.Diff([]string{"1@1", "3@3"}, a.delivered()); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"1@1", "here@", "3@3", "lost@"}, b.delivered()); d != "" {
			t.Error(d)
		}
	})
}

// P1: what concerns nobody here is not read.
func TestRouteBeforeReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &adaptertest.Bus{Counted: true}
		a := join(t, bus, "a")
		a.Join("a", "room")
		read := 0
		receive := func(kind adapter.MessageType, room string) {
			m := &adapter.Message{UID: "b", Namespace: "/test", Type: kind, Rest: func(m *adapter.Message) error {
				read++
				m.Packet = &adapter.Packet{Event: "e"}
				return nil
			}}
			if room != "" {
				m.Options.Rooms = []string{room}
			}
			a.Receive(m)
		}
		for _, kind := range []adapter.MessageType{
			adapter.MessageBroadcast, adapter.MessageSocketsJoin, adapter.MessageSocketsLeave,
			adapter.MessageDisconnectSockets,
		} {
			read = 0
			receive(kind, "nobody's")
			if read != 0 {
				t.Errorf("type %d for nobody was read", kind)
			}
			receive(kind, "room")
			receive(kind, "")
			if read != 2 {
				t.Errorf("type %d was read %d times, want 2", kind, read)
			}
		}
		receive(adapter.MessageBroadcastAck, "") // nobody waits for it
		a.Remove("a")
		receive(adapter.MessageBroadcast, "")
		if read != 2 {
			t.Errorf("an answer that nobody wants, or a message for no socket, was read")
		}
	})
}

// P2: heartbeats are those of processes: 10 servers with 100 namespaces each.
func TestHeartbeatsOfProcesses(t *testing.T) {
	t.Run("heard", func(t *testing.T) { heartbeatsOfProcesses(t, &adaptertest.Bus{}, false) })
	t.Run("counted", func(t *testing.T) { heartbeatsOfProcesses(t, &adaptertest.Bus{Counted: true}, false) })
	t.Run("presence", func(t *testing.T) { heartbeatsOfProcesses(t, &adaptertest.Bus{}, true) })
}

func heartbeatsOfProcesses(t *testing.T, bus *adaptertest.Bus, presence bool) {
	synctest.Test(t, func(t *testing.T) {
		const servers, namespaces = 10, 100
		var all []adapter.Adapter
		for range servers {
			factory := bus.Adapter(adapter.ClusterConfig{})
			for i := range namespaces {
				h := &named{name: fmt.Sprint("/", i)}
				a, err := factory(h)
				if err != nil {
					t.Fatal(err)
				}
				h.a = a
				all = append(all, a)
				t.Cleanup(func() { _ = a.Close() })
			}
		}
		time.Sleep(10 * time.Second)
		sent, received := bus.Messages()
		t.Logf("at start %d messages were sent, %d received", sent, received)
		if received > 2000 {
			t.Errorf("%d messages were received at start", received)
		}
		for i, a := range all {
			if n, err := a.ServerCount(t.Context()); n != servers || err != nil {
				t.Fatalf("adapter %d knows %d servers, %v", i, n, err)
			}
		}
		for _, a := range all {
			if presence {
				if n, err := a.(adapter.Presence).Count(t.Context(), adapter.Options{}); n.Servers != servers || err != nil {
					t.Fatalf("counted %+v, %v", n, err)
				}
			}
		}
		time.Sleep(time.Second)
		sent, received = bus.Messages()
		time.Sleep(time.Minute)
		sentLater, receivedLater := bus.Messages()
		idle := float64(sentLater-sent) / 60
		t.Logf("idle %.1f messages a second are sent, %.1f received", idle, float64(receivedLater-received)/60)
		if idle > 10 {
			t.Errorf("idle %.1f messages a second", idle)
		}
		// One that is killed is missed, by each of its namespaces.
		bus.Kill(0)
		time.Sleep(12 * time.Second)
		for i, a := range all[namespaces:] {
			if n, err := a.ServerCount(t.Context()); n != servers-1 || err != nil {
				t.Fatalf("adapter %d knows %d servers, %v", i, n, err)
			}
		}
	})
}

// named is a host with a name.
type named struct {
	recorder
	name string
}

func (h *named) Name() string { return h.name }

// P2: a namespace that comes or goes later is known to all.
func TestNamespacesComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		one, two := bus.Adapter(adapter.ClusterConfig{}), bus.Adapter(adapter.ClusterConfig{})
		open := func(f adapter.Factory, name string) adapter.Adapter {
			h := &named{name: name}
			a, err := f(h)
			if err != nil {
				t.Fatal(err)
			}
			h.a = a
			t.Cleanup(func() { _ = a.Close() })
			return a
		}
		want := func(a adapter.Adapter, n int) {
			t.Helper()
			time.Sleep(time.Second)
			if got, err := a.ServerCount(t.Context()); got != n || err != nil {
				t.Errorf("%d servers, %v; want %d", got, err, n)
			}
		}
		open(one, "/")
		open(two, "/")
		chat := open(one, "/chat")
		want(chat, 1)
		other := open(two, "/chat")
		want(chat, 2)
		want(other, 2)
		if err := other.Close(); err != nil {
			t.Error(err)
		}
		want(chat, 1)
		// The list of namespaces is asked for again when it was lost.
		bus.Cut(0)
		other = open(two, "/chat")
		time.Sleep(time.Second)
		bus.Restore(0)
		time.Sleep(6 * time.Second)
		want(chat, 2)
		want(other, 2)
	})
}

// P3: errors have names, for the caller or for Report.
func TestBrokerErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &adaptertest.Bus{Counted: true, Outbox: adapter.OutboxConfig{MaxBytes: 10_000, MaxItemBytes: 5000}}
		a := join(t, bus, "a")
		b := join(t, bus, "b")
		emit := func(size int) error {
			return a.Broadcast(&adapter.Packet{Event: "e", Args: []any{string(make([]byte, size))}}, adapter.Options{})
		}
		if err := emit(6000 / 6); !errors.Is(err, adapter.ErrTooLarge) { // a zero takes six bytes
			t.Errorf("too large: %v", err)
		}
		bus.Stop()
		var err error
		for range 100 {
			err = errors.Join(err, emit(100))
		}
		if !errors.Is(err, adapter.ErrBrokerStalled) || !errors.Is(err, adapter.ErrBroker) {
			t.Errorf("stalled: %v", err)
		}
		if s := a.BrokerStats(); s.QueuedBytes > 10_000 || s.QueuedBytes < 5000 {
			t.Errorf("%d bytes wait", s.QueuedBytes)
		}
		bus.Continue()
		synctest.Wait()
		if n := len(b.delivered()); n == 0 || n > 20 {
			t.Errorf("%d events arrived", n)
		}
		bus.Cut(0, 1)
		if err := emit(1); !errors.Is(err, adapter.ErrBrokerDown) {
			t.Errorf("down: %v", err)
		}
		bus.Restore(0, 1)
		var gap *adapter.GapError
		if errs := b.reported(); len(errs) != 2 || !errors.Is(errs[0], adapter.ErrBrokerDown) ||
			!errors.As(errs[1], &gap) || gap.Namespace != "/test" || !errors.Is(gap, adapter.ErrBroker) {
			t.Errorf("reported %v", errs)
		}
		if s := b.BrokerStats(); s.Gaps != 1 || !s.Connected {
			t.Errorf("stats %+v", s)
		}
		if err := emit(1); err != nil {
			t.Error(err)
		}
	})
}

// P4: answers that the broker does not take are limited in bytes, not in number.
func TestAnswersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &adaptertest.Bus{Counted: true, Outbox: adapter.OutboxConfig{MaxBytes: 100_000}}
		a := join(t, bus, "a")
		for i := range 99 {
			a.Add(socket(fmt.Sprint("s", i)))
		}
		bus.Stop()
		for i := range 100 {
			a.Receive(&adapter.Message{
				UID: "b", Namespace: "/test", Type: adapter.MessageFetchSockets, RequestID: fmt.Sprint(i),
			})
		}
		if s := a.BrokerStats(); s.QueuedBytes > 100_000 {
			t.Errorf("%d bytes wait", s.QueuedBytes)
		}
		if errs := a.reported(); len(errs) == 0 || !errors.Is(errs[0], adapter.ErrBrokerStalled) {
			t.Errorf("reported %v", errs)
		}
		bus.Continue()
	})
}

// Broadcasts of other servers that wait for sockets here are limited in number.
func TestAsksAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 1 << 16
		bus := &adaptertest.Bus{Counted: true}
		a := join(t, bus, "a")
		b := subscribe(t, bus, "bbbb")
		ask := func() (asked int) {
			a.Receive(&adapter.Message{
				UID: "bbbb", Namespace: "/test", Type: adapter.MessageBroadcast, RequestID: "q",
				Packet: &adapter.Packet{Event: "e"},
			})
			return b.request(adapter.MessageBroadcastClientCount).Count
		}
		for i := range limit {
			if ask() != 1 {
				t.Fatalf("ask %d was refused", i)
			}
		}
		if n, errs := ask(), a.reported(); n != 0 || len(errs) != 1 || !errors.Is(errs[0], adapter.ErrBroker) {
			t.Errorf("one more asked %d sockets, reported %v", n, errs)
		}
		a.pending[0](adapter.Answer{Args: value("1").JSON})
		synctest.Wait()
		if ask() != 1 {
			t.Error("after an answer one more was refused")
		}
	})
}

// The lists of namespaces of all servers are limited in bytes.
func TestListsOfNamespacesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		members := make(captive)
		s := &server{}
		made, err := adapter.NewNode(members, adapter.ClusterConfig{}).Adapter(s)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = made.Close() }()
		long := "/" + strings.Repeat("x", 40<<20)
		list := func(uid string, names ...string) {
			members[""].Receive(&adapter.Message{UID: uid, Type: adapter.MessageHeartbeat, Rooms: names, Count: 1})
		}
		want := func(servers, reports int) {
			t.Helper()
			n, err := made.ServerCount(t.Context())
			if errs := s.reported(); n != servers || err != nil || len(errs) != reports {
				t.Errorf("%d servers, %v, %d reports; want %d, %d", n, err, len(errs), servers, reports)
			}
		}
		list("b", long, "/test")
		want(2, 0)
		list("b", long, "/test") // the list before it does not count
		want(2, 0)
		list("c", "/test", long)
		want(3, 1)
		list("c", long, "/test")
		want(2, 2)
		members[""].Receive(&adapter.Message{UID: "b", Type: adapter.MessageAdapterClose})
		list("c", long, "/test")
		want(2, 2)
	})
}

// P5: a request to one socket ends with its server's answer, and at once when nobody has the socket.
func TestRequestToOneSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &adaptertest.Bus{Counted: true}
		a := join(t, bus, "a")
		a.Remove("a")
		b := subscribe(t, bus, "bbbb")
		subscribe(t, bus, "cccc") // never answers
		single := adapter.Flags{ExpectSingle: true}
		q := a.ask(t, single)
		m := b.request(adapter.MessageBroadcast)
		if !m.Options.Flags.ExpectSingle {
			t.Error("the other servers are not told")
		}
		for _, r := range []adapter.Message{
			{Type: adapter.MessageBroadcastClientCount, Count: 1},
			{Type: adapter.MessageBroadcastAck, Values: value("1")},
		} {
			r.UID, r.Namespace, r.RequestID = "bbbb", "/test", m.RequestID
			a.Receive(&r)
		}
		q.want(t, "1 asked", "[1] <nil>")
		q.cancel()

		bus.Kill(2)
		q = a.ask(t, single)
		m = b.request(adapter.MessageBroadcast)
		a.Receive(&adapter.Message{
			UID: "bbbb", Namespace: "/test", Type: adapter.MessageBroadcastClientCount, RequestID: m.RequestID,
		})
		q.want(t, "0 asked")
		q.cancel()
	})
}

// captive is a broker that gives a test its members, and drops what this server sends.
type captive map[string]adapter.Member

func (captive) Start(context.Context, string, func(error)) error { return nil }
func (captive) Stats() adapter.BrokerStats                       { return adapter.BrokerStats{} }
func (captive) Close(context.Context) error                      { return nil }
func (c captive) Join(_ context.Context, m adapter.Member) (adapter.Link, error) {
	c[m.Namespace()] = m
	return dropping{}, nil
}

type dropping struct{}

func (dropping) Publish(*adapter.Message) error    { return nil }
func (dropping) Reply(_, _ *adapter.Message) error { return nil }
func (dropping) Close() error                      { return nil }

// FuzzHeartbeats gives a process whatever heartbeats a broker may carry. Who sent them is forgotten.
func FuzzHeartbeats(f *testing.F) {
	f.Add("b", byte(1), "/test", "/other", 1, byte(2), "/test", 2)
	f.Add("b", byte(2), "", "", 7, byte(13), "/", -1)
	f.Fuzz(func(t *testing.T, uid string, first byte, one, two string, version int, second byte, other string, later int) {
		synctest.Test(t, func(t *testing.T) {
			members := make(captive)
			s := &server{}
			made, err := adapter.NewNode(members, adapter.ClusterConfig{}).Adapter(s)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = made.Close() }()
			for _, m := range []adapter.Message{
				{Type: adapter.MessageType(first), Rooms: []string{one, two}, Count: version},
				{Type: adapter.MessageType(second), Rooms: []string{other}, Count: later},
				{
					Type: adapter.MessageType(second), Count: version,
					Hello: &adapter.Hello{Protocol: version, Oldest: later, Address: other},
				},
			} {
				m.UID = uid
				members[""].Receive(&m)
				m.Namespace = "/test"
				members["/test"].Receive(&m)
			}
			time.Sleep(time.Minute)
			if n, err := made.ServerCount(t.Context()); n != 1 || err != nil {
				t.Errorf("%d servers, %v", n, err)
			}
		})
	})
}

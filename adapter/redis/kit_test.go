package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
)

// patience limits the wait for what must happen.
const patience = 15 * time.Second

// server is a process in a cluster, as far as its broker.
type server struct {
	t      *testing.T
	broker adapter.Broker
	uid    string

	mu     sync.Mutex
	errors []error
}

// start starts a broker. It is closed with the test.
func start(t *testing.T, uid string, c Config) *server {
	t.Helper()
	s := &server{t: t, uid: uid}
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
func (s *server) reports() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.errors
}

func (s *server) join(namespace string) (adapter.Link, *member) {
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
		read(t, x)
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

// await waits for a condition.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("this did not happen: %s", what)
		}
	}
}

func count(t *testing.T, l adapter.Link) int {
	t.Helper()
	n, err := l.(adapter.Counter).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// configs are those of the wires, for a server.
func configs(url string) map[string]Config {
	host := strings.TrimPrefix(url, "redis://")
	return map[string]Config{
		"pubsub":          {URL: url},
		"pubsub static":   {URL: url, SubscriptionMode: Static},
		"pubsub private":  {URL: url, PrivateResponses: true},
		"sharded":         {URL: "redis+sharded://" + host},
		"sharded static":  {URL: "redis+sharded://" + host, SubscriptionMode: Static},
		"sharded private": {URL: "redis+sharded://" + host, SubscriptionMode: DynamicPrivate},
	}
}

// each runs a test over each wire and mode, with one Redis.
func each(t *testing.T, f func(t *testing.T, redis *redistest.Server, c Config)) {
	redis := redistest.Start(t)
	for name, c := range configs(redis.URL()) {
		c.Prefix = strings.ReplaceAll(name, " ", "-")
		t.Run(name, func(t *testing.T) { f(t, redis, c) })
	}
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

// read reads the rest of a message.
func read(t *testing.T, m *adapter.Message) {
	t.Helper()
	if m.Rest != nil {
		rest := m.Rest
		m.Rest = nil
		if err := rest(m); err != nil {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

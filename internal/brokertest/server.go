package brokertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosocketio/socketio/adapter"
)

// Patience limits the wait for what must happen.
const Patience = 15 * time.Second

// Server is a server of a cluster, as far as its broker.
type Server struct {
	adapter.Broker
	UID string

	t       *testing.T
	mu      sync.Mutex
	reports []error
}

// Start starts a broker. It is closed with the test.
func Start(t *testing.T, broker adapter.Broker, uid string) *Server {
	t.Helper()
	s := &Server{Broker: broker, UID: uid, t: t}
	ctx, cancel := context.WithTimeout(t.Context(), 4*Patience) // a cluster may have to elect leaders first
	defer cancel()
	err := broker.Start(ctx, uid, func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reports = append(s.reports, err)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
		defer cancel()
		if err := broker.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// Reports returns the errors reported so far.
func (s *Server) Reports() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.reports)
}

// AwaitReports waits until there are n reports and returns all. What is counted is reported a moment
// later.
func (s *Server) AwaitReports(n int) []error {
	s.t.Helper()
	Await(s.t, "it is reported", func() bool { return len(s.Reports()) >= n })
	return s.Reports()
}

// Link joins a namespace.
func (s *Server) Link(namespace string) (adapter.Link, *Member) {
	s.t.Helper()
	m := NewMember(namespace)
	return s.LinkTo(m), m
}

// LinkTo joins the namespace of a member.
func (s *Server) LinkTo(m adapter.Member) adapter.Link {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), Patience)
	defer cancel()
	l, err := s.Join(ctx, m)
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

// Member records what it receives.
type Member struct {
	Messages chan *adapter.Message
	Gaps     chan error

	namespace string
	held      <-chan struct{} // Receive waits until it is closed; nil for nothing
}

// NewMember returns a member with room for some thousand messages. More make the broker wait. Messages
// that nobody takes within [Patience] are dropped: a test that has failed must be able to end.
func NewMember(namespace string) *Member {
	return &Member{
		namespace: namespace, Messages: make(chan *adapter.Message, 5000), Gaps: make(chan error, 100),
	}
}

// Namespace implements adapter.Member.
func (m *Member) Namespace() string { return m.namespace }

// Receive implements adapter.Member.
func (m *Member) Receive(x *adapter.Message) {
	if m.held != nil {
		<-m.held
	}
	select {
	case m.Messages <- x:
		return
	default:
	}
	select {
	case m.Messages <- x:
	case <-time.After(Patience):
	}
}

// Hold makes Receive wait until release is called, at the latest until the test ends. The broker must have
// been started, and must not know the member yet.
func (m *Member) Hold(t *testing.T) (release func()) {
	held := make(chan struct{})
	m.held = held
	release = sync.OnceFunc(func() { close(held) })
	t.Cleanup(release)
	return release
}

// Gap implements adapter.Member.
func (m *Member) Gap(err error) { m.Gaps <- err }

// Next returns the next message that is received, completely read.
func (m *Member) Next(t *testing.T) *adapter.Message {
	t.Helper()
	x := Get(t, "message", m.Messages)
	Read(t, x)
	return x
}

// Get returns the next value of a channel.
func Get[T any](t testing.TB, what string, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(Patience):
		t.Fatalf("no %s came", what)
	}
	return value
}

// Limit returns a context that ends after [Patience], for one call of what must return.
func Limit(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// Wants receives events of [Event] with these numbers, in this order.
func (m *Member) Wants(t *testing.T, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		if x := m.Next(t); x.Packet == nil || string(x.Packet.Data) != fmt.Sprintf(`["n",%d]`, n) {
			t.Fatalf("got %+v, want number %d", x, n)
		}
	}
}

// WantsGap waits for a gap because the broker was away.
func (m *Member) WantsGap(t *testing.T) {
	t.Helper()
	m.wantsGap(t, adapter.ErrBrokerDown)
}

func (m *Member) wantsGap(t *testing.T, because error) {
	t.Helper()
	if err := Get(t, "gap", m.Gaps); !errors.Is(err, because) {
		t.Errorf("the gap is %v", err)
	}
}

// WantsGapOf waits for a gap whose error contains a text. Others may come before it.
func (m *Member) WantsGapOf(t *testing.T, text string) {
	t.Helper()
	for deadline := time.After(Patience); ; {
		select {
		case err := <-m.Gaps:
			if strings.Contains(err.Error(), text) {
				return
			}
		case <-deadline:
			t.Fatalf("no gap: %s", text)
		}
	}
}

// Read reads the rest of a message.
func Read(t *testing.T, m *adapter.Message) {
	t.Helper()
	if rest := m.Rest; rest != nil {
		m.Rest = nil
		if err := rest(m); err != nil {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

// Event is a broadcast of a number to rooms.
func Event(uid string, n int, rooms ...string) *adapter.Message {
	return &adapter.Message{
		UID: uid, Namespace: "/", Type: adapter.MessageBroadcast, Options: adapter.Options{Rooms: rooms},
		Packet: &adapter.Packet{Event: "n", Args: []any{n}},
	}
}

// Publish publishes a message.
func Publish(t *testing.T, l adapter.Link, m *adapter.Message) {
	t.Helper()
	if err := l.Publish(m); err != nil {
		t.Fatal(err)
	}
}

// Await waits for a condition.
func Await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("this did not happen: %s", what)
		}
	}
}

package redis

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
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
)

// streamPeer is a process on the wire Streams, and what its member got.
type streamPeer struct {
	*streams
	link *streamLink

	mu   sync.Mutex
	got  []*adapter.Message
	gaps []error
	errs []error
}

func (p *streamPeer) Namespace() string { return "/" }

func (p *streamPeer) Receive(m *adapter.Message) {
	if m.Rest != nil {
		if err := m.Rest(m); err != nil {
			p.report(err)
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, m)
}

func (p *streamPeer) Gap(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gaps = append(p.gaps, err)
}

func (p *streamPeer) report(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errs = append(p.errs, err)
}

// broadcasts returns the events of the broadcasts received, and the position of the last one.
func (p *streamPeer) broadcasts() (events []string, last string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.got {
		if m.Type == adapter.MessageBroadcast {
			events, last = append(events, m.Packet.Name()), m.Position
		}
	}
	return events, last
}

func joinStreams(t *testing.T, c Config, uid string) *streamPeer {
	t.Helper()
	c.Wire = Streams
	c, err := c.resolve()
	if err != nil {
		t.Fatal(err)
	}
	p := &streamPeer{streams: newStreams(c)}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := p.Start(ctx, uid, p.report); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if p.link != nil {
			if err := p.link.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	l, err := p.Join(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	p.link = l.(*streamLink)
	return p
}

// othersOnly is a member that does not want what its process has sent.
type othersOnly struct{ *brokertest.Member }

func (othersOnly) ReceivesOwn() bool { return false }

// A member that does not want its own messages back gets those of others only.
func TestStreamsOwn(t *testing.T) {
	c := Config{Addrs: []string{redistest.Start(t).Addr()}}
	a, b := joinStreams(t, c, "a"), joinStreams(t, c, "b")
	join := func(p *streamPeer, m adapter.Member) adapter.Link {
		t.Helper()
		l, err := p.Join(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	publish := func(l adapter.Link, uid, namespace string) {
		t.Helper()
		m := &adapter.Message{
			UID: uid, Namespace: namespace, Type: adapter.MessageBroadcast, Packet: &adapter.Packet{Event: "e"},
		}
		if err := l.Publish(m); err != nil {
			t.Fatal(err)
		}
	}
	all, others := brokertest.NewMember("/all"), brokertest.NewMember("/others")
	toAll, toOthers := join(a, all), join(a, othersOnly{others})
	publish(toOthers, "a", "/others")
	publish(toAll, "a", "/all")
	if m := all.Next(t); m.UID != "a" {
		t.Errorf("got a message of %s", m.UID)
	}
	publish(join(b, brokertest.NewMember("/others")), "b", "/others")
	if m := others.Next(t); m.UID != "b" {
		t.Errorf("got a message of %s", m.UID)
	}
}

func (p *streamPeer) emit(t *testing.T, event string) {
	t.Helper()
	if err := p.try(event); err != nil {
		t.Error(err)
	}
}

func (p *streamPeer) try(event string) error {
	return p.link.Publish(&adapter.Message{
		UID: p.uid, Namespace: "/", Type: adapter.MessageBroadcast, Packet: &adapter.Packet{Event: event},
	})
}

// publishThrough sends an event each 5 ms from a to b while a fault is made, and wants each one
// once and in order on both. It returns their number.
func publishThrough(t *testing.T, a, b *streamPeer, d time.Duration, fault func()) (sent int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	go func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for n := 0; ; n++ {
			a.emit(t, fmt.Sprint(n))
			select {
			case <-ticker.C:
			case <-ctx.Done():
				done <- n + 1
				return
			}
		}
	}()
	time.AfterFunc(d, cancel)
	fault()
	sent = <-done
	for name, p := range map[string]*streamPeer{"another": b, "the same": a} {
		await(t, fmt.Sprintf("%s process has all %d", name, sent), func() bool {
			events, _ := p.broadcasts()
			return len(events) >= sent
		})
		events, _ := p.broadcasts()
		for n, e := range events {
			if e != fmt.Sprint(n) {
				t.Fatalf("%s process got %s at %d of %d, want %d sent", name, e, n, len(events), sent)
			}
		}
		p.mu.Lock()
		gaps := slices.Clone(p.gaps)
		p.mu.Unlock()
		for _, err := range gaps {
			if !strings.Contains(err.Error(), "not in the stream") {
				t.Errorf("%s process has a gap: %v", name, err)
			}
		}
	}
	t.Logf("%d events", sent)
	return sent
}

func TestStreamsFaults(t *testing.T) {
	for _, test := range []struct {
		name  string
		time  time.Duration
		fault func(s *redistest.Server)
	}{
		{"connections killed", time.Second, func(s *redistest.Server) {
			for range 5 {
				time.Sleep(100 * time.Millisecond)
				s.Do("CLIENT", "KILL", "SKIPME", "yes")
			}
		}},
		{"killed and back after 0.5 s", 2 * time.Second, func(s *redistest.Server) {
			time.Sleep(300 * time.Millisecond)
			s.Kill()
			time.Sleep(500 * time.Millisecond)
			s.Restart()
		}},
		{"stopped for 5 s", 6 * time.Second, func(s *redistest.Server) {
			time.Sleep(300 * time.Millisecond)
			s.Stop()
			time.Sleep(5 * time.Second)
			s.Continue()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
			c := Config{Addrs: []string{s.Addr()}}
			a, b := joinStreams(t, c, "aaaaaaaaaaaaaaaa"), joinStreams(t, c, "bbbbbbbbbbbbbbbb")
			sent := publishThrough(t, a, b, test.time, func() { test.fault(s) })
			// Official servers do not notice what was written twice.
			if got := s.Do("XLEN", "socket.io"); got != fmt.Sprint(sent) {
				t.Errorf("the stream has %s entries, want %d", got, sent)
			}
		})
	}
}

// An outbox that is full refuses, and what it has accepted arrives.
func TestStreamsStalled(t *testing.T) {
	s := redistest.Start(t)
	c := Config{Addrs: []string{s.Addr()}, MaxQueuedBytes: 20_000}
	a, b := joinStreams(t, c, "aaaaaaaaaaaaaaaa"), joinStreams(t, c, "bbbbbbbbbbbbbbbb")
	s.Stop()
	accepted := 0
	for {
		err := a.try(fmt.Sprint(accepted))
		if errors.Is(err, adapter.ErrBrokerStalled) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if accepted++; accepted > 1000 {
			t.Fatal("the outbox takes everything")
		}
	}
	s.Continue()
	await(t, "all accepted messages arrive", func() bool { events, _ := b.broadcasts(); return len(events) == accepted })
	await(t, "the outbox is empty", func() bool { return a.Stats().QueuedBytes == 0 })
	a.emit(t, "more")
	await(t, "messages are accepted again", func() bool { events, _ := b.broadcasts(); return len(events) == accepted+1 })
}

// What Redis refuses is reported with its number, and what follows is sent.
func TestStreamsRefused(t *testing.T) {
	s := redistest.Start(t)
	p := joinStreams(t, Config{Addrs: []string{s.Addr()}}, "aaaaaaaaaaaaaaaa")
	s.Do("SET", "socket.io", "not a stream")
	for range 3 {
		p.emit(t, "refused")
	}
	await(t, "all are counted and reported", func() bool {
		s := p.Stats()
		return s.Failed == 3 && s.QueuedBytes == 0
	})
	p.mu.Lock()
	errs := fmt.Sprint(p.errs)
	p.mu.Unlock()
	if !strings.Contains(errs, "messages are refused, XADD socket.io: WRONGTYPE") {
		t.Errorf("reported: %s", errs)
	}
	s.Do("DEL", "socket.io")
	p.emit(t, "taken")
	await(t, "it arrives", func() bool { events, _ := p.broadcasts(); return len(events) == 1 })
}

// While Redis has no memory left messages wait, which is reported.
func TestStreamsFull(t *testing.T) {
	s := redistest.Start(t)
	p := joinStreams(t, Config{Addrs: []string{s.Addr()}}, "aaaaaaaaaaaaaaaa")
	s.Do("CONFIG", "SET", "maxmemory", "1")
	for n := range 3 {
		p.emit(t, fmt.Sprint(n))
	}
	await(t, "it is reported", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return strings.Contains(fmt.Sprint(p.errs), "messages wait: OOM")
	})
	s.Do("CONFIG", "SET", "maxmemory", "0")
	await(t, "all arrive", func() bool { events, _ := p.broadcasts(); return fmt.Sprint(events) == "[0 1 2]" })
}

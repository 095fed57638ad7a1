package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/internal/brokertest"
)

// chaosLink is a proxy on the way of a node to its broker. With brokers in the nodes it is one of those
// to or from the other nodes. out is the way that leads away from the node.
type chaosLink struct {
	*brokertest.Proxy
	slow    *atomic.Int64
	out, in int
}

// seat is where a node runs, is killed, and runs again.
type seat struct {
	*trial
	index int
	url   string
	links []chaosLink
	busy  sync.Mutex // a fault of the node is under way

	starts  int
	current atomic.Pointer[node] // nil while there is none
	stopped atomic.Int64         // how long, all in all
}

// newLink starts a proxy on the way to a broker.
func (t *trial) newLink(to func() string) chaosLink {
	l := chaosLink{slow: new(atomic.Int64), out: brokertest.ToServer, in: brokertest.ToClient}
	l.Proxy = brokertest.StartProxy(t.kit, &brokertest.Proxy{To: to, Delay: func() time.Duration {
		return time.Duration(rand.Float64() * 2 * float64(l.slow.Load()))
	}})
	return l
}

// start starts the node. It tries again until the broker lets it.
func (s *seat) start(ctx context.Context) (err error) {
	late := wait(ctx, 30*time.Second, "it does not start", func() bool {
		err = s.tryStart(ctx)
		return err == nil
	})
	return errors.Join(late, err)
}

func (s *seat) tryStart(ctx context.Context) error {
	s.starts++
	n := &node{name: fmt.Sprintf("S%d.%d", s.index+1, s.starts)}
	p := &publisher{}
	s.mu.Lock()
	s.publishers[n.name] = p
	s.mu.Unlock()
	n.storm = func(a answer) { s.line(n.name, p, a) }
	stderr, err := os.Create(filepath.Join(s.dir, n.name+".log"))
	if err != nil {
		return err
	}
	defer func() { _ = stderr.Close() }() // the process has it
	n.stderr = stderr
	args := []string{filepath.Join(s.bench.dir, "ours"), "-cluster", s.url}
	if s.wire.recovery {
		args = append(args, "-recovery")
	}
	if smallQueue(s.seed) {
		args = append(args, "-queue", strconv.Itoa(smallQueueBytes))
	}
	if err := n.start(ctx, args, "GORACE=halt_on_error=1"); err != nil {
		return err
	}
	n.send(command{Do: "storm", Name: n.name, EveryMs: chaosEvery, Targets: allTargets(),
		Seed: s.seed<<8 + uint64(s.index)<<4 + uint64(s.starts)})
	s.current.Store(n)
	s.note("%s runs", n.name)
	go func() {
		<-n.ended
		if s.current.Load() == n {
			s.breach("%s ended by itself", n.name)
		}
	}()
	return nil
}

// line notes a line of storm.
func (s *seat) line(name string, p *publisher, a answer) {
	if a.Gap != "" {
		s.note("%s: %s", name, a.Error)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if want := len(p.events) + 1; a.Seq != want {
		s.breaches = append(s.breaches, fmt.Sprintf("%s: line %d instead of %d", name, a.Seq, want))
	}
	p.note(a.Target, time.Unix(0, a.At), a.Error != "", a.Mark, a.Failed)
}

// strike begins a fault of the link, and returns what ends it.
func (l *chaosLink) strike(what string) (end func()) {
	switch what {
	case cutLink:
		l.Cut()
		return func() {}
	case slowLink:
		l.slow.Store(int64(25 * time.Millisecond))
		return func() { l.slow.Store(0) }
	case partition:
		l.Stop()
	case loseOutgoing:
		l.Hold(l.out)
	case loseIncoming:
		l.Hold(l.in)
	}
	return l.Continue
}

// stop has the node stand still.
func (s *seat) stop(pause func()) error {
	n, began := s.current.Load(), time.Now()
	if err := n.signal("STOP"); err != nil {
		return err
	}
	pause()
	s.stopped.Add(int64(time.Since(began)))
	return n.signal("CONT")
}

// kill kills the node.
func (s *seat) kill() {
	n := s.current.Swap(nil)
	n.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.publishers[n.name].killed = true
}

// shutDown shuts the node down.
func (s *seat) shutDown(ctx context.Context, limit time.Duration) (failed string) {
	n := s.current.Swap(nil)
	defer n.stop()
	peak := peakMemory(n.cmd.Process.Pid)
	a, err := n.await(ctx, n.send(command{Do: "close", TimeoutMs: int(limit.Milliseconds())}), limit+20*time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peak = max(s.peak, peak)
	p := s.publishers[n.name]
	if err != nil {
		s.breaches = append(s.breaches, fmt.Sprintf("%s does not close: %v", n.name, err))
	}
	if a.Error != "" { // it was too short, and the rest of it goes on: what is queued dies with the process
		p.killed = true
		return a.Error
	}
	for _, stack := range a.Errors {
		s.breaches = append(s.breaches, fmt.Sprintf("%s is closed, and this is left: %s", n.name, stack))
	}
	p.count(a.Failed, p.markBefore(2))
	return ""
}

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// chaosWire is an adapter of make chaos.
type chaosWire struct {
	name     string
	recovery bool
	start    func(t *trial) // starts the broker and makes the seats; it may call t.kit.Fatal
}

// trial is a run of make chaos.
type trial struct {
	*bench
	wire    chaosWire
	seed    uint64
	dir     string
	kit     *kit
	broker  chaosBroker // nil: the nodes are the brokers
	seats   []*seat
	clients []*chaosClient
	strikes []strike

	brokerBusy sync.Mutex // a fault of the broker is under way
	requests   atomic.Int64
	peak       int // MiB, of a node

	mu         sync.Mutex
	publishers map[string]*publisher
	breaches   []string
	log        []string

	account *account // at the end
	err     error    // why it could not be played
}

// chaosBroker is the broker of a run.
type chaosBroker interface {
	Kill()
	Restart() // with its data
	Stop()
	Continue()
}

func (t *trial) note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.log = append(t.log, time.Now().Format("05.000 ")+fmt.Sprintf(format, args...))
}

func (t *trial) breach(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.breaches = append(t.breaches, fmt.Sprintf(format, args...))
}

// run plays a seed and returns what became of its events. The error is why it could not be played.
func (t *trial) run(ctx context.Context) (*account, error) {
	t.kit = &kit{dir: t.dir}
	t.publishers = make(map[string]*publisher)
	defer func() {
		for _, s := range t.seats {
			if n := s.current.Swap(nil); n != nil {
				n.stop()
			}
		}
		for _, end := range t.kit.ends {
			end()
		}
	}()
	if err := t.kit.try(func() { t.wire.start(t) }); err != nil {
		return nil, err
	}
	t.strikes = plan(t.seed, t.broker != nil)
	if err := t.each(func(s *seat) error { return s.start(ctx) }); err != nil {
		return nil, err
	}
	if err := t.kit.try(func() {
		for i := range chaosClients {
			t.newChaosClient(i)
		}
	}); err != nil {
		return nil, err
	}
	living, leave := context.WithCancel(ctx)
	defer leave()
	var clients sync.WaitGroup
	for _, c := range t.clients {
		clients.Go(func() { c.live(living) })
	}
	if err := t.settle(ctx); err != nil {
		return nil, fmt.Errorf("at the start: %w", err)
	}
	if err := t.faults(ctx); err != nil {
		return nil, err
	}
	if err := t.settle(ctx); err != nil {
		t.breach("after the faults: %v", err)
	}
	t.finish(ctx)
	leave()
	clients.Wait()
	if err := t.close(ctx); err != nil {
		return nil, err
	}
	return t.check(), ctx.Err()
}

// each calls f for all seats at once.
func (t *trial) each(f func(s *seat) error) error {
	errs := make([]error, len(t.seats))
	var all sync.WaitGroup
	for i, s := range t.seats {
		all.Go(func() { errs[i] = f(s) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// settle waits until all clients are connected and every node finds them.
func (t *trial) settle(ctx context.Context) error {
	count := func() (n int) {
		for _, c := range t.clients {
			c.mu.Lock()
			if c.ready {
				n++
			}
			c.mu.Unlock()
		}
		return n
	}
	err := wait(ctx, 20*time.Second, "not all clients are connected", func() bool { return count() == chaosClients })
	if err != nil {
		return err
	}
	return t.each(func(s *seat) error {
		var last string
		err := wait(ctx, 20*time.Second, "not all sockets are found", func() bool {
			found := 0
			for _, ns := range []string{"/", "/chat"} {
				n := s.current.Load()
				a, err := n.do(ctx, command{Do: "fetch", Namespace: ns})
				if err != nil {
					last = err.Error()
					return false
				}
				found, last = found+a.Result, fmt.Sprintf("%s finds %d, %s", n.name, found+a.Result, a.Error)
			}
			return found == chaosClients
		})
		if err != nil {
			return fmt.Errorf("%w: %s", err, last)
		}
		return nil
	})
}

// faults has the plan happen, and asks meanwhile.
func (t *trial) faults(ctx context.Context) error {
	began := time.Now()
	t.note("faults begin")
	var all, asking sync.WaitGroup
	over, end := context.WithCancel(ctx)
	asking.Go(func() { t.ask(over) })
	errs := make([]error, len(t.strikes))
	for i, s := range t.strikes {
		all.Go(func() {
			select {
			case <-time.After(time.Until(began.Add(s.at))):
				errs[i] = t.strike(ctx, s)
			case <-ctx.Done():
			}
		})
	}
	all.Wait()
	end()
	asking.Wait()
	t.note("faults end")
	return errors.Join(errs...)
}

// strike has one fault happen. It is left out where another one is under way.
func (t *trial) strike(ctx context.Context, x strike) error {
	pause := func() {
		select {
		case <-time.After(x.lasts):
		case <-ctx.Done():
		}
	}
	if slices.Contains(clientFaults, x.what) {
		t.note("%v", x)
		t.clients[x.who].strike(x.what, pause)
		return nil
	}
	s, busy := t.seats[x.who], &t.brokerBusy
	if slices.Contains(nodeFaults, x.what) {
		busy = &s.busy
	}
	if !busy.TryLock() {
		return nil
	}
	defer busy.Unlock()
	t.note("%v", x)
	defer t.note("end of %v", x)
	switch x.what {
	case killBroker, stopBroker:
		begin, end := t.broker.Kill, t.broker.Restart
		if x.what == stopBroker {
			begin, end = t.broker.Stop, t.broker.Continue
		}
		return t.kit.try(func() {
			begin()
			pause()
			end()
		})
	case killNode:
		s.kill()
		pause()
		return s.start(ctx)
	case restartNode:
		s.shutDown(ctx, 3*time.Second)
		pause()
		return s.start(ctx)
	case stopNode:
		return s.stop(pause)
	default:
		for _, l := range s.links {
			defer l.strike(x.what)()
		}
		if x.what != cutLink {
			pause()
		}
	}
	return nil
}

// requestTime is RequestTimeout, and the limit of acknowledgements.
const requestTime = 2 * time.Second

// ask has the nodes ask all others.
func (t *trial) ask(ctx context.Context) {
	r := rand.New(rand.NewPCG(t.seed, 2))
	var all sync.WaitGroup
	defer all.Wait()
	for ctx.Err() == nil {
		s, do := t.seats[r.IntN(len(t.seats))], []string{"fetch", "ask"}[r.IntN(2)]
		c := command{Do: do, Namespace: []string{"/", "/chat"}[r.IntN(2)], TimeoutMs: int(requestTime.Milliseconds())}
		all.Go(func() { s.ask(context.WithoutCancel(ctx), c) })
		select {
		case <-ctx.Done():
		case <-time.After(200*time.Millisecond + time.Duration(r.IntN(600))*time.Millisecond):
		}
	}
}

// ask has the node ask all others, which must end in time, unless the node ends.
func (s *seat) ask(ctx context.Context, c command) {
	n, began, stopped := s.current.Load(), time.Now(), s.stopped.Load()
	if n == nil {
		return
	}
	a, err := n.await(ctx, n.send(c), 20*time.Second)
	took := time.Duration(a.TookMs) * time.Millisecond
	limit := requestTime + time.Duration(s.stopped.Load()-stopped) + 1500*time.Millisecond
	switch {
	case err == nil:
		s.requests.Add(1)
		if took > limit {
			s.breach("%s: %s at %s took %v, %d answers, %s", n.name, c.Do, began.Format("05.000"), took, a.Result, a.Error)
		}
	case s.current.Load() == n:
		s.breach("%s at %s: %v", c.Do, began.Format("05.000"), err)
	}
}

// finish ends the events with one to each target, and has a server be missing from answers.
func (t *trial) finish(ctx context.Context) {
	var mu sync.Mutex
	last := make(map[string]int)
	err := t.each(func(s *seat) error {
		n := s.current.Load()
		a, err := n.await(ctx, n.send(command{Do: "calm"}), 20*time.Second)
		mu.Lock()
		defer mu.Unlock()
		last[n.name] = a.Sent
		return err
	})
	if err != nil {
		t.breach("the queues are not empty: %v", err)
		return
	}
	all := allTargets()
	arrived := func(publisher, target string, seq int) bool {
		return !slices.ContainsFunc(t.clients, func(c *chaosClient) bool { return !c.has(publisher, target, seq) })
	}
	late, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for publisher, sent := range last {
		for i, target := range all {
			seq := sent - len(all) + i + 1
			_ = wait(late, time.Minute, "", func() bool { return arrived(publisher, target, seq) }) // or it is lost
		}
	}
	t.missing(ctx)
}

// missing stops a node and asks for its sockets, and for its clients' answers.
func (t *trial) missing(ctx context.Context) {
	asker, other := t.seats[0].current.Load(), t.seats[1].current.Load()
	if err := other.signal("STOP"); err != nil {
		t.breach("%v", err)
		return
	}
	for _, do := range []string{"fetch", "ask"} {
		c := command{Do: do, TimeoutMs: int(requestTime.Milliseconds())}
		a, err := asker.await(ctx, asker.send(c), 20*time.Second)
		named := a.Error != "" || a.Result == chaosClients/2 // it may have answered before it stopped
		if err != nil || !named || a.TookMs > float64((requestTime+1500*time.Millisecond).Milliseconds()) {
			t.breach("%s without %s: %d answers in %.0f ms, error %q, %v", do, other.name, a.Result, a.TookMs, a.Error, err)
		}
	}
	if err := other.signal("CONT"); err != nil {
		t.breach("%v", err)
	}
}

// peakMemory is the largest memory that a process had, in MiB; 0 where the system does not tell.
func peakMemory(pid int) int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	if fields := strings.Fields(rest); len(fields) > 0 {
		kib, _ := strconv.Atoi(fields[0])
		return kib >> 10
	}
	return 0
}

// memoryLimit of a node, in MiB: its queue may have 64 MiB, and the race detector takes 5 to 10 times
// what is used.
const memoryLimit = 768

// close shuts the nodes down, which leaves no goroutine, and reads their logs.
func (t *trial) close(ctx context.Context) error {
	_ = t.each(func(s *seat) error {
		if failed := s.shutDown(ctx, 10*time.Second); failed != "" {
			t.breach("S%d: shutdown: %s", s.index+1, failed)
		}
		return nil
	})
	if t.peak > memoryLimit {
		t.breach("a node had %d MiB", t.peak)
	}
	logs, _ := filepath.Glob(filepath.Join(t.dir, "S*.log"))
	for _, name := range logs {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if at := bad.FindIndex(text); at != nil {
			t.breach("%s: %s", filepath.Base(name), text[at[0]:min(len(text), at[0]+4000)])
		}
	}
	return nil
}

// bad is what no log of a node may have.
var bad = regexp.MustCompile(`panic|DATA RACE|fatal error|goroutine \d+ \[`)

// check accounts for all events, and adds what else was wrong.
func (t *trial) check() *account {
	h := &history{recovery: t.wire.recovery, publishers: t.publishers, clients: make(map[string]*trace)}
	for _, c := range t.clients {
		h.clients[c.name] = &c.trace
	}
	a := h.check()
	a.breaches = append(a.breaches, t.breaches...)
	return a
}

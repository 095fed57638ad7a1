package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

var wires = []string{"pubsub", "sharded", "streams"}

// fault is something that goes wrong while S1 emits an event each 5 ms.
type fault struct {
	name      string
	wires     []string // those that it is tried with
	third     bool     // with a third node
	answers   int      // what requests get that are under way; 0 if there are none
	names     bool     // and they must say that a server is missing
	sentinels bool
	size      int      // of an event, in bytes
	options   []string // of redis-server
	do        func(ctx context.Context, r *faultRun) error
}

var faults = []fault{
	{name: "connections of Redis killed", wires: wires, options: aof, do: func(_ context.Context, r *faultRun) error {
		r.redis.master.Do("CLIENT", "KILL", "TYPE", "normal")
		r.redis.master.Do("CLIENT", "KILL", "TYPE", "pubsub")
		return nil
	}},
	{name: "Redis SIGKILL, back after 0.5 s", wires: wires, options: aof, do: func(_ context.Context, r *faultRun) error {
		r.redis.master.Kill()
		time.Sleep(500 * time.Millisecond)
		r.redis.master.Restart()
		return nil
	}},
	{name: "Redis SIGSTOP for 5 s", wires: wires, options: aof, do: func(_ context.Context, r *faultRun) error {
		r.redis.master.Stop()
		time.Sleep(5 * time.Second)
		r.redis.master.Continue()
		return nil
	}},
	{name: "failover by Sentinel", wires: []string{"pubsub", "streams"}, sentinels: true, options: aof, do: failover},
	{name: "a third node SIGKILL", wires: wires, third: true, answers: 2, options: aof, do: killThird},
	{name: "S2 SIGSTOP for 12 s", wires: wires, answers: 1, names: true, options: aof,
		do: func(ctx context.Context, r *faultRun) error {
			return pause(12*time.Second, r.nodes(1), func() { r.ask(ctx) })
		}},
	{name: "S2 cut off as slow", wires: wires, size: 16 << 10, do: cutOff,
		options: []string{"--client-output-buffer-limit", "pubsub 256kb 128kb 1"}},
}

// pause stops nodes for a while, and calls begun as that begins.
func pause(d time.Duration, nodes []*node, begun func()) error {
	for _, n := range nodes {
		if err := n.signal("STOP"); err != nil {
			return err
		}
	}
	begun()
	time.Sleep(d)
	for _, n := range nodes {
		if err := n.signal("CONT"); err != nil {
			return err
		}
	}
	return nil
}

// failover kills the master and waits until the sentinels have made the replica the new one.
func failover(ctx context.Context, r *faultRun) error {
	r.redis.master.Kill()
	return wait(ctx, 20*time.Second, "no failover", func() bool {
		return r.redis.sentinels.MasterAddr() == r.redis.sentinels.Replica.Addr()
	})
}

// killThird kills the third node while it has requests of S1 to answer.
func killThird(ctx context.Context, r *faultRun) error {
	third := r.nodes(2)
	for _, n := range third {
		if err := n.signal("STOP"); err != nil { // so that it does not answer first
			return err
		}
	}
	r.ask(ctx)
	time.Sleep(300 * time.Millisecond)
	for _, n := range third {
		n.stop()
	}
	return nil
}

// ask has S1 begin requests to all. What becomes of them is known when r.later is done.
func (r *faultRun) ask(ctx context.Context) {
	for _, g := range r.groups {
		fetch, ask := g.nodes[0].send(command{Do: "fetch"}), g.nodes[0].send(command{Do: "ask", TimeoutMs: 5000})
		r.later.Go(func() {
			var err error
			if g.fetch, err = g.nodes[0].await(ctx, fetch, 15*time.Second); err == nil {
				g.ask, err = g.nodes[0].await(ctx, ask, 15*time.Second)
			}
			g.fail(err)
		})
	}
}

// cutOff stops S2 while large events are sent, until Redis disconnects it.
func cutOff(_ context.Context, r *faultRun) error {
	if err := pause(6*time.Second, r.nodes(1), func() {}); err != nil {
		return err
	}
	dir := strings.TrimPrefix(r.redis.master.Do("CONFIG", "GET", "dir"), "dir\n")
	log, err := os.ReadFile(filepath.Join(dir, "redis.log"))
	if want := len(r.groups) - r.count("streams"); err == nil {
		if n := strings.Count(string(log), "overcoming of output buffer limits"); n < want {
			err = fmt.Errorf("redis cut off %d connections, not %d", n, want)
		}
	}
	return err
}

// faultRun is one run of a fault, with the nodes of all servers and wires at one Redis.
type faultRun struct {
	*bench
	fault
	redis  *redis
	groups []*group
	later  sync.WaitGroup // requests under way
}

// group is the nodes of one kind with one wire, each with a client.
type group struct {
	wire, kind string
	nodes      []*node
	clients    []*client
	outcome
}

// outcome is what became of a group's events.
type outcome struct {
	err           error // it could not be measured
	sent          int
	local, remote tally   // at the clients of S1 and S2
	longest       float64 // µs that an emit took
	stall         float64 // µs that the machine kept our server waiting
	queued        int     // at the worst moment: bytes in our servers, commands in ioredis
	named         bool    // a hook or an error said that events may be lost
	after         int     // sockets that S1 finds at the end
	want          int     // and should find
	fetch, ask    answer  // of requests under way
}

func (g *group) fail(err error) {
	if g.err == nil && err != nil {
		g.err = fmt.Errorf("%s, %s: %w", g.wire, g.kind, err)
	}
}

// nodes are S1, S2 or S3 of all groups.
func (r *faultRun) nodes(i int) (all []*node) {
	for _, g := range r.groups {
		all = append(all, g.nodes[i])
	}
	return all
}

func (r *faultRun) count(wire string) (n int) {
	for _, g := range r.groups {
		if g.wire == wire {
			n++
		}
	}
	return n
}

// each calls f for all groups at once. A group that fails takes no further part.
func (r *faultRun) each(f func(g *group) error) {
	var all sync.WaitGroup
	for _, g := range r.groups {
		if g.err == nil {
			all.Go(func() { g.fail(f(g)) })
		}
	}
	all.Wait()
}

// faultRuns runs every fault in random order in every round.
func (b *bench) faultRuns(ctx context.Context) (map[string][]*group, error) {
	results := make(map[string][]*group)
	for round := range b.rounds {
		order := slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !b.wants(f.name) })
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, f := range order {
			groups, err := b.faultRun(ctx, f)
			if ctx.Err() != nil || len(groups) == 0 {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			for _, g := range groups {
				g.fail(err)
				fmt.Fprintf(os.Stderr, "round %d: %s: %s, %s: %v\n", round+1, f.name, g.wire, g.kind, &g.outcome)
			}
			results[f.name] = append(results[f.name], groups...)
		}
	}
	return results, nil
}

func (b *bench) faultRun(ctx context.Context, f fault) ([]*group, error) {
	dir, err := os.MkdirTemp(b.dir, "run-")
	if err != nil {
		return nil, err
	}
	r := &faultRun{bench: b, fault: f}
	if r.redis, err = startRedis(dir, f.sentinels, f.options...); err != nil {
		return nil, err
	}
	defer r.redis.stop()
	for _, wire := range f.wires {
		for _, k := range b.kinds("ours", "node") {
			if b.wantsWire(wire) {
				r.groups = append(r.groups, &group{wire: wire, kind: k})
			}
		}
	}
	all := r.groups
	defer func() {
		for _, g := range all {
			for _, n := range g.nodes {
				n.stop()
			}
		}
	}()
	r.each(func(g *group) error { return r.open(ctx, g) })
	r.groups = slices.DeleteFunc(slices.Clone(all), func(g *group) bool { return g.err != nil })
	return all, r.play(ctx)
}

// open starts the nodes and clients of a group and waits until they form a cluster.
func (r *faultRun) open(ctx context.Context, g *group) error {
	g.want = 2
	nodes := 2
	if r.third {
		nodes = 3
	}
	line := r.line(g.kind, r.redis, g.wire, g.wire+"-"+g.kind)
	for i := range nodes {
		n, err := startNode(ctx, fmt.Sprintf("%s %s S%d", g.kind, g.wire, i+1), line)
		if err != nil {
			return err
		}
		g.nodes = append(g.nodes, n)
		c, err := connect(ctx, n, nil)
		if err != nil {
			return err
		}
		g.clients = append(g.clients, c)
	}
	return g.whole(ctx, nodes)
}

// whole waits until S1 finds so many sockets.
func (g *group) whole(ctx context.Context, want int) error {
	var failed error
	err := wait(ctx, 20*time.Second, "not all sockets were found", func() bool {
		var a answer
		a, failed = g.nodes[0].do(ctx, command{Do: "fetch"})
		g.after = a.Result
		return failed != nil || a.Result == want
	})
	return errors.Join(failed, err)
}

const (
	before = time.Second     // of emitting before a fault
	behind = 3 * time.Second // and when it is over
)

// play emits, has the fault happen, and counts.
func (r *faultRun) play(ctx context.Context) error {
	for _, g := range r.groups {
		g.nodes[0].send(command{Do: "emit", Room: "r", EveryMs: 5, Batch: 1, Size: max(r.size, 32)})
	}
	time.Sleep(before)
	began := time.Now()
	if err := r.redis.kit.try(func() {
		if err := r.do(ctx, r); err != nil {
			r.redis.kit.Fatal(err)
		}
	}); err != nil {
		return err
	}
	time.Sleep(behind)
	r.later.Wait()
	r.each(func(g *group) error {
		stopped, err := g.nodes[0].do(ctx, command{Do: "stop"})
		if err != nil {
			return err
		}
		g.sent = stopped.Sent
		last := int32(g.sent - 1)
		arrived := func() bool { return g.clients[0].has(last) && g.clients[1].has(last) }
		_ = wait(ctx, 10*time.Second, "", arrived) // or it is lost
		if err := g.whole(ctx, g.want); errors.Is(err, context.Canceled) {
			return err // otherwise the table says so
		}
		for i, n := range g.nodes[:2] {
			s, err := n.do(ctx, command{Do: "stats"})
			if err != nil {
				return err
			}
			if i == 0 {
				g.longest, g.stall, g.queued = s.LongestUs, s.StallUs, s.Queued
			}
			g.named = g.named || s.Gaps+s.Failed+s.Refused > 0
		}
		g.local, g.remote = g.clients[0].tally(g.sent, began), g.clients[1].tally(g.sent, began)
		return nil
	})
	return nil
}

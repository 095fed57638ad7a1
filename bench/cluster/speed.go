package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// traffic is what S1 emits while the CPU time of both nodes is measured.
type traffic struct {
	room string // "r" has one member, on S2; "nobody" has none
	size int    // of the string that an event carries
}

var loads = []traffic{{"r", 32}, {"r", 1024}, {"nobody", 32}, {"nobody", 1024}}

// Every server has as many events on their way, so that the nodes keep their core busy.
const (
	window   = 1024
	mark     = 256
	warm     = 10_000 // events before a measurement
	measured = 30_000
)

// cell is what was measured together.
type cell struct {
	wire, kind string
	traffic
}

// speeds are the results: µs of CPU of both nodes for a message, and for the kind "broker" that of the
// broker while ours are measured.
type speeds map[cell][]float64

// cpuRuns measures every cell in every round, in random order, with fresh nodes for each wire and kind.
func (b *bench) cpuRuns(ctx context.Context, kinds []string) (speeds, error) {
	results := make(speeds)
	for range b.rounds {
		var order []cell
		for _, wire := range speedWires {
			for _, k := range kinds {
				if b.wantsWire(wire) && (k == "ours" || !isNATS(wire)) {
					order = append(order, cell{wire: wire, kind: k})
				}
			}
		}
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, c := range order {
			if err := b.cpuRun(ctx, c, results); err != nil {
				return nil, fmt.Errorf("%s, %s: %w", c.wire, c.kind, err)
			}
		}
	}
	return results, nil
}

// cpuRun measures all loads with one pair of nodes.
func (b *bench) cpuRun(ctx context.Context, c cell, results speeds) error {
	r, err := b.startBroker(c.wire)
	if err != nil {
		return err
	}
	defer r.stop()
	if r.pid != "" {
		pin(ctx, 1, r.pid)
	}
	var nodes [2]*node
	for i := range nodes {
		name := fmt.Sprintf("%s %s S%d", c.kind, c.wire, i+1)
		nodes[i], err = startNode(ctx, name, r.line(c.kind, i), "GOMAXPROCS=1")
		if err != nil {
			return err
		}
		defer nodes[i].stop()
		pin(ctx, 0, strconv.Itoa(nodes[i].cmd.Process.Pid))
	}
	p := &pair{nodes: nodes, broker: r.pid}
	p.member, err = connect(ctx, nodes[1], func(number int32) {
		if number%mark == 0 {
			nodes[0].write(command{Do: "credit", Count: int(number)})
		}
	})
	if err != nil {
		return err
	}
	if err := wait(ctx, 10*time.Second, "nothing arrives on S2", func() bool {
		return p.marker(ctx, 100*time.Millisecond) == nil
	}); err != nil {
		return err
	}
	for _, l := range loads { // what compiles at run time needs some seconds for that
		if _, _, err := p.cost(ctx, l, warm); err != nil {
			return err
		}
	}
	for _, i := range rand.Perm(len(loads)) {
		if !b.wants(loads[i].name()) {
			continue
		}
		cost, broker, err := p.cost(ctx, loads[i], measured)
		if err != nil {
			return err
		}
		c.traffic = loads[i]
		results[c] = append(results[c], cost)
		if c.kind == "ours" && r.pid != "" {
			k := cell{c.wire, "broker", c.traffic}
			results[k] = append(results[k], broker)
		}
		fmt.Fprintf(os.Stderr, "%s, %s, %s: %.2f µs\n", c.wire, c.kind, c.name(), cost)
	}
	return nil
}

// pair is two nodes, the process of their broker, and a client on the second.
type pair struct {
	nodes  [2]*node
	broker string // "" without
	member *client
}

// marker emits one event to the client on S2 and waits until it has arrived: everything before has been
// dealt with then.
func (p *pair) marker(ctx context.Context, limit time.Duration) error {
	a, err := p.nodes[0].do(ctx, command{Do: "emit", Room: "r", EveryMs: 1, Batch: 1, Count: 1})
	if err != nil {
		return err
	}
	return wait(ctx, limit, "an event has not arrived", func() bool { return p.member.has(int32(a.Sent - 1)) })
}

// cost emits n events and returns the CPU time of both nodes for one, and of the broker, in µs.
func (p *pair) cost(ctx context.Context, l traffic, n int) (nodes, broker float64, err error) {
	var before, after [2]time.Duration
	measure := func(all *[2]time.Duration) error {
		all[0], all[1] = 0, 0
		for _, node := range p.nodes {
			spent, err := cpu(strconv.Itoa(node.cmd.Process.Pid))
			if err != nil {
				return err
			}
			all[0] += spent
		}
		if p.broker == "" {
			return nil
		}
		all[1], err = cpu(p.broker)
		return err
	}
	if err := measure(&before); err != nil {
		return 0, 0, err
	}
	emit := p.nodes[0].send(command{
		Do: "emit", Room: l.room, Window: window, Mark: mark, Count: n, Size: l.size,
	})
	if _, err := p.nodes[0].await(ctx, emit, time.Minute); err != nil {
		return 0, 0, err
	}
	if err := p.marker(ctx, time.Minute); err != nil {
		return 0, 0, err
	}
	err = measure(&after)
	each := func(i int) float64 { return float64((after[i] - before[i]).Nanoseconds()) / 1e3 / float64(n) }
	return each(0), each(1), err
}

// cpu is what a process has taken, by the scheduler's clock.
func cpu(pid string) (sum time.Duration, err error) {
	dir := fmt.Sprintf("/proc/%s/task/", pid)
	tasks, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, t := range tasks {
		text, err := os.ReadFile(dir + t.Name() + "/schedstat")
		if err != nil {
			continue // the thread has just ended
		}
		first, _, _ := bytes.Cut(text, []byte(" "))
		ns, err := strconv.ParseInt(string(first), 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// pin keeps a process on one core, where the machine has two and can do that.
func pin(ctx context.Context, core int, pid string) {
	_ = exec.CommandContext(ctx, "taskset", "-a", "-c", "-p", strconv.Itoa(core), pid).Run()
}

// name is a load in the table.
func (l traffic) name() string {
	if l.room == "r" {
		return "delivered, " + sizeName(l.size)
	}
	return "discarded, " + sizeName(l.size)
}

func sizeName(bytes int) string {
	if bytes == 1024 {
		return "1 KiB"
	}
	return fmt.Sprintf("%d B", bytes)
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// crowd is what a number of idle connections cost.
type crowd struct {
	conns          int
	process        float64 // bytes of memory a connection
	kernel         float64 // the same in the kernel, for both ends
	cpu            float64 // percent of a core, while idle
	perBeat        float64 // µs
	fanOut         time.Duration
	connectsPerSec float64
}

// spare are the descriptors that a process needs besides its connections, those that it is taking over among them.
const spare = 400

// many opens as many idle connections as the machine allows, keeps them alive through a heartbeat, broadcasts once to all, and
// says what that took and what a million would.
func (b *bench) many(ctx context.Context) error {
	limit, err := openFiles()
	if err != nil {
		return err
	}
	most := min(1_000_000, limit-spare)
	fmt.Fprintf(os.Stderr, "A process here may open %d files: at most %d connections. More would need a higher limit (ulimit -n, and for root fs.nr_open) for the server and each generator,\n"+
		"and memory: what it takes is measured below.\n", limit, most)
	var sizes []int
	for _, n := range []int{1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000} {
		if n < most {
			sizes = append(sizes, n)
		}
	}
	var crowds []crowd
	for _, n := range append(sizes, most) {
		c, err := b.crowd(ctx, n)
		if err != nil {
			return fmt.Errorf("%d connections: %w", n, err)
		}
		fmt.Fprintf(os.Stderr, "%d connections: %.0f bytes each in the process, %.0f in the kernel, broadcast in %v\n", n, c.process, c.kernel, c.fanOut)
		crowds = append(crowds, c)
	}
	page := b.manyReport(ctx, limit, crowds)
	fmt.Print(page)
	return os.WriteFile(filepath.Join(b.root, "docs", "evidence", "million.md"), []byte(page), 0o644)
}

// generators is how many processes make the connections.
const generators = 2

// generator is one of them.
type generator struct {
	cmd   *exec.Cmd
	out   bytes.Buffer
	ended chan struct{}
	err   error // how it ended
}

// crowd measures n connections.
func (b *bench) crowd(ctx context.Context, n int) (crowd, error) {
	p, err := b.launchFree(ctx, servers[0])
	if err != nil {
		return crowd{}, err
	}
	defer p.stop()
	c := crowd{conns: n}
	kernel, rss := kernelMemory(), residentMemory(p.cmd.Process.Pid)
	var all [generators]*generator
	for i := range all {
		part := n / generators
		if i == 0 {
			part = n - part*(generators-1)
		}
		if all[i], err = b.generate(ctx, p, part, i == 0, time.Duration(5+n/2000)*time.Second); err != nil {
			return c, err
		}
		defer func() {
			_ = all[i].cmd.Process.Kill() // fails when it has ended
			<-all[i].ended
		}()
	}
	if err := p.holds(ctx, n, all[:]); err != nil {
		return c, err
	}
	c.kernel = (kernelMemory() - kernel) / float64(n)
	beats := 0.0
	for _, g := range all {
		if <-g.ended; g.err != nil {
			return c, g.err
		}
		var r struct {
			Ops     float64
			Seconds float64
			Connect float64             `json:"connects_per_s"`
			Latency struct{ Max int64 } `json:"latency_us"`
			Server  struct {
				CPU float64 `json:"cpu_pct"`
				RSS float64 `json:"rss_end"`
			}
		}
		if err := json.Unmarshal(g.out.Bytes(), &r); err != nil {
			return c, err
		}
		beats += r.Ops
		c.cpu = max(c.cpu, r.Server.CPU)
		c.connectsPerSec += r.Connect
		c.fanOut = max(c.fanOut, time.Duration(r.Latency.Max)*time.Microsecond)
		c.process = max(c.process, (r.Server.RSS-rss)/float64(n))
		c.perBeat = c.cpu / 100 * r.Seconds * 1e6 / max(beats, 1)
	}
	return c, nil
}

// generate starts a generator of n connections. A heartbeat comes every 25 s; one of each connection is within its measurement.
func (b *bench) generate(ctx context.Context, p *process, n int, broadcast bool, warmup time.Duration) (*generator, error) {
	args := []string{"bench", "idle", "-json", "-quiet", "-conns", fmt.Sprint(n), "-warmup", warmup.String(), "-duration", "30s",
		"-url", "http://" + p.addr + "/socket.io/", "-pid", fmt.Sprint(p.cmd.Process.Pid)}
	if broadcast {
		args = append(args, "-broadcast")
	}
	g := &generator{cmd: exec.CommandContext(ctx, b.binary("socketio"), args...), ended: make(chan struct{})}
	g.cmd.Stdout, g.cmd.Stderr = &g.out, os.Stderr
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		if err := g.cmd.Wait(); err != nil {
			g.err = fmt.Errorf("%w: %s", err, firstError(g.out.Bytes()))
		}
		close(g.ended)
	}()
	return g, nil
}

// holds waits until a server has n connections, and for no longer than there are those who make them.
func (p *process) holds(ctx context.Context, n int, generators []*generator) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(5 * time.Minute); ; {
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
		switch {
		case err != nil:
			return err
		case len(files) >= n:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("after five minutes the server has %d", len(files))
		}
		for _, g := range generators {
			select {
			case <-g.ended:
				return errors.Join(errors.New("a load generator ended before all connections were there"), g.err)
			default:
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// manyReport is docs/evidence/million.md.
func (b *bench) manyReport(ctx context.Context, limit int, crowds []crowd) string {
	var t strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&t, format+"\n", args...) }
	say("# Towards a million idle connections\n\nMade by `make million` on %s. Do not edit: run it again. A process here may open %d files, which is the limit of what could be tried. Server and"+
		"\ngenerators share the cores. Each connection has joined `/`, answers heartbeats, and receives one broadcast to all, sent in the middle of 30 s.\n", time.Now().Format("2 January 2006"), limit)
	say("| connections | bytes each, process | bytes each, kernel (both ends) | CPU while idle, %% of a core | CPU a heartbeat | broadcast to all | connected a second |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, c := range crowds {
		say("| %d | %.0f | %.0f | %.2f | %.0f µs | %v | %.0f |", c.conns, c.process, c.kernel, c.cpu, c.perBeat, c.fanOut.Round(time.Millisecond), c.connectsPerSec)
	}
	first, last := crowds[0], crowds[len(crowds)-1]
	say("\nFrom %d to %d connections the memory of the process grew by %.0f bytes for each further one.", first.conns, last.conns,
		(last.process*float64(last.conns)-first.process*float64(first.conns))/float64(max(last.conns-first.conns, 1)))
	const million = 1e6
	say("\nAt the cost of the last row a million would take %.1f GB in the process and %.1f GB in the kernel (half of it, where the clients are elsewhere), %.0f %% of a core for heartbeats,"+
		"\nand %v for a broadcast to all on one core; and a limit of a little more than a million open files (`ulimit -n`, `fs.nr_open`).\n",
		last.process*million/1e9, last.kernel*million/1e9, last.cpu*million/float64(last.conns), time.Duration(float64(last.fanOut)*million/float64(last.conns)).Round(time.Second))
	say("%s", b.machine(ctx))
	return t.String()
}

// kernelMemory is what the kernel holds for its own structures and for TCP, in bytes.
func kernelMemory() float64 {
	sum := 0.0
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		if m := regexp.MustCompile(`(?m)^Slab:\s*(\d+) kB`).FindSubmatch(b); m != nil {
			n, _ := strconv.ParseFloat(string(m[1]), 64)
			sum += n * 1024
		}
	}
	if b, err := os.ReadFile("/proc/net/sockstat"); err == nil {
		if m := regexp.MustCompile(`(?m)^TCP: .* mem (\d+)`).FindSubmatch(b); m != nil {
			n, _ := strconv.ParseFloat(string(m[1]), 64)
			sum += n * float64(os.Getpagesize())
		}
	}
	return sum
}

func residentMemory(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := strings.Fields(string(b))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize())
}

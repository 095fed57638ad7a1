// Command cluster measures clusters over Redis: our servers beside the official ones, and beside a Go
// peer; their speed over NATS too. `make cluster-faults` runs it with -faults and writes
// docs/evidence/cluster-faults.md: what arrives while connections, Redis or nodes fail. `make bench-cluster` runs it without and writes
// docs/evidence/cluster-bench.md: the CPU time of the nodes for a message, and the throughput.
// `make chaos` runs it with -chaos and writes docs/evidence/chaos.md: faults at random, over every
// adapter.
//
// The nodes are processes that take commands on stdin: ./ours, ./peer and ../node/cluster.mjs.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	b := &bench{}
	withFaults := flag.Bool("faults", false, "measure faults instead of speed")
	withChaos := flag.Bool("chaos", false, "faults at random, over every adapter (-wires)")
	flag.Uint64Var(&b.seed, "seed", 0, "with -chaos: plays only the run with this seed")
	flag.IntVar(&b.parallel, "parallel", 3, "with -chaos: runs at once")
	flag.BoolVar(&b.race, "race", true, "with -chaos: nodes with the race detector")
	flag.IntVar(&b.rounds, "rounds", 0, "runs of each cell; default 3, with -chaos 10")
	flag.StringVar(&b.root, "root", ".", "root of the checkout")
	flag.StringVar(&b.only, "only", "", "only what has one of these words in its name, by commas; prints only")
	flag.StringVar(&b.wires, "wires", "", "only these wires; prints only")
	flag.StringVar(&b.servers, "servers", "", "only these servers (ours, node, peer); prints only")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := b.inFolder(func() error {
		if *withChaos {
			return b.chaos(ctx)
		}
		return b.run(ctx, *withFaults)
	}); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

type bench struct {
	rounds, parallel     int
	seed                 uint64
	race                 bool
	root, dir            string
	only, wires, servers string
	took                 time.Duration
	missing              string // why the peer is left out
}

// inFolder calls run with a folder for what it builds.
func (b *bench) inFolder(run func() error) (err error) {
	if b.root, err = filepath.Abs(b.root); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "cluster-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.dir) }()
	return run()
}

func (b *bench) run(ctx context.Context, withFaults bool) error {
	b.rounds = cmp.Or(b.rounds, 3)
	if err := b.build(ctx, withFaults); err != nil {
		return err
	}
	start := time.Now()
	if withFaults {
		results, err := b.faultRuns(ctx)
		if err != nil {
			return err
		}
		b.took = time.Since(start)
		if err := b.write("cluster-faults.md", b.faultReport(ctx, results)); err != nil {
			return err
		}
		return broken(results)
	}
	kinds := b.kinds("ours", "node", "peer")
	if b.missing != "" {
		kinds = slices.DeleteFunc(kinds, func(k string) bool { return k == "peer" })
	}
	costs, err := b.cpuRuns(ctx, kinds)
	if err != nil {
		return err
	}
	var rates map[rateKey][]rate
	if b.wantsKind("ours") {
		if rates, err = b.rateRuns(ctx); err != nil {
			return err
		}
	}
	b.took = time.Since(start)
	return b.write("cluster-bench.md", b.speedReport(ctx, costs, rates))
}

// write writes a page of docs/evidence, or prints it when only a part was measured.
func (b *bench) write(name, page string) error {
	if b.only+b.wires+b.servers != "" {
		fmt.Print(page)
		return nil
	}
	return os.WriteFile(filepath.Join(b.root, "docs", "evidence", name), []byte(page), 0o644)
}

// build builds the nodes.
func (b *bench) build(ctx context.Context, withFaults bool) error {
	if b.wantsKind("node") {
		if err := b.command(ctx, b.root, nil, "scripts/install.sh", "npm", "bench/node"); err != nil {
			return err
		}
	}
	if b.wantsKind("ours") {
		if err := b.goBuild(ctx, "bench", "ours", "./cluster/ours"); err != nil {
			return err
		}
	}
	if !withFaults && b.wantsKind("ours") {
		if err := b.goBuild(ctx, "bench", "nats-server", "github.com/nats-io/nats-server/v2"); err != nil {
			return err
		}
	}
	if !withFaults && b.wantsKind("peer") {
		err := b.goBuild(ctx, "bench/cluster/peer", "peer", ".", "GOWORK=off")
		if err != nil { // the comparison with it is not what this is for
			fmt.Fprintf(os.Stderr, "left out: %v\n", err)
			b.missing = err.Error()
		}
	}
	return nil
}

func (b *bench) goBuild(ctx context.Context, dir, name, pkg string, env ...string) error {
	return b.command(ctx, filepath.Join(b.root, dir), env, "go", "build", "-o", filepath.Join(b.dir, name), pkg)
}

func (b *bench) command(ctx context.Context, dir string, env []string, line ...string) error {
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(line, " "), err, out)
	}
	return nil
}

func (b *bench) wants(name string) bool {
	return b.only == "" || slices.ContainsFunc(strings.Split(b.only, ","), func(word string) bool {
		return strings.Contains(name, word)
	})
}

func (b *bench) wantsWire(name string) bool {
	return b.wires == "" || slices.Contains(strings.Split(b.wires, ","), name)
}

func (b *bench) wantsKind(name string) bool {
	return b.servers == "" || slices.Contains(strings.Split(b.servers, ","), name)
}

// kinds are those of the names that are to be measured.
func (b *bench) kinds(names ...string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return !b.wantsKind(name) })
}

// Command bench makes every figure of docs/benchmarks.md and of the README's table: it runs this library's server, the official
// one, a Go peer and the floors (bench/floor) under the same load, interleaved and in random order, each time with a fresh
// process, and writes the medians, their spread, the ratios, and plots.
//
// The server is pinned to the first core and the load generator (`socketio bench`) to the second, with GOMAXPROCS=1 each. What
// counts is the server's CPU time for an operation, by the scheduler's clock of its process: throughput and latency depend on
// the generator and on what else the machine does.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "runs of each cell; the median counts")
	flag.DurationVar(&o.window, "window", 2*time.Second, "time of a measurement")
	flag.StringVar(&o.only, "only", "", "only the scenarios whose name contains one of these words, separated by commas; prints the table instead of writing files")
	flag.BoolVar(&o.quick, "quick", false, "one short round, without the growth curves; prints the table instead of writing files")
	flag.BoolVar(&o.stress, "stress", false, "readers that stall, links that drop, everybody who comes back at once: docs/evidence/stress.md")
	flag.BoolVar(&o.million, "million", false, "as many idle connections as this machine allows")
	flag.StringVar(&o.root, "root", ".", "root of the checkout")
	flag.BoolVar(&o.peers, "peers", false, "beside servers in other languages; prints the table instead of writing files")
	spin := flag.Bool("spin", false, "do nothing, but do it all the time: keeps a core awake")
	flag.Parse()
	for *spin {
		continue
	}
	if o.quick {
		o.rounds, o.window = 1, time.Second
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	rounds          int
	window          time.Duration
	only            string
	quick           bool
	stress, million bool
	peers           bool
	root            string
}

// prints tells whether the result is for the terminal only.
func (o *options) prints() bool { return o.quick || o.only != "" }

func (o *options) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	root, err := filepath.Abs(o.root)
	if err != nil {
		return err
	}
	o.root = root
	b := &bench{options: *o, dir: dir, cells: make(map[key][]sample)}
	if o.peers {
		servers = besidePeers()
	}
	if err := b.build(ctx); err != nil {
		return err
	}
	switch {
	case o.stress:
		return b.stress(ctx)
	case o.million:
		return b.many(ctx)
	}
	defer b.spin(ctx)()
	start := time.Now()
	if err := b.measure(ctx); err != nil {
		return err
	}
	if o.peers {
		fmt.Print(b.comparison())
		return nil
	}
	if err := b.onBoth(ctx); err != nil {
		return err
	}
	if o.prints() {
		fmt.Print(b.table() + "\n" + b.cores())
		return nil
	}
	if err := b.grow(ctx); err != nil {
		return err
	}
	b.took = time.Since(start)
	docs := filepath.Join(o.root, "docs")
	if err := b.plots(filepath.Join(docs, "benchmarks")); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(docs, "benchmarks.md"), []byte(b.report(ctx)), 0o644); err != nil {
		return err
	}
	return b.readme(filepath.Join(o.root, "README.md"))
}

// wants tells whether a scenario is among those asked for.
func (o *options) wants(name string) bool {
	if o.only == "" {
		return true
	}
	for word := range strings.SplitSeq(o.only, ",") {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

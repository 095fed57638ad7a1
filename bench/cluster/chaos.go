package main

import (
	"cmp"
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

// chaosRow adds up the runs of a wire.
type chaosRow struct {
	account
	runs   int
	seeds  []string
	faults []strike
	asked  int64
	peak   int
}

// chaos plays the runs of make chaos, several at a time. Nothing in a run depends on another one.
func (b *bench) chaos(ctx context.Context) error {
	b.rounds = cmp.Or(b.rounds, 10)
	first := b.seed
	if b.seed > 0 {
		b.rounds = 1
	} else {
		first = 1 + rand.Uint64N(1_000_000)
	}
	if err := b.buildChaos(ctx); err != nil {
		return err
	}
	began, rows := time.Now(), make(map[string]*chaosRow)
	var all sync.WaitGroup
	var mu sync.Mutex // guards what follows
	var errs []error
	places := make(chan struct{}, b.parallel)
	for round := range b.rounds {
		for _, w := range chaosWires {
			if !b.wantsWire(w.name) {
				continue
			}
			places <- struct{}{}
			all.Go(func() {
				defer func() { <-places }()
				if ctx.Err() != nil {
					return
				}
				t := &trial{bench: b, wire: w, seed: first + uint64(round)}
				a, err := t.play(ctx)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					errs = append(errs, fmt.Errorf("%s, seed %d: %w", w.name, t.seed, err))
					return
				}
				if rows[w.name] == nil {
					rows[w.name] = &chaosRow{}
				}
				rows[w.name].add(t, a)
			})
		}
	}
	all.Wait()
	b.took = time.Since(began)
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return err
	}
	if b.seed > 0 {
		b.only = "seed" // prints only
	}
	if err := b.write("chaos.md", b.chaosReport(ctx, rows)); err != nil {
		return err
	}
	for _, r := range rows {
		if n := len(r.breaches); n > 0 {
			errs = append(errs, fmt.Errorf("%d violations", n))
		}
	}
	return errors.Join(errs...)
}

func (b *bench) buildChaos(ctx context.Context) error {
	if len(chaosWires) == 0 {
		return errors.New("it needs Linux")
	}
	flags := ""
	if b.race {
		flags = "-race"
	}
	return errors.Join(
		b.goBuild(ctx, "bench", "ours", "./cluster/ours", "GOFLAGS="+flags),
		b.goBuild(ctx, "bench", "nats-server", "github.com/nats-io/nats-server/v2"),
	)
}

// play plays a run and prints what became of it. The folder of one that broke a promise stays.
func (t *trial) play(ctx context.Context) (a *account, err error) {
	if t.dir, err = os.MkdirTemp("", "chaos-"+t.wire.name+"-"); err != nil {
		return nil, err
	}
	a, err = t.run(ctx)
	text := strings.Join(t.log, "\n") + "\n"
	switch {
	case err == nil && len(a.breaches) == 0:
		fmt.Fprintf(os.Stderr, "%s, seed %d: %v\n", t.wire.name, t.seed, a)
		return a, os.RemoveAll(t.dir)
	case err == nil:
		text += fmt.Sprintf("%v\n%s\n", a, strings.Join(a.breaches, "\n"))
		some := a.breaches[:min(3, len(a.breaches))]
		fmt.Fprintf(os.Stderr, "%s, seed %d: %v\n%s\n", t.wire.name, t.seed, a, strings.Join(some, "\n"))
	}
	fmt.Fprintf(os.Stderr, "the schedule, all violations and the logs are in %s; "+
		"again: go run ./cluster -root .. -chaos -wires %s -seed %d\n", t.dir, t.wire.name, t.seed)
	return a, errors.Join(err, os.WriteFile(filepath.Join(t.dir, "run.txt"), []byte(text), 0o600))
}

func (a *account) String() string {
	return fmt.Sprintf("%d published, %d delivered; missing: %d refused, %d failed, %d with their publisher, %d in gaps, "+
		"%d at the end of a session; %d sessions, %d times recovered; %d violations",
		a.published, a.delivered, a.refused, a.failed, a.buried, a.inGaps, a.missingAtEnd, a.sessions, a.recovered,
		len(a.breaches))
}

func (r *chaosRow) add(t *trial, a *account) {
	r.runs++
	r.seeds = append(r.seeds, fmt.Sprint(t.seed))
	r.faults = append(r.faults, t.strikes...)
	r.asked += t.requests.Load()
	r.peak = max(r.peak, t.peak)
	r.published += a.published
	r.delivered += a.delivered
	r.refused += a.refused
	r.failed += a.failed
	r.buried += a.buried
	r.inGaps += a.inGaps
	r.missingAtEnd += a.missingAtEnd
	r.sessions += a.sessions
	r.recovered += a.recovered
	r.breaches = append(r.breaches, a.breaches...)
}

// chaosReport is docs/evidence/chaos.md.
func (b *bench) chaosReport(ctx context.Context, rows map[string]*chaosRow) string {
	var t strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&t, format+"\n", args...) }
	say("# Chaos\n\n%s", b.madeBy("chaos"))
	say("In a run %d nodes emit an event each %d ms to namespaces and rooms with %d clients. For %.0f s nodes,\n"+
		"their links to the broker, the broker and the links of clients fail, as the seed says; in every\n"+
		"fourth run for longer. Then everything is repaired and each event accounted for at each client. The\n"+
		"rule is in [chaoscheck.go](../../bench/cluster/chaoscheck.go). Faults are those of the plans; one is\n"+
		"left out where another is under way.\n", chaosNodes, chaosEvery, chaosClients, chaosTime.Seconds())
	say("- **missing, named**: what a client did not get while it was connected, by its name: Emit returned an\n" +
		"  error (refused), the publisher counted it (failed), the publisher was killed with it in its queue\n" +
		"  (killed), or the client's server reported a gap (gap).\n" +
		"- **sessions**: those that began anew, and how often one was recovered.\n" +
		"- **requests**: FetchSockets and acknowledgements of all servers, which ended in time.\n" +
		"- **MiB**: the largest memory of a node, with the race detector if it was on.\n")
	say("| adapter | runs | violations | events | deliveries | refused | failed | killed | gap | sessions | recovered |" +
		" requests | MiB |")
	say(strings.Repeat("| --- ", 13) + "|")
	for _, w := range chaosWires {
		if r := rows[w.name]; r != nil {
			say(strings.Repeat("| %v ", 13)+"|", w.name, r.runs, len(r.breaches), r.published, r.delivered, r.refused, r.failed,
				r.buried, r.inGaps, r.sessions, r.recovered, r.asked, r.peak)
		}
	}
	say("")
	for _, w := range chaosWires {
		if r := rows[w.name]; r != nil {
			slices.Sort(r.seeds)
			say("- %s: seeds %s; %s", w.name, strings.Join(r.seeds, ", "), countFaults(r.faults))
		}
	}
	say("\n## The machine\n\n%s", machine(ctx))
	return t.String()
}

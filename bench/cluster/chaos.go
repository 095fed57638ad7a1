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
	began := time.Now()
	var all sync.WaitGroup
	var trials []*trial
	places := make(chan struct{}, b.parallel)
	for round := range b.rounds {
		for _, w := range chaosWires {
			if !b.wantsWire(w.name) || ctx.Err() != nil {
				continue
			}
			t := &trial{bench: b, wire: w, seed: first + uint64(round)}
			trials = append(trials, t)
			places <- struct{}{}
			all.Go(func() {
				t.play(ctx)
				<-places
			})
		}
	}
	all.Wait()
	b.took = time.Since(began)
	err := ctx.Err()
	for _, t := range trials {
		err = errors.Join(err, t.err)
	}
	if err != nil {
		return err
	}
	if b.seed > 0 {
		b.only = "seed" // prints only
	}
	if err := b.write("chaos.md", b.chaosReport(ctx, trials)); err != nil {
		return err
	}
	if n := len(sum(trials).breaches); n > 0 {
		return fmt.Errorf("%d violations", n)
	}
	return nil
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
func (t *trial) play(ctx context.Context) {
	if t.dir, t.err = os.MkdirTemp("", "chaos-"+t.wire.name+"-"); t.err != nil {
		return
	}
	t.account, t.err = t.run(ctx)
	name := fmt.Sprintf("%s, seed %d", t.wire.name, t.seed)
	text := strings.Join(t.log, "\n") + "\n"
	if t.err != nil {
		t.err = fmt.Errorf("%s: %w", name, t.err)
	} else {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, t.account)
		t.clients, t.publishers = nil, nil // they are large
		if len(t.account.breaches) == 0 {
			t.err = os.RemoveAll(t.dir)
			return
		}
		text += fmt.Sprintf("%v\n%s\n", t.account, strings.Join(t.account.breaches, "\n"))
		fmt.Fprintln(os.Stderr, strings.Join(t.account.breaches[:min(3, len(t.account.breaches))], "\n"))
	}
	fmt.Fprintf(os.Stderr, "the schedule, all violations and the logs are in %s; "+
		"again: go run ./cluster -root .. -chaos -wires %s -seed %d\n", t.dir, t.wire.name, t.seed)
	t.err = errors.Join(t.err, os.WriteFile(filepath.Join(t.dir, "run.txt"), []byte(text), 0o600))
}

func (a *account) String() string {
	return fmt.Sprintf("%d published, %d delivered; missing: %d refused, %d failed, %d with their publisher, %d in gaps, "+
		"%d at the end of a session; %d sessions, %d times recovered; %d violations",
		a.published, a.delivered, a.refused, a.failed, a.buried, a.inGaps, a.missingAtEnd, a.sessions, a.recovered,
		len(a.breaches))
}

// sum adds up what became of the events of runs.
func sum(trials []*trial) (all account) {
	for _, t := range trials {
		a := t.account
		all.published += a.published
		all.delivered += a.delivered
		all.refused += a.refused
		all.failed += a.failed
		all.buried += a.buried
		all.inGaps += a.inGaps
		all.sessions += a.sessions
		all.recovered += a.recovered
		all.breaches = append(all.breaches, a.breaches...)
	}
	return all
}

// chaosReport is docs/evidence/chaos.md.
func (b *bench) chaosReport(ctx context.Context, trials []*trial) string {
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
	var seeds []string
	for _, w := range chaosWires {
		runs := slices.DeleteFunc(slices.Clone(trials), func(t *trial) bool { return t.wire.name != w.name })
		if len(runs) == 0 {
			continue
		}
		var asked int64
		var peak int
		var of []string
		var faults []strike
		for _, t := range runs {
			asked, peak = asked+t.requests.Load(), max(peak, t.peak)
			of, faults = append(of, fmt.Sprint(t.seed)), append(faults, t.strikes...)
		}
		a := sum(runs)
		say(strings.Repeat("| %v ", 13)+"|", w.name, len(runs), len(a.breaches), a.published, a.delivered, a.refused, a.failed,
			a.buried, a.inGaps, a.sessions, a.recovered, asked, peak)
		seeds = append(seeds, fmt.Sprintf("- %s: seeds %s; %s", w.name, strings.Join(of, ", "), countFaults(faults)))
	}
	say("\n%s", strings.Join(seeds, "\n"))
	say("\n## The machine\n\n%s", machine(ctx))
	return t.String()
}

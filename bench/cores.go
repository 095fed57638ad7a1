package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
)

// scaled are the scenarios that are measured on both cores too, and scaledServers who is.
var (
	scaled        = []string{"echo 32 B, 1 outstanding", "echo 32 B, 16 outstanding", "echo 1 KiB, 16 outstanding", "broadcast to 1,000", "100 rooms of 10"}
	scaledServers = []string{"ours", "raw"}
)

// onBoth measures what an operation costs a server that may use both cores. The load generator takes its share of them.
func (b *bench) onBoth(ctx context.Context) error {
	b.both = make(map[key][]sample)
	for range b.rounds {
		for _, s := range scenarios {
			for _, name := range scaledServers {
				if !slices.Contains(scaled, s.name) || !b.wants(s.name) {
					continue
				}
				p, err := b.launchFree(ctx, serverNamed(name))
				if err != nil {
					return err
				}
				got, err := b.load(ctx, p, s.args, func(line []string) []string { return line })
				p.stop()
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					fmt.Fprintf(os.Stderr, "%s, both cores, %s: %v\n", s.name, name, err)
					continue
				}
				fmt.Fprintf(os.Stderr, "%s, both cores, %s: %.2f, %.0f %% of a core\n", s.name, name, got.cost, got.busy)
				b.both[key{s.name, name}] = append(b.both[key{s.name, name}], got)
			}
		}
	}
	return nil
}

// scaling compares the throughput of a server on two cores with that on one, computed from the CPU
// times per operation. It does not include time that the server waits; share, the CPU that the server
// used of the two cores, shows that.
func (b *bench) scaling(s scenario, server string) (times, one, two, share float64) {
	one, _, _ = median(b.cells[key{s.name, server}], cost)
	two, _, _ = median(b.both[key{s.name, server}], cost)
	share, _, _ = median(b.both[key{s.name, server}], busy)
	if two == 0 {
		return 0, one, two, share
	}
	return 2 * one / two, one, two, share
}

// cores is the part of docs/benchmarks.md about both cores.
func (b *bench) cores() string {
	var t strings.Builder
	t.WriteString("## Does it scale to two cores?\n\n" +
		"Server and load generator share both cores; neither is pinned. Scaling compares the CPU times per" +
		"\noperation: 2 × one core / both cores. Goal for ours: 1.70. CPU share is what the server used of the" +
		"\ntwo cores (200 %); the load generator used the rest, or it was idle.\n\n" +
		"| scenario | server | one core | both cores | scaling | CPU share |\n| --- | --- | ---: | ---: | ---: | ---: |\n")
	for _, s := range scenarios {
		for _, name := range scaledServers {
			times, one, two, share := b.scaling(s, name)
			if times == 0 {
				continue
			}
			text := fmt.Sprintf("%.2f ×", times)
			if name == "ours" && times >= 1.7 {
				text = "**" + text + "**"
			}
			fmt.Fprintf(&t, "| %s | %s | %s µs | %s µs | %s | %.0f %% |\n", s.name, serverNamed(name).title, figure(one), figure(two), text, share)
		}
	}
	return t.String()
}

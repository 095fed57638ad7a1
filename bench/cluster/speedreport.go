package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// goals are the ratios of CPU time to reach, by the server compared with.
var goals = map[string]float64{"node": 0.25, "peer": 0.5}

// speedReport is docs/evidence/cluster-bench.md.
func (b *bench) speedReport(ctx context.Context, results speeds, rates map[rateKey][]rate) string {
	var t strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&t, format+"\n", args...) }
	say("# Speed of a cluster\n\n%s", b.madeBy("bench-cluster"))
	say("## CPU for a message\n\nTwo nodes share one core, the broker has the other. S1 emits to a room, with at most %d\n"+
		"events on their way, so that the nodes keep their core busy. **Delivered**: the room's one member\n"+
		"is on S2. **Discarded**: nobody on S2 is in the room, but for each %d-th event. Cells: µs of CPU of\n"+
		"both nodes together for a message, by the scheduler's clock: the median of %d runs of %d messages,\n"+
		"interleaved in random order, and the lowest and highest. The ratios are of medians. Bold: the goal\n"+
		"is met (at most %.2f × the official server, %.1f × zishang520).\n",
		window, mark, b.rounds, measured, goals["node"], goals["peer"])
	say("| wire | message | ours | Node socket.io | zishang520 v3 | ours / Node | ours / zishang520 |")
	say("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
	for _, wire := range speedWires {
		for _, l := range loads {
			row := fmt.Sprintf("| %s | %s |", wire, l.name())
			for _, k := range kinds {
				row += " " + spread(results[cell{wire, k.name, l}]) + " |"
			}
			ours := median(results[cell{wire, "ours", l}])
			for _, k := range kinds[1:] {
				row += " " + ratio(ours, median(results[cell{wire, k.name, l}]), goals[k.name]) + " |"
			}
			say("%s", row)
		}
	}
	t.WriteString(brokerTable(results))
	if len(rates) > 0 {
		t.WriteString(rateTable(rates))
	}
	say("\n## The machine\n\n%s- zishang520: servers/socket/v3 v3.0.6, adapters/redis/v3 v3.0.2, go-redis v9.18.0",
		machine(ctx))
	if b.missing != "" {
		say("- left out, because it could not be built: zishang520: %s", cellText(b.missing))
	}
	return t.String()
}

// leastRate is the goal of the throughput, against that of a bare client.
const leastRate = 0.8

func rateTable(rates map[rateKey][]rate) string {
	var t strings.Builder
	fmt.Fprintf(&t, "\n## Throughput of one publisher\n\n"+
		"Messages a second that the broker has taken: through our server's Emit, and from a bare rueidis client\n"+
		"that sends the same commands, %d at a time, in the same process. %d messages each, in turns.\n"+
		"Nobody receives them but, with streams, the server itself. Medians. Bold: the goal is met (at\n"+
		"least %.1f).\n\n"+
		"| wire | message | Emit | bare client | ratio |\n| --- | --- | ---: | ---: | ---: |\n", 32, burst, leastRate)
	for _, wire := range speedWires {
		for _, size := range []int{32, 1024} {
			var emit, bare, ratios []float64
			for _, r := range rates[rateKey{wire, size}] {
				emit, bare, ratios = append(emit, r.emit), append(bare, r.bare), append(ratios, r.emit/r.bare)
			}
			if isNATS(wire) {
				fmt.Fprintf(&t, "| %s | %s | %.0f | – | – |\n", wire, sizeName(size), median(emit))
				continue
			}
			text := fmt.Sprintf("%.2f", median(ratios))
			if median(ratios) >= leastRate {
				text = "**" + text + "**"
			}
			fmt.Fprintf(&t, "| %s | %s | %.0f | %.0f | %s |\n", wire, sizeName(size), median(emit), median(bare), text)
		}
	}
	return t.String()
}

// brokerTable compares the brokers.
func brokerTable(results speeds) string {
	var t strings.Builder
	t.WriteString("\n## CPU of the broker for a message\n\nFrom the same runs, those of our servers. The ratio is that to Redis pub/sub. embedded has no broker: its\n" +
		"servers do that work, and it is in the table above.\n\n| wire | message | µs | ratio |\n| --- | --- | ---: | ---: |\n")
	for _, wire := range speedWires {
		for _, l := range loads {
			us := results[cell{wire, "broker", l}]
			if len(us) == 0 {
				continue
			}
			text := ratio(median(us), median(results[cell{"pubsub", "broker", l}]), 0)
			fmt.Fprintf(&t, "| %s | %s | %s | %s |\n", wire, l.name(), spread(us), text)
		}
	}
	return t.String()
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// spread is the median with the lowest and highest value.
func spread(values []float64) string {
	if len(values) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f <sub>%.1f–%.1f</sub>", median(values), slices.Min(values), slices.Max(values))
}

// ratio is a quotient, bold if it is at most the goal.
func ratio(a, b, goal float64) string {
	switch {
	case a == 0 || b == 0:
		return "–"
	case a/b <= goal:
		return fmt.Sprintf("**%.2f**", a/b)
	}
	return fmt.Sprintf("%.2f", a/b)
}

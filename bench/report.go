package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// table is the ratios, for a terminal or a page.
func (b *bench) table() string {
	var t strings.Builder
	t.WriteString("| scenario | ours | against the floor | against Node socket.io | against zishang520 v2.0.5 |\n| --- | ---: | ---: | ---: | ---: |\n")
	for _, s := range scenarios {
		mid, low, high := b.figure(s, s.ours())
		if mid == 0 {
			continue
		}
		text := figure(mid)
		if s.unit == "" {
			text += " µs"
		} else {
			text += " " + s.unit
		}
		switch g := s.goals["most"]; {
		case g == 0:
		case mid <= g:
			text = fmt.Sprintf("**%s** (goal %.0f)", text, g)
		default:
			text = fmt.Sprintf("%s (goal %.0f)", text, g)
		}
		if low < high {
			text += fmt.Sprintf(" <sub>%s–%s</sub>", figure(low), figure(high))
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s |\n", s.name, text, b.against(s, s.floors[0], "floor"), b.against(s, "node", "node"), b.against(s, "peer", "peer"))
	}
	return t.String()
}

// against writes a ratio and, where there is one, the goal for it.
func (b *bench) against(s scenario, to, goal string) string {
	r := b.ratio(s, s.ours(), to)
	if r == 0 {
		return "–"
	}
	text := fmt.Sprintf("%.2f ×", r)
	switch g := s.goals[goal]; {
	case g == 0:
	case r <= g:
		text = fmt.Sprintf("**%s** (goal %.2f)", text, g)
	default:
		text = fmt.Sprintf("%s (goal %.2f)", text, g)
	}
	return text
}

func figure(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// heading is the name with the unit.
func (s *scenario) heading() string {
	if s.unit == "" || strings.Contains(s.name, "%") {
		return s.name
	}
	return s.name + ", " + s.unit
}

// report is docs/benchmarks.md.
func (b *bench) report(ctx context.Context) string {
	var t strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&t, format+"\n", args...) }
	say("# Benchmarks\n\nMade by `make bench` on %s, in %.0f minutes. Do not edit: run it again.\n", time.Now().Format("2 January 2006"), b.took.Minutes())
	say("Each cell is the median of %d runs of %v, interleaved in random order, each with a fresh server process. The server is pinned to one core, the load generator"+
		"\n(`socketio bench`) to the other. What is compared is the server's CPU time for an operation, by the scheduler's clock; beside it the lowest and highest run. Ratios"+
		"\nare of medians from this one run: machines differ, and this one is shared, so a ratio moves by 10 to 20 %% from run to run. Bold: the goal is met.\n", b.rounds, b.window)
	say("The floors (`bench/floor`) move the same bytes with none of the semantics: a goroutine for each connection (for one message at a time and fan-out), an epoll loop on one thread"+
		"\n(for 16 messages at a time), net/http (for long-polling). An operation is a message that came back, a delivery, or a connection. Idle connections are 10,000,"+
		"\nmeasured in one run of 26 s, in which each answers a heartbeat.\n\n%s", b.table())
	say("![Server CPU of an operation](benchmarks/cost.svg)\n")
	say("## Every server\n\nServer CPU, µs an operation, where nothing else is said: median, lowest–highest.\n")
	header, rule := "| scenario |", "| --- |"
	for _, v := range servers {
		header, rule = header+" "+v.title+" |", rule+" ---: |"
	}
	say("%s\n%s", header, rule)
	for _, s := range scenarios {
		row := "| " + s.heading() + " |"
		for _, v := range servers {
			switch mid, low, high := b.figure(s, v.name); {
			case mid == 0 || s.subject != "" && v.name != s.subject:
				row += " – |"
			case low == high:
				row += fmt.Sprintf(" %s |", figure(mid))
			default:
				row += fmt.Sprintf(" %s <sub>%s–%s</sub> |", figure(mid), figure(low), figure(high))
			}
		}
		say("%s", row)
	}
	say("\n## Throughput and latency\n\nOperations a second, and from sending to the answer or delivery p50 / p99 in µs. With a fixed number of messages on their way this is mostly queueing.\n")
	say("%s\n%s", header, rule)
	for _, s := range scenarios {
		if s.idle || s.args == nil {
			continue
		}
		row := "| " + s.name + " |"
		for _, v := range servers {
			samples := b.cells[key{s.name, v.name}]
			rate, _, _ := median(samples, func(x sample) float64 { return x.rate })
			p50, _, _ := median(samples, func(x sample) float64 { return x.p50 })
			p99, _, _ := median(samples, func(x sample) float64 { return x.p99 })
			if rate == 0 {
				row += " – |"
				continue
			}
			row += fmt.Sprintf(" %s; %s / %s |", figure(rate), figure(p50), figure(p99))
		}
		say("%s", row)
	}
	say("\n%s", b.cores())
	say("## As the work grows\n\nOne run for each point.\n")
	for _, c := range b.curves {
		say("![%s](benchmarks/%s.svg)\n", c.title, c.name)
	}
	say("## The machine\n\n%s", b.machine(ctx))
	return t.String()
}

// machine says where this was measured, and with what.
func (b *bench) machine(ctx context.Context) string {
	lines := []string{fmt.Sprintf("- %s, %d cores, %s/%s, %s", cpuModel(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())}
	for _, c := range [][]string{{"uname", "-sr"}, {"node", "--version"}} {
		if out, err := exec.CommandContext(ctx, c[0], c[1:]...).Output(); err == nil {
			lines = append(lines, fmt.Sprintf("- `%s`: %s", strings.Join(c, " "), strings.TrimSpace(string(out))))
		}
	}
	lines = append(lines, "- Node: npm socket.io 4.8.4 with ws, its defaults (uWebSockets.js is not on npm); peer: github.com/zishang520/socket.io/v2 v2.0.5 with engine.io/v2 v2.0.6")
	for _, name := range b.missing {
		lines = append(lines, fmt.Sprintf("- left out, because it could not be built: %s", serverNamed(name).title))
	}
	if taskset == "" {
		lines = append(lines, "- NOT pinned: the command taskset is missing, or there is one core only")
	}
	return strings.Join(lines, "\n") + "\n"
}

func cpuModel() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if m := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(b); err == nil && m != nil {
		return string(m[1])
	}
	return "unknown processor"
}

// Between these the README's table stands.
const beginMark, endMark = "<!-- benchmarks: made by make bench -->", "<!-- benchmarks: end -->"

// inReadme are the scenarios of the README's table, which compares the servers that a program may choose from.
var inReadme = []string{"echo 32 B, 1 outstanding", "ack 32 B", "broadcast to 1,000", "long-polling echo 32 B", "connect, join, close", "memory of an idle connection"}

// short is the README's table.
func (b *bench) short() string {
	var t strings.Builder
	t.WriteString("| | this server | Node socket.io | zishang520 v2.0.5 (Go) |\n| --- | ---: | ---: | ---: |\n")
	for _, s := range scenarios {
		if !slices.Contains(inReadme, s.name) {
			continue
		}
		unit := " µs"
		if s.unit != "" {
			unit = " " + s.unit
		}
		fmt.Fprintf(&t, "| %s |", s.name)
		for _, server := range []string{s.ours(), "node", "peer"} {
			if mid, _, _ := b.figure(s, server); mid == 0 {
				t.WriteString(" – |")
			} else {
				fmt.Fprintf(&t, " %s%s |", figure(mid), unit)
			}
		}
		t.WriteString("\n")
	}
	return t.String()
}

// readme puts the short table into the README.
func (b *bench) readme(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), beginMark)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the table: the lines %q and %q", path, beginMark, endMark)
	}
	return os.WriteFile(path, []byte(before+beginMark+"\n"+b.short()+endMark+after), 0o644)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// String is an outcome in one line.
func (o *outcome) String() string {
	if o.err != nil {
		return o.err.Error()
	}
	return fmt.Sprintf("%d sent; on S2 %v, on S1 %v; named %v, longest emit %.0f µs, %d queued, found %d",
		o.sent, o.remote, o.local, o.named, o.longest, o.queued, o.after)
}

// Limits of what our servers promise.
const (
	longestEmit    = 250_000 // µs, besides what a busy machine takes: much less than any fault lasts
	longestRequest = 6_000   // ms: the request's own timeout is 5 s
)

// breaches are the promises that our server broke in a run.
func (g *group) breaches(f fault) (all []string) {
	say := func(yes bool, format string, args ...any) {
		if yes {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	if g.err != nil {
		return []string{g.err.Error()}
	}
	say(g.remote.doubled > 0, "%d doubled", g.remote.doubled)
	say(g.remote.disorder > 0, "%d out of order", g.remote.disorder)
	say(g.remote.lost > 0 && g.wire == "streams", "%d lost", g.remote.lost)
	say(g.remote.lost > 0 && !g.named, "%d lost without a word", g.remote.lost)
	here := g.local
	say(here.lost+here.doubled+here.disorder > 0, "on the node itself %v", here)
	say(g.longest > longestEmit+g.stall, "an emit took %.0f µs", g.longest)
	say(g.after != g.want, "afterwards fetchSockets found %d of %d", g.after, g.want)
	say(f.third && g.remote.lost > 0, "%d lost between nodes that live", g.remote.lost)
	if f.answers > 0 {
		for _, a := range []answer{g.fetch, g.ask} {
			say(a.Result != f.answers || f.names && a.Error == "" || a.TookMs > longestRequest,
				"a request under way: %d answers in %.0f ms, error %q", a.Result, a.TookMs, a.Error)
		}
	}
	return all
}

// broken is the error that names the promises that our servers broke.
func broken(results map[string][]*group) error {
	var errs []error
	for _, f := range faults {
		for _, g := range results[f.name] {
			if g.kind != "ours" {
				continue
			}
			for _, text := range g.breaches(f) {
				errs = append(errs, fmt.Errorf("%s: %s: %s", f.name, g.wire, text))
			}
		}
	}
	return errors.Join(errs...)
}

// faultReport is docs/evidence/cluster-faults.md.
func (b *bench) faultReport(ctx context.Context, results map[string][]*group) string {
	var t strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&t, format+"\n", args...) }
	say("# Faults in a cluster\n\n%s", b.madeBy("cluster-faults"))
	say("S1 emits a numbered event each 5 ms to a room that has one client on S1 and one on S2. All servers\n" +
		"and wires of a run share one Redis, so that the same fault meets them all. Each cell has the values\n" +
		"of the runs.\n")
	say("- **lost**, **twice**, **disorder**: events that did not arrive at the client on S2, arrived again,\n" +
		"  or after a later one.\n" +
		"- **named**: when events were lost, a hook and the log said so. \"–\": nothing was lost.\n" +
		"- **on S1**: events lost at the client of S1 itself.\n" +
		"- **longest emit**: of all calls on S1, in ms.\n" +
		"- **queued**: what waited on S1 for Redis at the worst moment: bytes in our server, commands in\n" +
		"  ioredis.\n" +
		"- **silence**: the longest time that the client on S2 received nothing, in s.\n" +
		"- **found**: sockets that fetchSockets on S1 finds at the end; 2 are connected.\n")
	say("| fault | wire | server | lost | twice | disorder | named | on S1 | longest emit | queued | silence | found |")
	say("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, f := range faults {
		for _, wire := range f.wires {
			for _, k := range kinds {
				groups := selected(results[f.name], wire, k.name)
				if len(groups) == 0 {
					continue
				}
				say(strings.Repeat("| %s ", 12)+"|", f.name, wire, k.title,
					join(groups, func(o *outcome) any { return o.remote.lost }),
					join(groups, func(o *outcome) any { return o.remote.doubled }),
					join(groups, func(o *outcome) any { return o.remote.disorder }),
					join(groups, (*outcome).naming),
					join(groups, func(o *outcome) any { return o.local.lost }),
					join(groups, func(o *outcome) any { return fmt.Sprintf("%.1f", o.longest/1000) }),
					join(groups, func(o *outcome) any { return o.queued }),
					join(groups, func(o *outcome) any { return fmt.Sprintf("%.1f", o.remote.silence.Seconds()) }),
					join(groups, func(o *outcome) any { return o.after }))
			}
		}
	}
	t.WriteString(requestTable(results))
	say("\n## The machine\n\n%s", machine(ctx))
	return t.String()
}

// requestTable is what became of the requests under way.
func requestTable(results map[string][]*group) string {
	var t strings.Builder
	for _, f := range faults {
		for _, wire := range f.wires {
			for _, k := range kinds {
				groups := selected(results[f.name], wire, k.name)
				if f.answers == 0 || len(groups) == 0 {
					continue
				}
				answers := func(of func(o *outcome) answer) string {
					return join(groups, func(o *outcome) any {
						return fmt.Sprintf("%d in %.1f", of(o).Result, of(o).TookMs/1000)
					})
				}
				fmt.Fprintf(&t, "| %s | %s | %s | %s | %s | %s | %s |\n", f.name, wire, k.title,
					answers(func(o *outcome) answer { return o.fetch }), cellText(groups[0].fetch.Error),
					answers(func(o *outcome) answer { return o.ask }), cellText(groups[0].ask.Error))
			}
		}
	}
	if t.Len() == 0 {
		return ""
	}
	return "\n## Requests under way\n\n" +
		"S1 has asked all servers for their sockets, and their clients for an acknowledgement within 5 s.\n" +
		"Then S3, which has not answered, gets SIGKILL: its sockets are gone, and 2 remain. Or S2 is\n" +
		"stopped: its client cannot answer, and S1 has its own one.\n\n" +
		"| fault | wire | server | fetchSockets: sockets, s | its error | acknowledgements, s | their error |\n" +
		"| --- | --- | --- | --- | --- | --- | --- |\n" + t.String()
}

// naming tells whether the loss of events was named.
func (o *outcome) naming() any {
	switch {
	case o.remote.lost == 0:
		return "–"
	case o.named:
		return "yes"
	}
	return "**no**"
}

func selected(groups []*group, wire, kind string) (all []*outcome) {
	for _, g := range groups {
		if g.wire == wire && g.kind == kind {
			all = append(all, &g.outcome)
		}
	}
	return all
}

// join lists a value of all runs, once if it is always the same.
func join(runs []*outcome, of func(o *outcome) any) string {
	var all []string
	same := true
	for _, o := range runs {
		text := "failed"
		if o.err == nil {
			text = fmt.Sprint(of(o))
		}
		same = same && (len(all) == 0 || text == all[0])
		all = append(all, text)
	}
	if same {
		return all[0]
	}
	return strings.Join(all, ", ")
}

// cellText is text that may stand in a table.
func cellText(text string) string {
	if text == "" {
		return "–"
	}
	return strings.NewReplacer("|", "/", "\n", " ").Replace(text)
}

// madeBy says which target makes a page.
func (b *bench) madeBy(target string) string {
	return fmt.Sprintf("Made by `make %s` on %s, in %.0f minutes. Do not edit: run it again.\n",
		target, time.Now().Format("2 January 2006"), b.took.Minutes())
}

func machine(ctx context.Context) string {
	lines := fmt.Sprintf("- %d cores, %s/%s, %s\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	for _, c := range [][]string{{"node", "--version"}, {"redis-server", "--version"}} {
		out, err := exec.CommandContext(ctx, c[0], c[1:]...).Output()
		if err == nil {
			lines += fmt.Sprintf("- `%s`: %s\n", strings.Join(c, " "), strings.TrimSpace(string(out)))
		}
	}
	return lines + "- npm: socket.io 4.8.4, @socket.io/redis-adapter 8.3.0, @socket.io/redis-streams-adapter 0.3.1,\n" +
		"  ioredis 6.0.0\n"
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// trial is a run under stress, whose outcome is told in the load generator's own words.
type trial struct {
	name   string
	title  string
	server string
	extra  []string // of the server
	args   []string // of `socketio bench`
	own    bool     // the load generator starts the server itself, to end it and start it again
	limit  time.Duration
}

// trials are what outsiders measure servers by: readers that stall, links that drop, everybody who comes back at once.
var trials = slices.Concat(
	[]trial{stalled, stalled, stalled},
	on([]string{"ours", "node"}, trial{name: "jitter", title: "10,000 clients whose links drop", extra: []string{"--recovery"},
		args: []string{"jitter", "-conns", "10000", "-rate", "1", "-between", "20s", "-down", "10s", "-duration", "60s"}, limit: 4 * time.Minute}),
	on([]string{"ours", "node"}, avalanche(5000)),
	on([]string{"ours", "node"}, avalanche(10_000)),
	on([]string{"ours", "node"}, avalanche(19_000)),
	[]trial{admitting(avalanche(19_000))},
)

// stalled is run several times: how its two latencies compare differs from run to run.
var stalled = trial{name: "stalled", title: "10 of 1,010 members of a room never read", server: "ours",
	args: []string{"stalled", "-conns", "1000", "-stalled", "10", "-rate", "20", "-size", "16384", "-duration", "30s"}, limit: 4 * time.Minute}

func avalanche(n int) trial {
	return trial{name: "avalanche", title: fmt.Sprintf("%d clients lose the server and come back", n), own: true,
		args: []string{"avalanche", "-conns", fmt.Sprint(n), "-duration", "120s"}, limit: 5 * time.Minute}
}

// admitting has ours take 2,000 new sessions in a second, and turn the others away for a while.
func admitting(t trial) trial {
	t.server, t.title, t.extra = "ours", t.title+", 2,000 a second let in", []string{"-admission", "2000"}
	return t
}

// on has servers go through the same.
func on(servers []string, t trial) (list []trial) {
	for _, name := range servers {
		t.server = name
		list = append(list, t)
	}
	return list
}

// stress runs the trials and writes docs/evidence/stress.md.
func (b *bench) stress(ctx context.Context) error {
	var page strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&page, format+"\n", args...) }
	say("# Under stress\n\nMade by `make bench-stress` on %s. Do not edit: run it again. Server and load generator (`socketio bench`) share the machine's cores; each trial"+
		"\nhas a fresh server process, and is told in the load generator's words.\n", time.Now().Format("2 January 2006"))
	last, ran := "", 0
	for _, t := range trials {
		if !b.wants(t.name + " " + t.title + " " + t.server) {
			continue
		}
		if t.title != last {
			say("## %s\n", t.title)
			last = t.title
		}
		fmt.Fprintf(os.Stderr, "%s, %s\n", t.title, serverNamed(t.server).title)
		out, err := b.try(ctx, t)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		ran++
		say("%s: `socketio bench %s`\n\n```\n%s```\n", serverNamed(t.server).title, strings.Join(t.args, " "), out)
		if err != nil {
			say("It ended with: %v\n", err)
		}
	}
	if ran == 0 {
		return fmt.Errorf("no trial is called anything like %q", b.only)
	}
	say("## The machine\n\n%s", b.machine(ctx))
	if b.only != "" {
		fmt.Print(page.String())
		return nil
	}
	return os.WriteFile(filepath.Join(b.root, "docs", "evidence", "stress.md"), []byte(page.String()), 0o644)
}

// try runs a trial and returns what the load generator printed.
func (b *bench) try(ctx context.Context, t trial) (out string, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	line := append([]string{b.binary("socketio"), "bench"}, t.args...)
	line = append(line, "-quiet")
	if t.own {
		addr, err := freeAddress()
		if err != nil {
			return "", err
		}
		command := append(serverNamed(t.server).start(b, addr), t.extra...)
		line = append(line, "-url", "http://"+addr+"/socket.io/", "-server", strings.Join(command, " "))
	} else {
		p, err := b.launchFree(ctx, serverNamed(t.server), t.extra...)
		if err != nil {
			return "", err
		}
		defer p.stop()
		line = append(line, "-url", "http://"+p.addr+"/socket.io/", "-pid", fmt.Sprint(p.cmd.Process.Pid))
	}
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	// A chance to end the server that it has started.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return anonymous(stdout.String()), errors.New(lines[len(lines)-1])
	}
	return anonymous(stdout.String()), nil
}

// anonymous leaves out the port, which is another one each time.
func anonymous(out string) string {
	first, rest, _ := strings.Cut(out, "\n")
	if name, _, ok := strings.Cut(first, " to http"); ok {
		first = name
	}
	return first + "\n" + rest
}

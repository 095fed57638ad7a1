package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// rate is one comparison: messages a second through our server's Emit, and of a bare client that sends
// the same commands, 32 at a time.
type rate struct{ emit, bare float64 }

// rateKey is what was compared.
type rateKey struct {
	wire string
	size int
}

const (
	burst = 20_000 // messages of a measurement
	pairs = 5      // of measurements in a round, one after the other
)

// rateRuns measures the throughput of one publisher with each wire in every round.
func (b *bench) rateRuns(ctx context.Context) (map[rateKey][]rate, error) {
	results := make(map[rateKey][]rate)
	for range b.rounds {
		for _, wire := range speedWires {
			for _, size := range []int{32, 1024} {
				k := rateKey{wire, size}
				if !b.wantsWire(wire) || !b.wants(k.name()) {
					continue
				}
				got, err := b.rateRun(ctx, k)
				if err != nil {
					return nil, fmt.Errorf("throughput, %s: %w", wire, err)
				}
				fmt.Fprintf(os.Stderr, "%s, %s: %.0f\n", wire, k.name(), got)
				results[k] = append(results[k], got...)
			}
		}
	}
	return results, nil
}

func (k rateKey) name() string { return "throughput, " + sizeName(k.size) }

func (b *bench) rateRun(ctx context.Context, k rateKey) (all []rate, err error) {
	r, err := b.startBroker(k.wire)
	if err != nil {
		return nil, err
	}
	defer r.stop()
	if r.pid != "" {
		pin(ctx, 1, r.pid)
	}
	n, err := startNode(ctx, "ours "+k.wire+" S1", r.line("ours", 0), "GOMAXPROCS=1")
	if err != nil {
		return nil, err
	}
	defer n.stop()
	pin(ctx, 0, strconv.Itoa(n.cmd.Process.Pid))
	emit := command{Do: "emit", Room: "nobody", Batch: 32, Count: 1, Size: k.size}
	var line [][]byte // what a bare client of Redis sends
	if r.redis != nil {
		line, err = r.redis.watch(ctx, func() error {
			_, err := n.do(ctx, emit)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	emit.Count = burst
	for i := range pairs + 1 { // the first warms up
		var sum rate
		for _, part := range []struct {
			command
			rate *float64
		}{{emit, &sum.emit}, {command{Do: "bare", Count: burst, Line: line}, &sum.bare}} {
			if part.Do == "bare" && line == nil {
				continue
			}
			a, err := n.await(ctx, n.send(part.command), time.Minute)
			if err != nil {
				return nil, err
			}
			*part.rate = burst / a.TookMs * 1000
		}
		if i > 0 {
			all = append(all, sum)
		}
	}
	return all, nil
}

// watch returns the command that publishes the event for the room "nobody" that emit emits.
func (r *redis) watch(ctx context.Context, emit func() error) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, port, _ := strings.Cut(r.master.Addr(), ":")
	cmd := exec.CommandContext(ctx, "redis-cli", "-p", port, "MONITOR")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		cancel()
		_ = cmd.Wait() // killed
	}()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() { // "OK"
		return nil, errors.New("redis-cli MONITOR ended")
	}
	if err := emit(); err != nil {
		return nil, err
	}
	for lines.Scan() {
		if line, err := monitored(lines.Text()); err == nil {
			return line, nil
		}
	}
	return nil, errors.New("the event's command was not seen")
}

// monitored reads a line of MONITOR that publishes something for the room "nobody":
//
//	1339518083.107412 [0 127.0.0.1:60866] "PUBLISH" "channel" "\x93\xa1…"
func monitored(line string) (command [][]byte, err error) {
	_, rest, _ := strings.Cut(line, `] "`)
	if verb, _, _ := strings.Cut(rest, `"`); verb != "PUBLISH" && verb != "SPUBLISH" && verb != "XADD" ||
		!strings.Contains(rest, "nobody") {
		return nil, errors.New("another command")
	}
	for rest = `"` + rest; rest != ""; rest = strings.TrimPrefix(rest, " ") {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return nil, err
		}
		part, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, err
		}
		command, rest = append(command, []byte(part)), rest[len(quoted):]
	}
	return command, nil
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// key is a cell of the table.
type key struct{ scenario, server string }

// sample is one run of a cell.
type sample struct {
	cost   float64 // CPU µs an operation
	memory float64 // bytes a connection
	busy   float64 // % of a core
	rate   float64 // operations a second
	p50    float64 // µs
	p99    float64
}

// bench is all that is measured.
type bench struct {
	options
	dir    string
	cells  map[key][]sample
	both   map[key][]sample // of servers that may use both cores
	curves []curve
	// missing are the servers that could not be built.
	missing []string
	took    time.Duration
}

func (b *bench) binary(name string) string { return filepath.Join(b.dir, name) }

// measure runs every cell in every round, in random order. A cell that fails is told and left out.
func (b *bench) measure(ctx context.Context) error {
	type cell struct {
		scenario
		server
	}
	for round := range b.rounds {
		var cells []cell
		for _, s := range scenarios {
			for _, v := range servers {
				if s.has(v) && b.wants(s.name) && (round == 0 || !s.idle) && !slices.Contains(b.missing, v.name) {
					cells = append(cells, cell{s, v})
				}
			}
		}
		if len(cells) == 0 {
			return fmt.Errorf("no scenario is called anything like %q", b.only)
		}
		rand.Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
		for i, c := range cells {
			got, err := b.one(ctx, c.server, c.scenario)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				fmt.Fprintf(os.Stderr, "round %d, %d of %d: %s, %s: %v\n", round+1, i+1, len(cells), c.scenario.name, c.title, err)
				continue
			}
			fmt.Fprintf(os.Stderr, "round %d, %d of %d: %s, %s: %.2f\n", round+1, i+1, len(cells), c.scenario.name, c.title, c.of(got))
			k := key{c.scenario.name, c.server.name}
			b.cells[k] = append(b.cells[k], got)
		}
	}
	return nil
}

// result is what we read of the load generator's JSON.
type result struct {
	OpsPerSec float64                    `json:"ops_per_s"`
	LatencyUs struct{ P50, P99 float64 } `json:"latency_us"`
	Server    struct {
		CPU  float64 `json:"cpu_us_per_op"`
		Busy float64 `json:"cpu_pct"`
		RSS  float64 `json:"rss_per_conn"`
	} `json:"server"`
}

// one starts a server on one core, loads it from the other, and ends it.
func (b *bench) one(ctx context.Context, v server, s scenario) (sample, error) {
	p, err := b.launch(ctx, v, s.secure)
	if err != nil {
		return sample{}, err
	}
	defer p.stop()
	return b.load(ctx, p, s.args, func(line []string) []string { return pinned(1, line) })
}

// load loads a server. place says where the load generator runs.
func (b *bench) load(ctx context.Context, p *process, args []string, place func(line []string) []string) (sample, error) {
	window := b.window
	line := []string{b.binary("socketio"), "bench", args[0], "-json", "-quiet", "-warmup", "500ms", "-duration", window.String(),
		"-pid", fmt.Sprint(p.cmd.Process.Pid), "-url", p.url()}
	if p.secure {
		line = append(line, "-insecure")
	}
	line = place(append(line, args[1:]...)) // perhaps with another duration, the last one counts
	limit, cancel := context.WithTimeout(ctx, window+time.Minute)
	defer cancel()
	cmd := exec.CommandContext(limit, line[0], line[1:]...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=400")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return sample{}, errors.New(strings.TrimSpace(err.Error() + ": " + errs.String() + firstError(out.Bytes())))
	}
	var r result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return sample{}, err
	}
	return sample{cost: r.Server.CPU, memory: r.Server.RSS, busy: r.Server.Busy, rate: r.OpsPerSec, p50: r.LatencyUs.P50, p99: r.LatencyUs.P99}, nil
}

func firstError(out []byte) string {
	var r struct {
		FirstError string `json:"first_error"`
	}
	_ = json.Unmarshal(out, &r) // there may be no result
	return r.FirstError
}

// median, and the lowest and highest, of what of says of the samples.
func median(samples []sample, of func(sample) float64) (mid, low, high float64) {
	if len(samples) == 0 {
		return 0, 0, 0
	}
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2, values[0], values[n-1]
}

// figure is the median of what a scenario is about, and the lowest and highest; 0 where a server was not measured.
func (b *bench) figure(s scenario, server string) (mid, low, high float64) {
	return median(b.cells[key{s.runs(server), server}], s.of)
}

// ratio is the quotient of two servers' medians; 0 when one of them is missing.
func (b *bench) ratio(s scenario, server, to string) float64 {
	a, _, _ := b.figure(s, server)
	c, _, _ := b.figure(s, to)
	if c == 0 {
		return 0
	}
	return a / c
}

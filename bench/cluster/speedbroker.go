package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gosocketio/socketio/internal/brokertest"
)

// speedWires are those whose speed is measured. Only our servers speak those of NATS; with embedded
// they are the broker.
var speedWires = append(slices.Clone(wires), "nats", "jetstream", "embedded")

func isNATS(wire string) bool { return !slices.Contains(wires, wire) }

// speedBroker is the broker of a measurement.
type speedBroker struct {
	*kit
	redis *redis                            // nil without
	pid   string                            // "" without a process of its own
	line  func(kind string, i int) []string // of the i-th node
}

// startBroker starts what a wire needs, with its files below b.dir.
func (b *bench) startBroker(wire string) (s *speedBroker, err error) {
	dir, err := os.MkdirTemp(b.dir, "run-")
	if err != nil {
		return nil, err
	}
	if !isNATS(wire) {
		r, err := startRedis(dir, false)
		if err != nil {
			return nil, err
		}
		line := func(kind string, _ int) []string { return b.line(kind, r, wire, "bench") }
		return &speedBroker{kit: r.kit, redis: r, pid: r.pid, line: line}, nil
	}
	s = &speedBroker{kit: &kit{dir: dir}}
	ours := func(addrs ...string) []string {
		return []string{filepath.Join(b.dir, "ours"), "-wire", wire, "-redis", strings.Join(addrs, ","), "-key", "bench"}
	}
	err = s.try(func() {
		if wire != "embedded" {
			broker := b.startNATS(s.kit)
			s.pid = strconv.Itoa(broker.cmd.Process.Pid)
			s.line = func(string, int) []string { return ours(broker.addr()) }
			return
		}
		ports := brokertest.FreePorts(s.kit, 2)
		s.line = func(_ string, i int) []string { return ours(address(ports[i]), address(ports[1-i])) }
	})
	if err != nil {
		s.stop()
	}
	return s, err
}

// stop ends the broker.
func (s *speedBroker) stop() {
	for _, end := range s.ends {
		end()
	}
}

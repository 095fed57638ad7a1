package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// peers are servers that `make bench-peers` measures beside ours, each where its toolchain is at hand.
var peers = []server{
	{
		name: "uws", title: "Node socket.io on uWebSockets.js", optional: true,
		build: npmPackages("bench/peers"), start: func(b *bench, addr string) []string {
			return []string{"node", b.peer("uws.mjs"), port(addr)}
		},
	},
	{
		name: "bun", title: "Bun socket.io", optional: true,
		build: hasBun, start: func(b *bench, addr string) []string {
			return []string{b.bun(), b.peer("bun.mjs"), port(addr)}
		},
	},
	{
		name: "socketioxide", title: "socketioxide 0.18.9", optional: true,
		build: cargo, start: func(b *bench, addr string) []string {
			return []string{b.peer("socketioxide/target/release/bench-socketioxide"), addr}
		},
	},
}

// besidePeers returns the servers of `make bench-peers`.
func besidePeers() []server {
	return slices.Concat([]server{serverNamed("ours"), serverNamed("node")}, peers)
}

func (b *bench) peer(file string) string { return filepath.Join(b.root, "bench", "peers", file) }

func port(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// bun returns a command bun that works: the machine's own, or one of the npm packages; "" if there is none.
//
// The package's command works only after its postinstall script, which moves the other one there.
func (b *bench) bun() string {
	found, _ := filepath.Glob(b.peer("node_modules/@oven/bun-*/bin/bun")) // the pattern is valid
	for _, path := range append([]string{"bun", b.peer("node_modules/.bin/bun")}, found...) {
		if exec.Command(path, "--version").Run() == nil {
			return path
		}
	}
	return ""
}

func hasBun(ctx context.Context, b *bench) error {
	if err := npmPackages("bench/peers")(ctx, b); err != nil {
		return err
	}
	if b.bun() == "" {
		return errors.New("missing: bun, and its npm package has none for this system")
	}
	return nil
}

func cargo(ctx context.Context, b *bench) error {
	if _, err := exec.LookPath("cargo"); err != nil {
		return errors.New("missing: cargo")
	}
	cmd := exec.CommandContext(ctx, "cargo", "build", "--release", "--locked", "--quiet", "--target-dir", "target")
	cmd.Dir = b.peer("socketioxide")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cargo build: %w: %s", err, lastLine(out))
	}
	return nil
}

// lastLine returns the last line of what a command printed.
func lastLine(out []byte) string {
	text := strings.TrimSpace(string(out))
	return text[strings.LastIndexByte(text, '\n')+1:]
}

package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gosocketio/socketio/internal/devcert"
)

// server is something that is put under load.
type server struct {
	name  string
	title string
	floor bool
	// variant is ours with another setting, measured only where a scenario is about it.
	variant bool
	// optional says to go on without it when it cannot be built.
	optional bool
	build    func(ctx context.Context, b *bench) error
	start    func(b *bench, addr string) []string // the command line
}

// servers are all that can be measured, ours first.
var servers = []server{
	{name: "ours", title: "ours", build: goBuild("ours", "bench", "./ours", true), start: func(b *bench, addr string) []string {
		return []string{b.binary("ours"), "-addr", addr}
	}},
	{name: "portable", title: "ours, portable mode", variant: true, start: func(b *bench, addr string) []string {
		return []string{b.binary("ours"), "-addr", addr, "-portable"}
	}},
	{name: "node", title: "Node socket.io", build: npmPackages("bench/node"), start: func(b *bench, addr string) []string {
		return []string{"node", filepath.Join(b.root, "bench", "node", "server.mjs"), "--port=" + port(addr)}
	}},
	{name: "peer", title: "zishang520 v2.0.5", optional: true, build: goBuild("peer", "compat-tests/peer", ".", false), start: func(b *bench, addr string) []string {
		return []string{b.binary("peer"), "-addr", addr}
	}},
	{name: "raw", title: "floor: goroutine each", floor: true, build: goBuild("floor", "bench", "./floor", true), start: floorMode("raw")},
	{name: "epoll", title: "floor: epoll loop", floor: true, start: floorMode("epoll")},
	{name: "poll", title: "floor: net/http", floor: true, start: floorMode("poll")},
}

func floorMode(mode string) func(*bench, string) []string {
	return func(b *bench, addr string) []string { return []string{b.binary("floor"), "-mode", mode, "-addr", addr} }
}

// goBuild builds a command. A module outside the workspace is built without it.
func goBuild(name, dir, pkg string, workspace bool) func(context.Context, *bench) error {
	return func(ctx context.Context, b *bench) error {
		cmd := exec.CommandContext(ctx, "go", "build", "-o", b.binary(name), pkg)
		cmd.Dir = filepath.Join(b.root, dir)
		if !workspace {
			cmd.Env = append(os.Environ(), "GOWORK=off")
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w: %s", name, err, out)
		}
		return nil
	}
}

// npmPackages installs what the package.json of a folder names.
func npmPackages(dir string) func(context.Context, *bench) error {
	return func(ctx context.Context, b *bench) error {
		cmd := exec.CommandContext(ctx, "scripts/install.sh", "npm", dir)
		cmd.Dir = b.root
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("installing %s: %w: %s", dir, err, lastLine(out))
		}
		return nil
	}
}

// build builds everything that will be measured, and the load generator.
func (b *bench) build(ctx context.Context) error {
	if err := goBuild("socketio", ".", "./cmd/socketio", true)(ctx, b); err != nil {
		return err
	}
	for _, s := range servers {
		if s.build != nil {
			err := s.build(ctx, b)
			if err != nil && s.optional {
				fmt.Fprintf(os.Stderr, "left out: %s: %v\n", s.title, err)
				b.missing = append(b.missing, s.name)
				continue
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// process is a server that runs.
type process struct {
	cmd    *exec.Cmd
	addr   string
	secure bool
	ended  chan error
}

// url is where the server answers.
func (p *process) url() string {
	if p.secure {
		return "https://" + p.addr + "/socket.io/"
	}
	return "http://" + p.addr + "/socket.io/"
}

// launch starts a server on the first core, with TLS if it is to be secure.
func (b *bench) launch(ctx context.Context, s server, secure bool) (*process, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	line := s.start(b, addr)
	if secure {
		cert, key, err := b.certificate()
		if err != nil {
			return nil, err
		}
		line = append(line, "--cert="+cert, "--key="+key)
	}
	p, err := started(ctx, s, addr, pinned(0, line), append(os.Environ(), "GOMAXPROCS=1"))
	if err == nil {
		p.secure = secure
	}
	return p, err
}

// certificate writes a certificate for TLS and its key to files.
func (b *bench) certificate() (certFile, keyFile string, err error) {
	cert, _, err := devcert.New()
	if err != nil {
		return "", "", err
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return "", "", err
	}
	certFile, keyFile = filepath.Join(b.dir, "cert.pem"), filepath.Join(b.dir, "key.pem")
	err = os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), 0o600)
	if err == nil {
		err = os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600)
	}
	return certFile, keyFile, err
}

// launchFree starts a server that may use all cores.
func (b *bench) launchFree(ctx context.Context, s server, extra ...string) (*process, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return started(ctx, s, addr, append(s.start(b, addr), extra...), os.Environ())
}

// freeAddress returns an address that nobody listens on, and nobody else will for a while.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// started starts a command and waits until it listens.
func started(ctx context.Context, s server, addr string, line, env []string) (*process, error) {
	p := &process{cmd: exec.Command(line[0], line[1:]...), addr: addr, ended: make(chan error, 1)}
	p.cmd.Env = env
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := net.Dial("tcp", p.addr)
		if err == nil {
			return p, c.Close()
		}
		select {
		case err := <-p.ended:
			return nil, fmt.Errorf("%s ended: %w", s.name, err)
		case <-ctx.Done():
			p.stop()
			return nil, ctx.Err()
		case <-tick.C:
		}
		if time.Now().After(deadline) {
			p.stop()
			return nil, fmt.Errorf("%s does not listen", s.name)
		}
	}
}

// stop kills a server and waits for its end.
func (p *process) stop() {
	_ = p.cmd.Process.Kill() // fails when it has ended
	<-p.ended                //nolint:errcheck // killed, so that it is an error
}

// pinned has a command run on one core, where the machine has two and can do that.
func pinned(core int, line []string) []string {
	if taskset == "" {
		return line
	}
	return append([]string{taskset, "-c", fmt.Sprint(core)}, line...)
}

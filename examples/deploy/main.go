//go:build unix

// Command deploy runs the services of docker-compose.yml as processes: nginx in front of three
// nodes of `socketio serve`, which share a Redis, and Prometheus. It needs nginx and redis-server.
// `make cluster` runs it; Ctrl-C ends everything.
package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

//go:embed nginx.conf.template
var nginxTemplate string

// nginxMain is the rest of nginx's configuration, which the official image has too. %[1]s is a
// folder for temporary files.
const nginxMain = `daemon off;
master_process off;
pid %[1]s/pid;
error_log stderr warn;
events { worker_connections 10000; } # two for each client
http {
    access_log off;
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;
    include %[1]s/nodes.conf;
}
`

func main() {
	root := flag.String("root", ".", "folder of the checkout")
	addr := flag.String("addr", "127.0.0.1:8080", "address of nginx")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *root, *addr, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		os.Exit(1)
	}
}

// run starts everything, prints the URLs and waits until ctx ends. Then it ends what it started.
func run(ctx context.Context, root, addr string, stdout, stderr io.Writer) (err error) {
	c, err := newCluster(ctx, root, addr, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.start(ctx); err != nil {
		return err
	}
	watched, err := c.startPrometheus(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "listening on http://%s\n", addr)
	for _, p := range c.running {
		fmt.Fprintf(stdout, "  %-10s at %s, process %d\n", p.name, p.addr, p.cmd.Process.Pid)
	}
	if !watched {
		fmt.Fprintln(stdout, noPrometheus)
	}
	<-ctx.Done()
	return nil
}

// cluster is what run starts.
type cluster struct {
	services
	binary       string
	nodes, admin []string // addresses of the nodes, for clients and for operators

	redis, nginx, prometheus string // addresses
	secret                   string // of the nodes
}

// newCluster builds `socketio` and starts nothing. The caller must close the cluster.
func newCluster(ctx context.Context, root, nginx string, stderr io.Writer) (*cluster, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "socketio-cluster-")
	if err != nil {
		return nil, err
	}
	c := &cluster{
		services: services{dir: dir, stderr: stderr}, binary: filepath.Join(dir, "socketio"), nginx: nginx,
		secret: rand.Text(),
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", c.binary, ".") // #nosec G204 -- a name of ours
	build.Dir = filepath.Join(root, "cmd", "socketio")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off") // as in the Dockerfile
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("go build: %w\n%s", err, out), c.close())
	}
	free, err := freeAddrs(8)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	c.redis, c.prometheus, c.nodes, c.admin = free[0], free[1], free[2:5], free[5:]
	return c, nil
}

// close ends what was started.
func (c *cluster) close() error { return errors.Join(c.stop(), os.RemoveAll(c.dir)) }

// start starts Redis, the nodes and nginx.
func (c *cluster) start(ctx context.Context) error {
	_, port, _ := net.SplitHostPort(c.redis) // freeAddrs returns no other form
	if err := c.services.start(ctx, "redis", c.redis, "redis-server", "--port", port, "--bind", "127.0.0.1",
		"--dir", c.dir, "--logfile", "redis.log", "--appendonly", "yes"); err != nil {
		return err
	}
	values := []string{"${LISTEN}", c.nginx}
	for i, addr := range c.nodes {
		if err := c.startNode(ctx, i); err != nil {
			return err
		}
		values = append(values, fmt.Sprintf("${NODE%d}", i+1), addr)
	}
	for file, text := range map[string]string{
		"nginx.conf": fmt.Sprintf(nginxMain, c.dir),
		"nodes.conf": strings.NewReplacer(values...).Replace(nginxTemplate),
	} {
		if err := os.WriteFile(filepath.Join(c.dir, file), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return c.services.start(ctx, "nginx", c.nginx, nginxProgram(), "-e", "stderr", "-p", c.dir, "-c",
		filepath.Join(c.dir, "nginx.conf"))
}

// startNode starts a node of `socketio serve`.
func (c *cluster) startNode(ctx context.Context, i int) error {
	name := fmt.Sprint(i + 1)
	return c.services.start(ctx, "node "+name, c.nodes[i], c.binary, "serve", "-demo", "-addr", c.nodes[i], "-node", name,
		"-relay-secret", c.secret, "-admin-addr", c.admin[i], "-cluster", "redis+streams://"+c.redis,
		"-recovery", "2m", "-log-level", "warn")
}

// nginxProgram returns where nginx is: Debian has it outside the PATH of users.
func nginxProgram() string {
	if path, err := exec.LookPath("nginx"); err == nil {
		return path
	}
	return "/usr/sbin/nginx"
}

// freeAddrs returns n addresses of the loopback interface that nobody listens on.
func freeAddrs(n int) (addrs []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // after the loop: each address is another one
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

const (
	startTimeout = 15 * time.Second
	stopTimeout  = 20 * time.Second // more than a node takes to end its connections
)

// services are the processes that were started. Only the goroutine of run uses it.
type services struct {
	dir     string
	stderr  io.Writer
	running []*process
}

type process struct {
	name, addr string
	cmd        *exec.Cmd
	ended      chan struct{} // closed when the process has ended
}

// start starts a program and returns when it accepts connections at addr.
func (s *services) start(ctx context.Context, name, addr, program string, args ...string) error {
	if conn, err := net.Dial("tcp", addr); err == nil {
		_ = conn.Close()
		return fmt.Errorf("%s: something else listens on %s", name, addr)
	}
	// A context would kill it: stop ends it.
	cmd := exec.Command(program, args...) // #nosec G204 -- programs and arguments of ours
	cmd.Dir, cmd.Stderr = s.dir, s.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's Ctrl-C is for this program only
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p := &process{name: name, addr: addr, cmd: cmd, ended: make(chan struct{})}
	s.running = append(s.running, p)
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(p.ended)
	}()

	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %s", name, cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen on %s: %w", name, addr, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the processes, all at once but the first one, which the others need.
func (s *services) stop() (err error) {
	for _, p := range s.running[min(1, len(s.running)):] {
		p.terminate()
	}
	for len(s.running) > 1 {
		err = errors.Join(err, s.wait(s.running[1]))
	}
	for _, p := range s.running {
		err = errors.Join(err, s.end(p))
	}
	return err
}

// end ends a process and waits for it.
func (s *services) end(p *process) error {
	p.terminate()
	return s.wait(p)
}

func (p *process) terminate() { _ = p.cmd.Process.Signal(syscall.SIGTERM) } // it may have ended

// wait waits for a process that was asked to end.
func (s *services) wait(p *process) error {
	s.running = slices.DeleteFunc(slices.Clone(s.running), func(o *process) bool { return o == p })
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("%s did not end and was killed", p.name)
	}
}

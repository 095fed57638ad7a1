//go:build unix

// Command deploy runs the services of docker-compose.yml as processes: nginx in front of three
// nodes of `socketio serve`, which share a Redis. It needs nginx and redis-server. `make cluster`
// runs it; Ctrl-C ends everything.
package main

import (
	"context"
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
events {}
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

// run starts everything, prints the URLs and waits until ctx ends. Then it ends what it started, the
// last one first.
func run(ctx context.Context, root, addr string, stdout, stderr io.Writer) (err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "socketio-cluster-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s := &services{dir: dir, stderr: stderr}
	defer func() { err = errors.Join(err, s.stop()) }()

	binary := filepath.Join(dir, "socketio")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, ".") // #nosec G204 -- a name of ours
	build.Dir = filepath.Join(root, "cmd", "socketio")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off") // as in the Dockerfile
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}

	free, err := freeAddrs(4)
	if err != nil {
		return err
	}
	redis, nodes := free[0], free[1:]
	_, port, _ := net.SplitHostPort(redis) // freeAddrs returns no other form
	if err := s.start(ctx, "redis", redis, "redis-server", "--port", port, "--bind", "127.0.0.1",
		"--dir", dir, "--logfile", "redis.log", "--appendonly", "yes"); err != nil {
		return err
	}
	values := []string{"${LISTEN}", addr}
	for i, node := range nodes {
		name := fmt.Sprint(i + 1)
		if err := s.start(ctx, "node "+name, node, binary, "serve", "-addr", node, "-node", name,
			"-cluster", "redis+streams://"+redis, "-log-level", "warn",
			"-client", filepath.Join(root, "client-js", "node_modules", "socket.io-client")); err != nil {
			return err
		}
		values = append(values, "${NODE"+name+"}", node)
	}
	for file, text := range map[string]string{
		"nginx.conf": fmt.Sprintf(nginxMain, dir),
		"nodes.conf": strings.NewReplacer(values...).Replace(nginxTemplate),
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := s.start(ctx, "nginx", addr, nginxProgram(), "-e", "stderr", "-p", dir, "-c",
		filepath.Join(dir, "nginx.conf")); err != nil {
		return err
	}

	fmt.Fprintf(stdout, "listening on http://%s\n", addr)
	for _, p := range s.running {
		fmt.Fprintf(stdout, "  %-7s at %s, process %d\n", p.name, p.addr, p.cmd.Process.Pid)
	}
	<-ctx.Done()
	return nil
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
	stopTimeout  = 15 * time.Second // more than a node takes to end its connections
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

// stop ends the processes, the last one first, and waits for each.
func (s *services) stop() (err error) {
	for len(s.running) > 0 {
		last := len(s.running) - 1
		p := s.running[last]
		s.running = s.running[:last]
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-p.ended:
		case <-time.After(stopTimeout):
			_ = p.cmd.Process.Kill()
			<-p.ended
			err = errors.Join(err, fmt.Errorf("%s did not end and was killed", p.name))
		}
	}
	return err
}

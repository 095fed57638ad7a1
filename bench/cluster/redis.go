package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// redis is a redis-server, perhaps with a replica and three sentinels.
type redis struct {
	master    *daemon
	replica   *daemon   // nil without sentinels
	sentinels []*daemon // nil without
}

// masterName is what the sentinels call the master.
const masterName = "bench"

// aof has Redis write every command to the disk before it answers.
var aof = []string{"--appendonly", "yes", "--appendfsync", "always"}

func startRedis(ctx context.Context, dir string, options ...string) (*redis, error) {
	d, err := startDaemon(ctx, dir, "redis-server", options...)
	if err != nil {
		return nil, err
	}
	return &redis{master: d}, nil
}

// startSentinels starts a master, its replica, and three sentinels that fail over after one second.
func startSentinels(ctx context.Context, dir string, options ...string) (*redis, error) {
	r, err := startRedis(ctx, dir, options...)
	if err != nil {
		return nil, err
	}
	if err := r.addSentinels(ctx, dir, options); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

func (r *redis) addSentinels(ctx context.Context, dir string, options []string) (err error) {
	replica := append([]string{"--replicaof", "127.0.0.1 " + r.master.port}, options...)
	if r.replica, err = startDaemon(ctx, dir, "redis-server", replica...); err != nil {
		return err
	}
	config := fmt.Sprintf("sentinel monitor %[1]s 127.0.0.1 %s 2\nsentinel down-after-milliseconds %[1]s 1000\n"+
		"sentinel failover-timeout %[1]s 5000\n", masterName, r.master.port)
	for i := range 3 {
		path := filepath.Join(dir, fmt.Sprintf("sentinel%d.conf", i))
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			return err
		}
		s, err := startDaemon(ctx, dir, "redis-server", path, "--sentinel")
		if err != nil {
			return err
		}
		r.sentinels = append(r.sentinels, s)
	}
	return wait(ctx, 15*time.Second, "the sentinels do not know the replica and each other", func() bool {
		for _, s := range r.sentinels {
			state, err := s.cli(ctx, "SENTINEL", "MASTER", masterName)
			fields := strings.Fields(state)
			if err != nil || value(fields, "num-slaves") != "1" || value(fields, "num-other-sentinels") != "2" {
				return false
			}
		}
		link, err := r.replica.cli(ctx, "INFO", "replication")
		return err == nil && strings.Contains(link, "master_link_status:up")
	})
}

func value(fields []string, name string) string {
	for i, f := range fields[:max(len(fields)-1, 0)] {
		if f == name {
			return fields[i+1]
		}
	}
	return ""
}

// addresses are what a client is started with: those of the sentinels, if there are any.
func (r *redis) addresses() string {
	if r.sentinels == nil {
		return "127.0.0.1:" + r.master.port
	}
	var all []string
	for _, s := range r.sentinels {
		all = append(all, "127.0.0.1:"+s.port)
	}
	return strings.Join(all, ",")
}

func (r *redis) stop() {
	for _, d := range append(r.sentinels, r.replica, r.master) {
		if d != nil {
			d.kill()
		}
	}
}

// daemon is a process of Redis.
type daemon struct {
	port string
	line []string
	cmd  *exec.Cmd
}

// startDaemon starts a process of Redis on a free port and waits until it answers.
func startDaemon(ctx context.Context, dir, program string, options ...string) (*daemon, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	home := filepath.Join(dir, "redis-"+port)
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, err
	}
	d := &daemon{port: port}
	if len(options) > 0 && !strings.HasPrefix(options[0], "-") { // a configuration file comes first
		d.line, options = []string{options[0]}, options[1:]
	}
	d.line = append(append([]string{program}, d.line...), "--port", port, "--bind", "127.0.0.1", "--dir", home,
		"--save", "", "--logfile", filepath.Join(home, "log"))
	d.line = append(d.line, options...)
	return d, d.start(ctx)
}

// start starts it, perhaps again.
func (d *daemon) start(ctx context.Context) error {
	d.cmd = exec.Command(d.line[0], d.line[1:]...) //nolint:gosec,noctx // redis-server, which kill ends
	if err := d.cmd.Start(); err != nil {
		return fmt.Errorf("starting Redis: %w", err)
	}
	err := wait(ctx, 10*time.Second, "Redis does not answer", func() bool {
		out, err := d.cli(ctx, "PING")
		return err == nil && strings.HasPrefix(out, "PONG")
	})
	if err != nil {
		d.kill()
	}
	return err
}

func (d *daemon) kill() {
	_ = d.cmd.Process.Kill() // fails when it has ended
	_ = d.cmd.Wait()         // killed
}

func (d *daemon) signal(s syscall.Signal) error { return d.cmd.Process.Signal(s) }

// cli sends a command and returns the answer as text.
func (d *daemon) cli(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "redis-cli", append([]string{"-p", d.port}, args...)...).Output() //nolint:gosec // our own arguments
	if err != nil {
		return "", fmt.Errorf("redis-cli %s: %w", args[0], err)
	}
	return string(out), nil
}

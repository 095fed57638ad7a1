package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Process is a server that is started for a run, and ended with it.
type Process struct {
	command []string
	host    string
	output  io.Writer
	cmd     *exec.Cmd
	ended   chan error
}

// StartServer starts a command, which must end up listening where t says. What it writes goes to output.
func StartServer(ctx context.Context, t *Target, command string, output io.Writer) (*Process, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	p := &Process{command: strings.Fields(command), host: t.host, output: output}
	if len(p.command) == 0 {
		return nil, errors.New("load: there is no command to start the server with")
	}
	var d net.Dialer
	if c, err := d.DialContext(ctx, "tcp", t.host); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("load: something listens on %s already", t.host)
	}
	return p, p.start(ctx)
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

func (p *Process) start(ctx context.Context) error {
	cmd := exec.Command(p.command[0], p.command[1:]...) //nolint:gosec,noctx // the user's own command, which Stop ends
	cmd.Stdout, cmd.Stderr = p.output, p.output
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("load: %w", err) // cmd stays the one that ran last, if there is one
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	p.cmd, p.ended = cmd, ended
	return p.await(ctx)
}

// await waits until the server listens.
func (p *Process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var d net.Dialer
		if c, err := d.DialContext(ctx, "tcp", p.host); err == nil {
			return c.Close()
		}
		select {
		case err := <-p.ended:
			p.ended <- err
			return fmt.Errorf("load: the server ended: %w", err)
		case <-ctx.Done():
			p.Stop()
			return fmt.Errorf("load: the server does not listen on %s", p.host)
		case <-tick.C:
		}
	}
}

// Restart kills the server, as a crash does, and starts it again.
func (p *Process) Restart(ctx context.Context) (pid int, err error) {
	p.Stop()
	err = p.start(ctx)
	return p.cmd.Process.Pid, err
}

// Terminate asks the server to end, and does not wait for that.
func (p *Process) Terminate() { _ = p.cmd.Process.Signal(syscall.SIGTERM) } // fails when it has ended

// Stop kills the server and waits for its end.
func (p *Process) Stop() {
	_ = p.cmd.Process.Kill() // fails when it has ended
	p.ended <- <-p.ended
}

package main

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gosocketio/socketio/internal/brokertest"
)

// startNATS starts a NATS server, which ends with the kit.
func (b *bench) startNATS(k *kit) *natsProcess {
	s := &natsProcess{kit: k, program: filepath.Join(b.dir, "nats-server"), dir: k.TempDir(),
		port: brokertest.FreePorts(k, 1)[0]}
	s.Restart()
	k.Cleanup(s.Kill)
	return s
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// natsProcess is a NATS server with JetStream, in a process of its own.
type natsProcess struct {
	kit          *kit
	program, dir string
	port         int
	cmd          *exec.Cmd
}

func (s *natsProcess) addr() string { return address(s.port) }

func (s *natsProcess) Restart() {
	var out bytes.Buffer
	args := []string{"-a", "127.0.0.1", "-p", strconv.Itoa(s.port), "-js", "-sd", s.dir}
	s.cmd = exec.CommandContext(context.Background(), s.program, args...) // #nosec G204 -- built by this program
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	if err := s.cmd.Start(); err != nil {
		s.kit.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", s.addr())
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(deadline) {
			s.Kill()
			s.kit.Fatalf("nats-server does not answer: %s", out.Bytes())
		}
	}
}

func (s *natsProcess) Kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()
}

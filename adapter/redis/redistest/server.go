package redistest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gosocketio/socketio/internal/brokertest"
)

// startTimeout limits the wait for a server to answer.
const startTimeout = 10 * time.Second

// Server is a process of redis-server.
type Server struct {
	t    testing.TB
	dir  string
	args []string
	addr string

	mu   sync.Mutex // guards the rest: cleanup and the test may end it at once
	cmd  *exec.Cmd
	done chan struct{} // the process has been waited for
}

// Start starts a server without persistence, with further arguments for redis-server. It returns
// when the server answers.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, brokertest.FreePorts(t, 1)[0], args...)
}

func start(t testing.TB, port int, args ...string) *Server {
	t.Helper()
	return launch(t, t.TempDir(), port, append([]string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--logfile", logFile}, args...))
}

// logFile is the server's log, in its folder.
const logFile = "redis.log"

func launch(t testing.TB, dir string, port int, args []string) *Server {
	t.Helper()
	s := &Server{t: t, dir: dir, addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), args: args}
	t.Cleanup(s.Kill)
	s.Restart()
	return s
}

// Addr returns the address, host:port.
func (s *Server) Addr() string { return s.addr }

// URL returns redis://host:port.
func (s *Server) URL() string { return "redis://" + s.addr }

// Restart starts the process again, on the same port and in the same folder. It returns when the
// server answers.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	s.mu.Lock()
	s.cmd = exec.CommandContext(context.Background(), "redis-server", s.args...) // #nosec G204 -- arguments of a test
	s.cmd.Dir = s.dir
	var output bytes.Buffer
	s.cmd.Stdout, s.cmd.Stderr = &output, &output
	if err := s.cmd.Start(); err != nil {
		s.mu.Unlock()
		s.t.Fatalf("redis-server cannot be started: %v", err)
	}
	cmd, done := s.cmd, make(chan struct{})
	s.done = done
	s.mu.Unlock()
	go func() {
		_ = cmd.Wait() // killed
		close(done)
	}()
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(5 * time.Millisecond) {
		answer, err := s.try("PING")
		if err == nil && (answer == "PONG" || strings.HasPrefix(answer, "NOAUTH")) {
			return
		}
		select {
		case <-done:
		default:
			if time.Now().Before(deadline) {
				continue
			}
		}
		log, _ := os.ReadFile(filepath.Join(s.dir, logFile))
		s.t.Fatalf("redis-server at %s does not answer: %q, %v\n%s%s", s.addr, answer, err, output.Bytes(), log)
	}
}

// Stop sends SIGSTOP: the server does nothing until Continue.
func (s *Server) Stop() { s.signal(sigStop) }

// Continue sends SIGCONT.
func (s *Server) Continue() { s.signal(sigContinue) }

// Kill sends SIGKILL and waits for the end of the process.
func (s *Server) Kill() {
	s.signal(syscall.SIGKILL)
	s.mu.Lock()
	done := s.done
	s.mu.Unlock()
	if done != nil {
		<-done
	}
}

func (s *Server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(sig) // it may have ended
	}
}

// Do runs a command with redis-cli and returns its output. It fails the test if that fails.
func (s *Server) Do(args ...string) string {
	s.t.Helper()
	out, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("redis-cli %s: %v", strings.Join(args, " "), err)
	}
	return out
}

func (s *Server) try(args ...string) (string, error) {
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	args = append([]string{"-h", host, "-p", port}, args...)
	out, err := exec.CommandContext(ctx, "redis-cli", args...).CombinedOutput() // #nosec G204 -- arguments of a test
	text := strings.TrimSpace(string(out))
	if err != nil {
		return text, fmt.Errorf("%w: %s", err, text)
	}
	return text, nil
}

package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/internal/lockedbuffer"
)

// process is the command, running until the test cancels it, which is what SIGTERM does.
type process struct {
	url    string
	stop   context.CancelFunc
	exited <-chan int
	stderr *lockedbuffer.Buffer
}

// start runs "socketio serve" on a free port and waits until it says where.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	exited := make(chan int, 1)
	p := &process{stop: cancel, exited: exited, stderr: new(lockedbuffer.Buffer)}
	go func() {
		exited <- run(ctx, append([]string{"serve", "-addr", "127.0.0.1:0"}, args...), in, p.stderr)
		_ = in.Close()
	}()
	t.Cleanup(cancel)
	silent := time.AfterFunc(patience, func() { _ = in.CloseWithError(errors.New("it says nothing")) })
	defer silent.Stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("first line %q, %v; %s", line, err, p.stderr)
	}
	p.url = url
	return p
}

// patience bounds each wait of a test for something that must happen. It is longer than the
// command's own limits.
const patience = time.Minute

// next receives a value, and fails the test when none comes.
func next[T any](t *testing.T, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatal("no ", what, " came")
	}
	return v
}

// end stops the process and fails the test unless that was a success.
func (p *process) end(t *testing.T) {
	t.Helper()
	p.stop()
	if code := next(t, "exit", p.exited); code != 0 {
		t.Errorf("exit code %d: %s", code, p.stderr)
	}
}

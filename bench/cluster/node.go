package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/gosocketio/socketio/adapter/redis/redistest"
)

// command is one line for a node.
//
//   - emit: every EveryMs milliseconds Batch events "n" to Room, each with a number (0, 1, 2, …) and a
//     string of Size bytes. It ends after Count events, or when Count is 0 on stop.
//     With Window instead of EveryMs at most so many are on their way: each Mark-th goes to the room
//     "r", and credit says which of these has arrived. With neither as fast as the broker takes them.
//   - credit: the event with the number Count has arrived. There is no answer.
//   - stop: ends emit.
//   - stats: what happened so far.
//   - fetch: fetchSockets of the whole cluster.
//   - bare: sends the command Line to Redis Count times with a client of its own, 32 at a time (ours only).
//   - ask: emits "q" to everybody and waits at most TimeoutMs for acknowledgements.
//   - storm, calm, close: see ours/chaos.go.
type command struct {
	ID        int      `json:"id"`
	Do        string   `json:"do"`
	Room      string   `json:"room,omitempty"`
	EveryMs   int      `json:"everyMs,omitempty"`
	Batch     int      `json:"batch,omitempty"`
	Count     int      `json:"count"`
	Size      int      `json:"size,omitempty"`
	Window    int      `json:"window,omitempty"`
	Mark      int      `json:"mark,omitempty"`
	TimeoutMs int      `json:"timeoutMs,omitempty"`
	Line      [][]byte `json:"line,omitempty"`
	Namespace string   `json:"namespace,omitempty"` // of fetch and ask, by default "/"
	Name      string   `json:"name,omitempty"`      // of the publisher, of storm
	Targets   []string `json:"targets,omitempty"`
	Seed      uint64   `json:"seed,omitempty"`
}

// answer is a node's answer to the command with the same ID. The node's first line has ID 0 and Address.
type answer struct {
	ID      int    `json:"id"`
	Address string `json:"address"`
	// Of emit and stop.
	Sent int `json:"sent"`
	// Of stats. LongestUs is the longest time that an emit took. Queued is the largest queue: bytes in
	// our servers, commands in ioredis. Only of ours: StallUs is the longest time that the machine kept
	// the process waiting; Gaps, Failed and Refused are what the server reports.
	LongestUs float64  `json:"longestUs"`
	StallUs   float64  `json:"stallUs"`
	Queued    int      `json:"queued"`
	Gaps      int      `json:"gaps"`
	Failed    int      `json:"failed"`
	Refused   int      `json:"refused"`
	Errors    []string `json:"errors"`
	// Of fetch and ask: Result sockets or acknowledgements. TookMs also of emit without a pace and bare.
	Result int     `json:"result"`
	Error  string  `json:"error"`
	TookMs float64 `json:"tookMs"`
	// Of the lines of storm.
	Seq    int    `json:"seq"`
	Target string `json:"target"`
	At     int64  `json:"at"`
	Mark   int    `json:"mark"`
	Gap    string `json:"gap"`
}

// kinds are the servers compared, ours first.
var kinds = []kind{
	{name: "ours", title: "ours"},
	{name: "node", title: "Node socket.io"},
	{name: "peer", title: "zishang520 v3"},
}

type kind struct{ name, title string }

// line is the command line of a node.
func (b *bench) line(kind string, r *redis, wire, key string) []string {
	args := []string{"-redis", r.addresses(), "-wire", wire, "-key", key}
	if r.sentinels != nil {
		args = append(args, "-sentinel", redistest.MasterName)
	}
	if kind == "node" {
		return append([]string{"node", filepath.Join(b.root, "bench", "node", "cluster.mjs")}, args...)
	}
	return append([]string{filepath.Join(b.dir, kind)}, args...)
}

// node is a server of a cluster, in a process of its own.
type node struct {
	name    string
	address string
	cmd     *exec.Cmd
	ended   chan struct{}
	stdin   io.WriteCloser
	stderr  io.Writer
	storm   func(a answer) // gets the lines of storm, in order

	mu      sync.Mutex
	lastID  int
	waiting map[int]chan answer
}

// startNode starts a node and waits until it listens.
func startNode(ctx context.Context, name string, line []string, env ...string) (*node, error) {
	n := &node{name: name, stderr: os.Stderr}
	if err := n.start(ctx, line, env...); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *node) start(ctx context.Context, line []string, env ...string) error {
	n.ended, n.waiting = make(chan struct{}), make(map[int]chan answer)
	n.cmd = exec.Command(line[0], line[1:]...)
	n.cmd.Env = append(os.Environ(), env...)
	n.cmd.Stderr = n.stderr
	stdout, err := n.cmd.StdoutPipe()
	if err == nil {
		n.stdin, err = n.cmd.StdinPipe()
	}
	if err == nil {
		err = n.cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	ready := n.expect(0)
	go n.read(stdout)
	a, err := n.await(ctx, ready, 30*time.Second)
	if err != nil {
		n.stop()
		return err
	}
	n.address = a.Address
	return nil
}

func (n *node) read(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %s\n", n.name, lines.Bytes())
			continue
		}
		if a.ID < 0 {
			n.storm(a)
			continue
		}
		n.mu.Lock()
		c := n.waiting[a.ID]
		delete(n.waiting, a.ID)
		n.mu.Unlock()
		if c != nil {
			c <- a
		}
	}
	_ = n.cmd.Wait() // killed, or its own message is on stderr
	close(n.ended)
}

func (n *node) expect(id int) chan answer {
	c := make(chan answer, 1)
	n.mu.Lock()
	n.waiting[id] = c
	n.mu.Unlock()
	return c
}

// send sends a command. await waits for its answer.
func (n *node) send(c command) chan answer {
	n.mu.Lock()
	n.lastID++
	c.ID = n.lastID
	n.mu.Unlock()
	reply := n.expect(c.ID)
	n.write(c)
	return reply
}

func (n *node) write(c command) {
	line, _ := json.Marshal(c)               // cannot fail
	_, _ = n.stdin.Write(append(line, '\n')) // await notices that the process has ended
}

func (n *node) await(ctx context.Context, reply chan answer, limit time.Duration) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case a := <-reply:
		return a, nil
	case <-n.ended:
		return answer{}, fmt.Errorf("%s has ended", n.name)
	case <-ctx.Done():
		return answer{}, fmt.Errorf("%s does not answer: %w", n.name, context.Cause(ctx))
	}
}

func (n *node) do(ctx context.Context, c command) (answer, error) {
	return n.await(ctx, n.send(c), 10*time.Second)
}

// signal sends a signal to the process: STOP or CONT. Not all systems that this compiles for have them.
func (n *node) signal(name string) error {
	return exec.Command("kill", "-"+name, strconv.Itoa(n.cmd.Process.Pid)).Run()
}

// stop kills the process and waits for its end.
func (n *node) stop() {
	_ = n.cmd.Process.Kill() // fails when it has ended
	<-n.ended
}

// wait waits for a condition.
func wait(ctx context.Context, limit time.Duration, what string, done func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("too late"))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		}
	}
	return nil
}

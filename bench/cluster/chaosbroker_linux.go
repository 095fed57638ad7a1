package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gosocketio/socketio/adapter/postgres/pgtest"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
)

// chaosWire is an adapter of make chaos.
type chaosWire struct {
	name     string
	recovery bool
	start    func(t *trial) // starts the broker and makes the seats; it may call t.kit.Fatal
}

var chaosWires = []chaosWire{
	{"redis", false, withRedis("redis://%s?timeout=2s")},
	{"redis+sharded", false, withRedis("redis+sharded://%s?timeout=2s")},
	{"redis+streams", true, withRedis("redis+streams://%s?timeout=2s", aof...)},
	{"nats", false, withNATS("nats://%s?timeout=2s")},
	{"nats+jetstream", true, withNATS("nats+jetstream://%s?timeout=2s")},
	{"nats+embedded", true, withoutBroker},
	{"postgres", false, withPostgres("postgres://postgres@%s/postgres?sslmode=disable&create=true&timeout=2s")},
}

// sit makes the seats of nodes with one broker each is linked to.
func (t *trial) sit(broker chaosBroker, addr, url string) {
	t.broker = broker
	for i := range chaosNodes {
		l := t.newLink(func() string { return addr })
		t.seats = append(t.seats, &seat{trial: t, index: i, links: []chaosLink{l}, url: fmt.Sprintf(url, l.Addr())})
	}
}

func withRedis(url string, options ...string) func(t *trial) {
	return func(t *trial) {
		s := redistest.Start(t.kit, options...)
		t.sit(s, s.Addr(), url)
	}
}

func withPostgres(url string) func(t *trial) {
	return func(t *trial) {
		s := pgtest.Start(t.kit)
		_, rest, _ := strings.Cut(s.URL(), "@")
		addr, _, _ := strings.Cut(rest, "/")
		t.sit(s, addr, url)
	}
}

func withNATS(url string) func(t *trial) {
	return func(t *trial) {
		s := &natsProcess{kit: t.kit, program: filepath.Join(t.bench.dir, "nats-server"), dir: t.kit.TempDir(),
			port: brokertest.FreePorts(t.kit, 1)[0]}
		s.Restart()
		t.kit.Cleanup(s.Kill)
		t.sit(s, s.addr(), url)
	}
}

// withoutBroker makes seats of nodes with a NATS server in each. Their routes lead through proxies.
func withoutBroker(t *trial) {
	ports := brokertest.FreePorts(t.kit, chaosNodes)
	for i := range chaosNodes {
		t.seats = append(t.seats, &seat{trial: t, index: i})
	}
	for i, s := range t.seats {
		var routes []string
		for j, other := range t.seats {
			if i == j {
				continue
			}
			l := t.newLink(func() string { return address(ports[j]) })
			routes = append(routes, l.Addr())
			s.links = append(s.links, l)
			l.out, l.in = l.in, l.out
			other.links = append(other.links, l)
		}
		s.url = fmt.Sprintf("nats+embedded://%s?routes=%s&node=S%d&jetstream=true&store=%s&timeout=2s",
			address(ports[i]), strings.Join(routes, ","), i+1, url.QueryEscape(t.kit.TempDir()))
	}
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

func (s *natsProcess) Stop()     { _ = s.cmd.Process.Signal(syscall.SIGSTOP) }
func (s *natsProcess) Continue() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }

package main

import (
	"fmt"
	"net/url"
	"strings"
	"syscall"

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
	{"redis", false, withRedis("redis://%s?timeout=2s", "", "&mode=static")},
	{"redis+sharded", false, withRedis("redis+sharded://%s?timeout=2s", "", "&mode=static", "&mode=dynamic-private")},
	{"redis+streams", true, withRedis("redis+streams://%s?timeout=2s", "", "&streams=2")},
	{"nats", false, withNATS("nats://%s?timeout=2s", "", "&mode=static")},
	{"nats+jetstream", true, withNATS("nats+jetstream://%s?timeout=2s")},
	{"nats+embedded", true, withoutBroker},
	{"postgres", false, withPostgres("")},
	{"postgres+recovery", true, withPostgres("&recovery=true")},
}

// sit makes the seats of nodes with one broker each is linked to.
func (t *trial) sit(broker chaosBroker, addr, url string) {
	t.broker = broker
	for i := range chaosNodes {
		l := t.newLink(func() string { return addr })
		t.seats = append(t.seats, &seat{trial: t, index: i, links: []chaosLink{l}, url: fmt.Sprintf(url, l.Addr())})
	}
}

// withRedis is a Redis that forgets nothing. Runs take turns with what may follow the URL.
func withRedis(url string, turns ...string) func(t *trial) {
	return func(t *trial) {
		s := redistest.Start(t.kit, aof...)
		t.sit(s, s.Addr(), url+t.turn(turns))
	}
}

func (t *trial) turn(turns []string) string {
	if len(turns) == 0 {
		return ""
	}
	return turns[t.seed%uint64(len(turns))]
}

func withPostgres(parameters string) func(t *trial) {
	const url = "postgres://postgres@%s/postgres?sslmode=disable&create=true&timeout=2s"
	return func(t *trial) {
		s := pgtest.Start(t.kit)
		_, rest, _ := strings.Cut(s.URL(), "@")
		addr, _, _ := strings.Cut(rest, "/")
		t.sit(s, addr, url+parameters)
	}
}

func withNATS(url string, turns ...string) func(t *trial) {
	return func(t *trial) {
		s := t.startNATS(t.kit)
		t.sit(s, s.addr(), url+t.turn(turns))
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

func (s *natsProcess) Stop()     { _ = s.cmd.Process.Signal(syscall.SIGSTOP) }
func (s *natsProcess) Continue() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }

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

var chaosWires = []chaosWire{
	{"redis", false, withRedis("redis://%s?timeout=2s", "redis://%s?timeout=2s&mode=static")},
	{"redis+sharded", false, withRedis("redis+sharded://%s?timeout=2s", "redis+sharded://%s?timeout=2s&mode=static",
		"redis+sharded://%s?timeout=2s&mode=dynamic-private")},
	{"redis+streams", true, withRedis("redis+streams://%s?timeout=2s", "redis+streams://%s?timeout=2s&streams=2")},
	{"nats", false, withNATS("nats://%s?timeout=2s", "nats://%s?timeout=2s&mode=static")},
	{"nats+jetstream", true, withNATS("nats+jetstream://%s?timeout=2s")},
	{"nats+embedded", true, withoutBroker},
	{"postgres", false, withPostgres("")},
	{"postgres+recovery", true, withPostgres("&recovery=true")},
}

// sit makes the seats of nodes with one broker each is linked to. Runs take turns with the URLs.
func (t *trial) sit(broker chaosBroker, addr string, urls []string) {
	t.broker = broker
	for i := range chaosNodes {
		l := t.newLink(func() string { return addr })
		url := fmt.Sprintf(urls[t.seed%uint64(len(urls))], l.Addr())
		t.seats = append(t.seats, &seat{trial: t, index: i, links: []chaosLink{l}, url: url})
	}
}

// withRedis is a Redis that forgets nothing.
func withRedis(urls ...string) func(t *trial) {
	return func(t *trial) {
		s := redistest.Start(t.kit, aof...)
		t.sit(s, s.Addr(), urls)
	}
}

func withPostgres(parameters string) func(t *trial) {
	urls := []string{"postgres://postgres@%s/postgres?sslmode=disable&create=true&timeout=2s" + parameters}
	return func(t *trial) {
		s := pgtest.Start(t.kit)
		_, rest, _ := strings.Cut(s.URL(), "@")
		addr, _, _ := strings.Cut(rest, "/")
		t.sit(s, addr, urls)
	}
}

func withNATS(urls ...string) func(t *trial) {
	return func(t *trial) {
		s := t.startNATS(t.kit)
		t.sit(s, s.addr(), urls)
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

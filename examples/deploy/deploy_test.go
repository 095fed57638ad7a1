//go:build linux

package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gosocketio/socketio/internal/rawclient"
)

var (
	deployClients = flag.Int("clients", 100, "clients of TestDeploy")
	deployNodes   = flag.Int("replace", 2, "nodes that TestDeploy replaces")
)

// Nodes are replaced one after the other while clients send and receive an event a second each, a
// quarter of them over long-polling. No event is lost or doubled, every client is back in 5 s, and no
// node has more WebSockets than a third of all clients and the half of that.
// `make deploy-test` has 1,000 clients and replaces all nodes.
func TestDeploy(t *testing.T) {
	free, err := freeAddrs(1)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCluster(t.Context(), "../..", free[0], t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.start(t.Context()); err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	t.Cleanup(func() {
		stop()
		all.Wait()
	})
	visitors := arrive(ctx, t, &all, rawclient.At(t, c.nginx))

	ending, endEmits := context.WithCancel(ctx)
	defer endEmits()
	all.Go(func() { emitting(ending, visitors) })
	most := make(chan int, 1)
	watching, endWatch := context.WithCancel(ctx)
	defer endWatch()
	all.Go(func() { most <- c.watch(watching) })
	pause(ctx, 2*time.Second)
	for i := range *deployNodes {
		c.replace(t, i)
	}
	pause(ctx, time.Second)
	endEmits()
	wait(t, "all that was emitted comes back", func() bool {
		return !slices.ContainsFunc(visitors, func(v *visitor) bool { return !v.has() })
	})
	endWatch()
	judge(t, visitors, <-most)
}

// arrive connects the visitors, one after another, and has each join its room.
func arrive(ctx context.Context, t *testing.T, all *sync.WaitGroup, e *rawclient.Endpoint) []*visitor {
	t.Helper()
	visitors := make([]*visitor, *deployClients)
	for i := range visitors {
		v := &visitor{room: fmt.Sprint("room", i), dial: func(ctx context.Context) (link, error) {
			if i%4 == 0 {
				return dialPolling(ctx, e)
			}
			return dialWebSocket(ctx, e)
		}}
		visitors[i] = v
		ready := make(chan error, 1)
		all.Go(func() { v.live(ctx, func(err error) { ready <- err }) })
		if err := <-ready; err != nil {
			t.Fatal(err)
		}
		if err := v.join(); err != nil {
			t.Fatal(err)
		}
	}
	return visitors
}

// emitting has each visitor emit an event a second, spread over the second.
func emitting(ctx context.Context, visitors []*visitor) {
	for began, n := time.Now(), 0; ctx.Err() == nil; n++ {
		visitors[n%len(visitors)].emit()
		pause(ctx, time.Until(began.Add(time.Duration(n)*time.Second/time.Duration(len(visitors)))))
	}
}

// replace ends a node and, when its clients have come to the others, starts it again.
func (c *cluster) replace(t *testing.T, i int) {
	t.Helper()
	at := slices.IndexFunc(c.running, func(p *process) bool { return p.addr == c.nodes[i] })
	began := time.Now()
	if err := c.end(c.running[at]); err != nil {
		t.Fatal(err)
	}
	ended := time.Since(began)
	pause(t.Context(), 1600*time.Millisecond)
	if err := c.startNode(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	t.Logf("node %d ended after %v and was back after %v", i+1, ended, time.Since(began))
	pause(t.Context(), 500*time.Millisecond)
}

// watch returns the most connections that a node had until ctx ended.
func (c *cluster) watch(ctx context.Context) (most int) {
	for ctx.Err() == nil {
		for _, admin := range c.admin {
			most = max(most, connections(admin))
		}
		pause(ctx, 50*time.Millisecond)
	}
	return most
}

// connections returns how many WebSockets a node has by its own account, 0 when it does not answer.
func connections(admin string) (n int) {
	res, err := http.Get("http://" + admin + "/metrics")
	if err != nil {
		return 0
	}
	defer func() { _ = res.Body.Close() }()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if _, err := fmt.Sscanf(lines.Text(), `socketio_connections{transport="websocket"} %d`, &n); err == nil {
			return n
		}
	}
	return 0
}

// judge checks what became of the visitors.
func judge(t *testing.T, visitors []*visitor, most int) {
	t.Helper()
	events, moves, lost, doubled, disorder, fresh := 0, 0, 0, 0, 0, 0
	var slowest time.Duration
	for _, v := range visitors {
		v.mu.Lock()
		events += v.sent
		moves += v.downs
		fresh += v.fresh
		seen := make(map[int]bool)
		for i, n := range v.received {
			if seen[n] {
				doubled++
			}
			if i > 0 && n < v.received[i-1] {
				disorder++
			}
			seen[n] = true
		}
		lost += v.sent - len(seen)
		slowest = max(slowest, slices.Max(append(v.away, 0)))
		v.mu.Unlock()
	}
	t.Logf("%d clients moved %d times; %d events, %d lost, %d doubled, %d out of order; %d not recovered; "+
		"back within %v; at most %d WebSockets on a node",
		len(visitors), moves, events, lost, doubled, disorder, fresh, slowest, most)
	if lost+doubled+disorder+fresh > 0 {
		t.Error("events or sockets did not survive")
	}
	if moves < len(visitors)/2 {
		t.Errorf("only %d moves", moves)
	}
	if slowest >= 5*time.Second {
		t.Errorf("a client was back after %v", slowest)
	}
	// A third, and the half of it. nginx balances what it sees: WebSockets and polls, not polling sessions.
	if most > len(visitors)/2 || most < len(visitors)/4 {
		t.Errorf("a node had %d WebSockets", most)
	}
}

// wait waits until a condition holds.
func wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); {
		if time.Now().After(end) {
			t.Errorf("it does not happen: %s", what)
			return
		}
		<-time.After(20 * time.Millisecond)
	}
}

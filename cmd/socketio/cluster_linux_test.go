package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gosocketio/socketio/adapter/postgres/pgtest"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// Two processes on one broker are one chat: visitors of one see and hear those of the other, and who
// comes back to the other one has missed nothing.
func TestCluster(t *testing.T) {
	onRedis := func(scheme string) func(*testing.T) string {
		return func(t *testing.T) string { return scheme + "://" + redistest.Start(t).Addr() }
	}
	for name, broker := range map[string]func(*testing.T) string{
		"redis": onRedis("redis"), "redis+sharded": onRedis("redis+sharded"), "redis+streams": onRedis("redis+streams"),
		"nats":           func(t *testing.T) string { return "nats://" + startNATS(t) },
		"nats+jetstream": func(t *testing.T) string { return "nats+jetstream://" + startNATS(t) },
		"postgres":       func(t *testing.T) string { return pgtest.Start(t).URL() + "?create=true" },
	} {
		t.Run(name, func(t *testing.T) {
			url := broker(t)
			first, second := start(t, "-demo", "-cluster", url), start(t, "-demo", "-cluster", url)
			defer first.end(t)
			defer second.end(t)
			brokertest.Await(t, "it says how many servers there are", func() bool {
				return strings.Contains(second.stderr.String(), "servers=2")
			})
			here := rawclient.At(t, strings.TrimPrefix(first.url, "http://"))
			there := rawclient.At(t, strings.TrimPrefix(second.url, "http://"))
			before := time.Now().UnixMilli() - 1

			ana, ben := visit(t, here, "Ana", "lobby"), visit(t, there, "Ben", "lobby")
			ana.seesPeople("lobby", "Ana", "Ben")
			ben.seesPeople("lobby", "Ana", "Ben")
			ana.event(`42/demo,["rooms",`, contains(`{"name":"lobby","people":2}`))
			ben.Send(`42/demo,1["message",{"id":"m1","room":"lobby","text":"from there"}]`)
			ana.event(`42/demo,["message",`, contains(`"text":"from there","from":{"id":"`+ben.id+`","nick":"Ben"}`))
			ben.Close()
			ana.seesPeople("lobby", "Ana")

			ben = visit(t, here, "Ben", "lobby")
			ana.seesPeople("lobby", "Ana", "Ben")
			ben.Send(fmt.Sprintf(`42/demo,2["missed",%d]`, before))
			ben.event(`43/demo,2`, contains(`"text":"from there"`))
		})
	}
}

// With -recovery a client whose connection broke comes back on another server as the same socket, and has
// missed nothing.
func TestRecovery(t *testing.T) {
	for name, broker := range map[string]func(*testing.T) []string{
		"redis+streams":  func(t *testing.T) []string { return repeat("redis+streams://" + redistest.Start(t).Addr()) },
		"nats+jetstream": func(t *testing.T) []string { return repeat("nats+jetstream://" + startNATS(t)) },
		"nats+embedded":  embeddedNodes,
		"postgres":       func(t *testing.T) []string { return repeat(pgtest.Start(t).URL() + "?create=true&recovery=true") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits most of the time
			var nodes []*rawclient.Endpoint
			for _, p := range startAll(t, broker(t), "-recovery", "1m") {
				nodes = append(nodes, rawclient.At(t, strings.TrimPrefix(p.url, "http://")))
			}
			ben, _ := arrive(t, nodes[0], "Ben", "")
			ana, pid := arrive(t, nodes[0], "Ana", "")
			ben.seesPeople("lobby", "Ana", "Ben")
			said := 0
			say := func(text string) func(packet string) bool {
				said++
				ben.Send(fmt.Sprintf(`42/demo,%d["message",{"id":%q,"room":"lobby","text":%q}]`, said, text, text))
				return contains(text)
			}
			var args []any
			for i := range 200 { // the broker has Ana's session before the last of them
				ana.event(`42/demo,["message",`, say(fmt.Sprintf("soon %d.", i)))
			}
			packet := ana.event(`42/demo,["message",`, say("before"))
			if json.Unmarshal([]byte(strings.TrimPrefix(packet, "42/demo,")), &args) != nil || len(args) != 3 {
				t.Fatalf("got %s", packet)
			}
			ana.Close()
			meanwhile := say("meanwhile")
			ben.event(fmt.Sprintf("43/demo,%d", said), anything)
			id := ana.id
			ana, _ = arrive(t, nodes[1], "Ana", fmt.Sprintf(`"pid":%q,"offset":%q,`, pid, args[2]))
			if ana.id != id {
				t.Errorf("came back as %s, was %s", ana.id, id)
			}
			if !slices.ContainsFunc(ana.missed, meanwhile) { // Ben's acknowledgement may have come before it was in the log
				ana.event(`42/demo,["message",`, meanwhile)
			}
			ana.event(`42/demo,["message",`, say("after"))
		})
	}
}

// returning is a guest who may be recovered.
type returning struct {
	*guest
	missed []string // what came before the answer to CONNECT
}

// arrive joins the chat and its lobby, and returns the id of the session. auth is what identifies a
// session that there was.
func arrive(t *testing.T, e *rawclient.Endpoint, nick, auth string) (g *returning, pid string) {
	t.Helper()
	c := e.WebSocket()
	c.Send(fmt.Sprintf(`40/demo,{%s"nick":%q,"rooms":["lobby"]}`, auth, nick))
	g = &returning{guest: &guest{c, t, ""}}
	for {
		packet := c.Read()
		var ids struct{ Sid, Pid string }
		answer, ok := strings.CutPrefix(packet, "40/demo,")
		switch {
		case !ok:
			g.missed = append(g.missed, packet)
			continue
		case json.Unmarshal([]byte(answer), &ids) != nil || ids.Pid == "":
			t.Fatalf("got %s", packet)
		}
		g.id = ids.Sid
		return g, ids.Pid
	}
}

// repeat returns the URL of each of two servers.
func repeat(url string) []string { return []string{url, url} }

// embeddedNodes returns the URLs of three servers that are a cluster by themselves.
func embeddedNodes(t *testing.T) (urls []string) {
	var routes []string
	for _, port := range brokertest.FreePorts(t, 3) {
		routes = append(routes, fmt.Sprintf("127.0.0.1:%d", port))
	}
	for _, addr := range routes {
		urls = append(urls, fmt.Sprintf("nats+embedded://token@%s?jetstream=true&store=%s&routes=%s",
			addr, t.TempDir(), strings.Join(routes, ",")))
	}
	return urls
}

// startAll starts a server for each URL, all at once: some wait for each other. They end with the test.
func startAll(t *testing.T, urls []string, args ...string) []*process {
	all := make([]*process, len(urls))
	var started sync.WaitGroup
	for i, url := range urls {
		started.Go(func() { all[i] = start(t, append([]string{"-demo", "-cluster", url}, args...)...) })
	}
	if started.Wait(); slices.Contains(all, nil) {
		t.FailNow()
	}
	t.Cleanup(func() {
		for _, p := range all {
			p.stop()
		}
		for _, p := range all {
			next(t, "exit", p.exited) // not 0 for the last ones of a cluster that needs a majority
		}
	})
	return all
}

// startNATS runs a NATS server with JetStream until the test ends, and returns its address.
func startNATS(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	return s.Addr().String()
}

// -cluster takes the URLs that docker-compose.yml has.
func TestComposeURLs(t *testing.T) {
	compose, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	urls := regexp.MustCompile(`[a-z+]+://[^\s'}]*(?:nats|postgres|redis):\d+[^\s'}]*`).FindAllString(string(compose), -1)
	if len(urls) != 3 {
		t.Errorf("found the URLs %q", urls)
	}
	for _, url := range urls {
		if _, err := clusterAdapter(url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gosocketio/socketio/adapter/postgres/pgtest"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
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
			first, second := start(t, "-cluster", url), start(t, "-cluster", url)
			defer first.end(t)
			defer second.end(t)
			for deadline := time.Now().Add(5 * time.Second); !strings.Contains(second.stderr.String(), "servers=2"); {
				if time.Now().After(deadline) {
					t.Fatalf("it does not say how many servers there are: %q", second.stderr.String())
				}
				time.Sleep(10 * time.Millisecond)
			}
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

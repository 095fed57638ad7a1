package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// Two processes on one Redis are one chat: visitors of one see and hear those of the other, and who
// comes back to the other one has missed nothing.
func TestCluster(t *testing.T) {
	for _, scheme := range []string{"redis", "redis+sharded", "redis+streams"} {
		t.Run(scheme, func(t *testing.T) {
			url := scheme + "://" + redistest.Start(t).Addr()
			first, second := start(t, "-cluster", url), start(t, "-cluster", url)
			defer first.end(t)
			defer second.end(t)
			if said := second.stderr.String(); !strings.Contains(said, "servers=2") {
				t.Errorf("it does not say how many servers there are: %q", said)
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

package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// The size of a run of make chaos.
const (
	chaosNodes   = 3
	chaosClients = 8
	chaosTime    = 9 * time.Second // of faults
	chaosEvery   = 10              // ms between events of a node
)

// Faults of make chaos. The first ones hit a node, its link to the broker, or the broker.
const (
	killNode     = "kill node"
	restartNode  = "restart node" // after Shutdown
	stopNode     = "stop node"
	partition    = "partition"
	loseOutgoing = "partition, outgoing"
	loseIncoming = "partition, incoming"
	slowLink     = "slow link"
	cutLink      = "cut link"
	killBroker   = "kill broker"
	stopBroker   = "stop broker"

	cutClient     = "cut client"
	holdClient    = "hold client"
	abandonClient = "abandon client" // the server does not see that it went
)

var (
	nodeFaults   = []string{killNode, restartNode, stopNode, partition, loseOutgoing, loseIncoming, slowLink, cutLink}
	brokerFaults = []string{killBroker, stopBroker}
	clientFaults = []string{cutClient, holdClient, abandonClient}
)

// strike is a fault of a plan.
type strike struct {
	at, lasts time.Duration
	what      string
	who       int // node or client
}

func (s strike) String() string {
	return fmt.Sprintf("%5.2f s: %s %d for %.2f s", s.at.Seconds(), s.what, s.who, s.lasts.Seconds())
}

// Some runs have long faults, so that others take what they hit for dead. Some have small queues, which
// fill in a second of a fault.
func longFaults(seed uint64) bool { return seed%4 == 0 }
func smallQueue(seed uint64) bool { return seed%2 == 1 }

const smallQueueBytes = 64 << 10

// plan is what happens in a run, by its seed.
func plan(seed uint64, withBroker bool) (all []strike) {
	length, shortest, longest := chaosTime, chaosTime/40, chaosTime/4
	if longFaults(seed) {
		length, shortest, longest = 2*chaosTime, chaosTime/2, 4*chaosTime/3
	}
	r := rand.New(rand.NewPCG(seed, 1))
	between := func(low, high time.Duration) time.Duration { return low + time.Duration(r.Int64N(int64(high-low))) }
	kinds := nodeFaults
	if withBroker {
		kinds = slices.Concat(kinds, brokerFaults)
	}
	add := func(kinds []string, among int, pause time.Duration) {
		for at := between(0, pause); at < length; at += between(pause/4, pause) {
			all = append(all, strike{at, between(shortest, longest), kinds[r.IntN(len(kinds))], r.IntN(among)})
		}
	}
	add(kinds, chaosNodes, length/6)
	add(clientFaults, chaosClients, length/12)
	slices.SortStableFunc(all, func(a, b strike) int { return cmp.Compare(a.at, b.at) })
	return all
}

// chaosTargets are those of a client: its namespace, a room with others, and a room of its own.
func chaosTargets(client int) []string {
	ns := []string{"/", "/chat"}[client%2]
	return []string{ns + "|", fmt.Sprintf("%s|r%d", ns, client/2%3), fmt.Sprintf("%s|c%d", ns, client)}
}

// allTargets are those of all clients.
func allTargets() (all []string) {
	for i := range chaosClients {
		all = append(all, chaosTargets(i)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// countFaults counts faults of each kind, for the report: "2 kill node, 1 cut link".
func countFaults(all []strike) string {
	var parts []string
	for _, what := range slices.Concat(nodeFaults, brokerFaults, clientFaults) {
		n := 0
		for _, s := range all {
			if s.what == what {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	return strings.Join(parts, ", ")
}

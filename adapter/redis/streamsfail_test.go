package redis

import (
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/adapter/redis/redistest"
)

// A replica takes over.
func TestStreamsFailover(t *testing.T) {
	s := redistest.StartSentinel(t, "--repl-diskless-sync-delay", "0")
	await(t, "the replica has the data", func() bool {
		return strings.Contains(s.Replica.Do("INFO", "replication"), "master_link_status:up")
	})
	c := Config{Addrs: s.Addrs(), Master: redistest.MasterName}
	a, b := joinStreams(t, c, "aaaaaaaaaaaaaaaa"), joinStreams(t, c, "bbbbbbbbbbbbbbbb")
	publishThrough(t, a, b, 6*time.Second, func() {
		time.Sleep(500 * time.Millisecond)
		s.Master.Kill()
		start := time.Now()
		for s.MasterAddr() != s.Replica.Addr() {
			time.Sleep(20 * time.Millisecond)
		}
		t.Logf("the replica is the master after %v", time.Since(start).Round(time.Millisecond))
	})
}

// In a Redis Cluster the stream is on one node. Connections are killed.
func TestStreamsCluster(t *testing.T) {
	s := redistest.StartCluster(t)
	c := Config{Addrs: s.Addrs(), StreamCount: 3}
	a, b := joinStreams(t, c, "aaaaaaaaaaaaaaaa"), joinStreams(t, c, "bbbbbbbbbbbbbbbb")
	publishThrough(t, a, b, time.Second, func() {
		for range 3 {
			time.Sleep(100 * time.Millisecond)
			for _, node := range s.Nodes {
				node.Do("CLIENT", "KILL", "TYPE", "normal")
			}
		}
	})
	await(t, "both servers are counted", func() bool { n, err := a.link.Count(t.Context()); return n == 2 && err == nil })
}

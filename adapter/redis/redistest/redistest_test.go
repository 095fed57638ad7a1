package redistest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/adapter/redis/redistest"
)

func TestServer(t *testing.T) {
	s := redistest.Start(t, "--maxclients", "77")
	if got := s.Do("CONFIG", "GET", "maxclients"); got != "maxclients\n77" {
		t.Errorf("got %q", got)
	}
	s.Do("SET", "a", "1")
	s.Stop()
	time.AfterFunc(50*time.Millisecond, s.Continue)
	if got := s.Do("GET", "a"); got != "1" {
		t.Errorf("got %q", got)
	}
	s.Restart()
	if got := s.Do("GET", "a"); got != "" {
		t.Errorf("a server without persistence has %q", got)
	}
}

func TestCluster(t *testing.T) {
	c := redistest.StartCluster(t)
	if got := c.Nodes[2].Do("CLUSTER", "INFO"); !strings.Contains(got, "cluster_size:3") {
		t.Errorf("got %q", got)
	}
}

func TestSentinel(t *testing.T) {
	s := redistest.StartSentinel(t)
	if got := s.MasterAddr(); got != s.Master.Addr() {
		t.Fatalf("the master is %s, want %s", got, s.Master.Addr())
	}
	s.Master.Kill()
	deadline := time.Now().Add(15 * time.Second)
	for ; s.MasterAddr() != s.Replica.Addr(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the replica has not become the master")
		}
	}
}

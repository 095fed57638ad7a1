package redistest

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/internal/brokertest"
)

// Cluster is a Redis Cluster of three masters without replicas.
type Cluster struct {
	// Nodes are its servers.
	Nodes []*Server
}

// StartCluster starts a Redis Cluster, which takes about 3 s. A node counts as dead after 2 s.
func StartCluster(t testing.TB, args ...string) *Cluster {
	t.Helper()
	c := &Cluster{}
	create := []string{"--cluster", "create"}
	for range 3 {
		s := start(t, brokertest.FreePorts(t, 1)[0], append([]string{"--cluster-enabled", "yes", "--cluster-node-timeout", "2000",
			"--cluster-port", strconv.Itoa(brokertest.FreePorts(t, 1)[0])}, args...)...)
		c.Nodes = append(c.Nodes, s)
		create = append(create, s.addr)
	}
	c.Nodes[0].Do(append(create, "--cluster-yes")...)
	for _, s := range c.Nodes {
		await(t, s.addr+" knows the cluster", func() bool {
			return strings.Contains(s.Do("CLUSTER", "INFO"), "cluster_state:ok")
		})
	}
	return c
}

// Addrs returns the addresses of the nodes.
func (c *Cluster) Addrs() (addrs []string) {
	for _, s := range c.Nodes {
		addrs = append(addrs, s.addr)
	}
	return addrs
}

// URL returns redis://host:port,host:port,host:port.
func (c *Cluster) URL() string { return "redis://" + strings.Join(c.Addrs(), ",") }

// await waits for a condition.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(startTimeout); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("this did not happen: %s", what)
		}
	}
}

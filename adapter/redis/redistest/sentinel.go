package redistest

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/internal/brokertest"
)

// MasterName is what the sentinels call the master.
const MasterName = "main"

// Sentinel is a master with a replica and three sentinels.
type Sentinel struct {
	// Master and Replica are the servers as they were started.
	Master, Replica *Server
	// Sentinels watch them.
	Sentinels []*Server
}

// StartSentinel starts five processes, which takes about 3 s. A master counts as dead after 1 s.
func StartSentinel(t testing.TB, args ...string) *Sentinel {
	t.Helper()
	s := &Sentinel{Master: Start(t, args...)}
	host, port, err := net.SplitHostPort(s.Master.addr)
	if err != nil {
		t.Fatal(err)
	}
	s.Replica = Start(t, append([]string{"--replicaof", host + " " + port}, args...)...)
	for range 3 {
		s.Sentinels = append(s.Sentinels, startSentinel(t, host, port))
	}
	for _, watch := range s.Sentinels {
		await(t, "the sentinel at "+watch.addr+" knows all", func() bool {
			state := watch.Do("SENTINEL", "MASTER", MasterName)
			return strings.Contains(state, "num-slaves\n1") && strings.Contains(state, "num-other-sentinels\n2")
		})
	}
	return s
}

func startSentinel(t testing.TB, host, port string) *Server {
	t.Helper()
	dir, config, watch := t.TempDir(), "sentinel.conf", brokertest.FreePorts(t, 1)[0]
	text := strings.Join([]string{
		"port " + strconv.Itoa(watch), "bind 127.0.0.1", "logfile " + logFile,
		"sentinel monitor " + MasterName + " " + host + " " + port + " 2",
		"sentinel down-after-milliseconds " + MasterName + " 1000",
		"sentinel failover-timeout " + MasterName + " 5000", "",
	}, "\n")
	if err := os.WriteFile(filepath.Join(dir, config), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return launch(t, dir, watch, []string{config, "--sentinel"})
}

// Addrs returns the addresses of the sentinels.
func (s *Sentinel) Addrs() (addrs []string) {
	for _, watch := range s.Sentinels {
		addrs = append(addrs, watch.addr)
	}
	return addrs
}

// URL returns redis://host:port,host:port,host:port?master=name.
func (s *Sentinel) URL() string {
	return "redis://" + strings.Join(s.Addrs(), ",") + "?master=" + MasterName
}

// MasterAddr returns the address of the master that the sentinels know.
func (s *Sentinel) MasterAddr() string {
	answer := s.Sentinels[0].Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterName)
	return strings.ReplaceAll(answer, "\n", ":")
}

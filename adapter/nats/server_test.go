package nats

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/gosocketio/socketio/internal/brokertest"
)

// dialTime limits a dial of a test: that of the library is too short for a busy machine.
var dialTime = nats.Timeout(brokertest.Patience)

// natsServer is a NATS server in this process, which can end and come back.
type natsServer struct {
	t       testing.TB
	options server.Options
	*server.Server
}

// startNATS starts a server. It ends with the test.
func startNATS(t testing.TB, change func(*server.Options)) *natsServer {
	t.Helper()
	s := &natsServer{t: t, options: server.Options{
		Host: "127.0.0.1", Port: brokertest.FreePorts(t, 1)[0], NoLog: true, NoSigs: true, StoreDir: t.TempDir(),
	}}
	if change != nil {
		change(&s.options)
	}
	s.Restart()
	t.Cleanup(func() { s.Kill() })
	return s
}

// Kill ends the server and its connections.
func (s *natsServer) Kill() {
	s.t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Shutdown()
		s.WaitForShutdown()
	}()
	brokertest.Get(s.t, "end of the NATS server", ended)
}

// Restart starts it again at the same address.
func (s *natsServer) Restart() {
	s.t.Helper()
	o := s.options
	var err error
	if s.Server, err = server.NewServer(&o); err != nil {
		s.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(brokertest.Patience) {
		s.t.Fatal("the NATS server is not ready")
	}
}

// host returns its address.
func (s *natsServer) host() string { return s.Addr().String() }

// startProxy starts a proxy in front of a server.
func startProxy(t testing.TB, to string) *brokertest.Proxy {
	return brokertest.StartProxy(t, &brokertest.Proxy{To: func() string { return to }})
}

// startCluster starts NATS servers with JetStream that know each other.
func startCluster(t testing.TB, n int) (list []*natsServer) {
	t.Helper()
	ports := brokertest.FreePorts(t, n)
	routes := make([]string, n)
	for i, port := range ports {
		routes[i] = fmt.Sprint("nats://127.0.0.1:", port)
	}
	for i, port := range ports {
		list = append(list, startNATS(t, func(o *server.Options) {
			o.JetStream, o.ServerName = true, fmt.Sprint("n", i)
			if n > 1 {
				o.Cluster = server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: port}
				o.Routes = server.RoutesFromStr(strings.Join(routes, ","))
			}
		}))
	}
	return list
}

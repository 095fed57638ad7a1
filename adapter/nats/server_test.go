package nats

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gosocketio/socketio/internal/brokertest"
)

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
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, StoreDir: t.TempDir(),
	}}
	if change != nil {
		change(&s.options)
	}
	s.Restart()
	s.options.Port = s.Addr().(*net.TCPAddr).Port
	t.Cleanup(func() { s.Kill() })
	return s
}

// Kill ends the server and its connections.
func (s *natsServer) Kill() {
	s.Shutdown()
	s.WaitForShutdown()
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

// proxy is a TCP proxy in front of a server. Its connections can stand still, or break.
type proxy struct {
	to       string
	listener net.Listener
	done     sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	still sync.RWMutex // held for writing while nothing moves
	held  atomic.Bool
}

// startProxy starts a proxy. It ends with the test.
func startProxy(t testing.TB, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{to: to, listener: l}
	p.done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.join(c)
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.Continue()
		p.Cut()
		p.done.Wait()
	})
	return p
}

func (p *proxy) host() string { return p.listener.Addr().String() }

func (p *proxy) join(c net.Conn) {
	d, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = c.Close()
		return
	}
	p.mu.Lock()
	p.conns = append(p.conns, c, d)
	p.mu.Unlock()
	for _, way := range [][2]net.Conn{{c, d}, {d, c}} {
		p.done.Go(func() {
			defer way[1].Close()
			defer way[0].Close()
			buf := make([]byte, 32<<10)
			for {
				n, err := way[0].Read(buf)
				p.still.RLock()
				_, err2 := way[1].Write(buf[:n])
				p.still.RUnlock()
				if err != nil || err2 != nil {
					return
				}
			}
		})
	}
}

// Cut breaks all connections.
func (p *proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// Stop makes everything stand still until Continue.
func (p *proxy) Stop() {
	p.still.Lock()
	p.held.Store(true)
}

func (p *proxy) Continue() {
	if p.held.CompareAndSwap(true, false) {
		p.still.Unlock()
	}
}

package brokertest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is a TCP proxy in front of a server. Its connections can stand still, be slow, or break.
type Proxy struct {
	// To returns the address of the server when a connection is made.
	To func() string
	// Delay, if not nil, is called for what is read at once, up to 32 KiB, and returns how long that is
	// under way. What comes after it waits.
	Delay func() time.Duration
	// Silence, if not 0, ends a connection after so long without a byte from the server.
	Silence time.Duration

	listener net.Listener
	done     sync.WaitGroup

	mu    sync.Mutex
	gates [2]*gate // of the present connections and those to come
	pairs map[*pair]struct{}
}

// The two ways through a proxy.
const (
	ToServer = 1 << iota
	ToClient
)

// gate is shut while nothing passes.
type gate struct {
	sync.RWMutex // held for writing while it is shut
	shut         bool
}

// pair is a connection of a client with that to the server.
type pair struct {
	ends  [2]net.Conn // the client's, the server's
	gates [2]*gate
}

func (x *pair) cut() {
	for _, end := range x.ends {
		_ = end.Close()
	}
}

// StartProxy starts a proxy. It ends with the test.
func StartProxy(t testing.TB, p *Proxy) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.listener, p.pairs, p.gates = l, make(map[*pair]struct{}), [2]*gate{{}, {}}
	p.done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.done.Go(func() { p.join(c) })
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

// Addr returns the address to connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

func (p *Proxy) join(c net.Conn) {
	d, err := net.Dial("tcp", p.To())
	if err != nil {
		_ = c.Close()
		return
	}
	p.mu.Lock()
	x := &pair{ends: [2]net.Conn{c, d}, gates: p.gates}
	p.pairs[x] = struct{}{}
	p.mu.Unlock()
	var ways sync.WaitGroup
	ways.Go(func() { p.pass(x, 0) })
	p.pass(x, 1)
	ways.Wait()
	p.mu.Lock()
	delete(p.pairs, x)
	p.mu.Unlock()
}

// pass copies one way until an end is closed.
func (p *Proxy) pass(x *pair, way int) {
	defer x.cut()
	from, to, g := x.ends[way], x.ends[1-way], x.gates[way]
	buf := make([]byte, 32<<10)
	for {
		if way == 1 && p.Silence > 0 {
			_ = from.SetReadDeadline(time.Now().Add(p.Silence))
		}
		n, err := from.Read(buf)
		if p.Delay != nil {
			time.Sleep(p.Delay())
		}
		g.RLock() // nor does the end of a connection pass
		_, err2 := to.Write(buf[:n])
		g.RUnlock()
		if err != nil || err2 != nil {
			return
		}
	}
}

// Cut breaks all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for x := range p.pairs {
		x.cut()
	}
}

// Stop makes everything stand still until Continue, new connections too.
func (p *Proxy) Stop() { p.Hold(ToServer | ToClient) }

// Hold is Stop for these ways.
func (p *Proxy) Hold(ways int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, g := range p.gates {
		if ways&(1<<i) != 0 && !g.shut {
			g.shut = true
			g.Lock()
		}
	}
}

// Continue ends Stop and Hold.
func (p *Proxy) Continue() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.gates {
		if g.shut {
			g.shut = false
			g.Unlock()
		}
	}
}

// Abandon makes the present connections stand still for good: the server does not see that they end
// before the returned function is called. New ones are not concerned.
func (p *Proxy) Abandon() (end func()) {
	p.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	gates := p.gates
	p.gates = [2]*gate{{}, {}}
	old := make([]*pair, 0, len(p.pairs))
	for x := range p.pairs {
		if x.gates == gates {
			old = append(old, x)
		}
	}
	return sync.OnceFunc(func() {
		for _, x := range old {
			x.cut()
		}
		for _, g := range gates {
			g.Unlock()
		}
	})
}

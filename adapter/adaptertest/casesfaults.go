package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gosocketio/socketio"
)

// Faults does to a broker what happens to one in production. A test is left out when its functions
// are nil.
type Faults struct {
	// Cut ends the servers' connections to the broker. They connect again by themselves.
	Cut func()
	// Stop makes the broker do nothing until Continue, as SIGSTOP does.
	Stop, Continue func()
	// Kill ends the broker, as SIGKILL does. Restart starts it again.
	Kill, Restart func()
	// Lossless tells that the broker keeps what is sent meanwhile: then nothing may be lost.
	Lossless bool
}

// traffic is numbered events from the first server to the sockets of all, one each 5 ms.
type traffic struct {
	c       *cluster
	mu      sync.Mutex
	sent    int
	refused map[int]bool // Emit returned an error
	slowest time.Duration
	got     [][]int // by client
	stop    chan struct{}
	workers sync.WaitGroup
}

func (c *cluster) traffic() *traffic {
	x := &traffic{c: c, refused: make(map[int]bool), got: make([][]int, len(c.clients)), stop: make(chan struct{})}
	first := c.servers[0] // c.servers may grow
	x.workers.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			began := time.Now()
			err := first.Emit("n", n)
			x.mu.Lock()
			x.sent++
			x.slowest = max(x.slowest, time.Since(began))
			if err != nil {
				x.refused[n] = true
			}
			x.mu.Unlock()
			select {
			case <-tick.C:
			case <-x.stop:
				return
			}
		}
	})
	for i, client := range c.clients {
		x.workers.Go(func() {
			for {
				m, err := client.Next(c.ctx)
				if err != nil || m.Event() == "end" {
					return
				}
				var n int
				if err := m.Decode(&n); err != nil {
					c.Error(err)
				}
				x.mu.Lock()
				x.got[i] = append(x.got[i], n)
				x.mu.Unlock()
			}
		})
	}
	return x
}

// count returns how many were sent so far.
func (x *traffic) count() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.sent
}

// goesOn waits until so many more events were sent.
func (x *traffic) goesOn(n int) {
	x.c.Helper()
	from := x.count()
	x.c.await("events are sent", func() bool { return x.count() >= from+n })
}

// flows waits until events that are sent from now on arrive everywhere.
func (x *traffic) flows() {
	x.c.Helper()
	from := x.count()
	x.c.await("events arrive", func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		for _, got := range x.got {
			if len(got) == 0 || got[len(got)-1] < from {
				return false
			}
		}
		return true
	})
}

// end stops the traffic and checks it: nothing came twice or out of order, the sockets here lacked
// nothing, and what others lack was lost for a reason that somebody was told.
func (x *traffic) end(lossless bool) {
	x.c.Helper()
	close(x.stop)
	for _, s := range x.c.servers {
		x.c.do(s.Local().Emit("end"))
	}
	x.workers.Wait()
	if x.slowest > time.Second {
		x.c.Errorf("an Emit took %v", x.slowest)
	}
	for i, got := range x.got {
		next, missing := 0, 0
		for _, n := range got {
			if n < next {
				x.c.Fatalf("client %d got %d behind %d", i, n, next-1)
			}
			for ; next < n; next++ {
				if i == 0 || !x.refused[next] {
					missing++
				}
			}
			next = n + 1
		}
		x.c.Logf("client %d of %d events: %d refused, %d lost", i, x.sent, len(x.refused), missing)
		switch {
		case missing > 0 && (i == 0 || lossless):
			x.c.Errorf("client %d lacks %d events", i, missing)
		case missing > 0 && x.c.errors(0)+x.c.errors(i) == 0:
			x.c.Errorf("client %d lacks %d events, and neither server reported an error", i, missing)
		}
	}
}

// errors returns how many errors of the broker a server has reported.
func (c *cluster) errors(server int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.reports[server])
}

// whole waits until a server sees the sockets of all, without an error.
func (c *cluster) whole() {
	c.Helper()
	c.await("all sockets are found", func() bool {
		ids, err := c.servers[0].AllSockets(c.ctx)
		return err == nil && len(ids) == len(c.sockets)
	})
}

// interrupted checks that a request ends in time, with what is here and an error, while the broker is away.
func (c *cluster) interrupted() {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, time.Second)
	defer cancel()
	began := time.Now()
	var ids []string
	var last error
	for s, err := range c.servers[0].FetchSockets(ctx) {
		if err != nil {
			last = err
		} else {
			ids = append(ids, s.ID())
		}
	}
	var missing *socketio.MissingServersError
	if len(ids) != 1 || ids[0] != c.sockets[0].ID() || !errors.As(last, &missing) || time.Since(began) > 3*time.Second {
		c.Errorf("found %q, %v after %v", ids, last, time.Since(began))
	}
}

func connectionLost(c *cluster, f Faults) {
	x := c.traffic()
	x.flows()
	for range 3 {
		f.Cut()
		x.goesOn(50)
		x.flows()
	}
	c.whole()
	x.flows()
	x.end(f.Lossless)
}

func brokerStopped(c *cluster, f Faults) {
	x := c.traffic()
	x.flows()
	f.Stop()
	c.interrupted()
	f.Continue()
	x.flows()
	c.whole()
	x.end(f.Lossless)
}

func brokerKilled(c *cluster, f Faults) {
	x := c.traffic()
	x.flows()
	f.Kill()
	c.interrupted()
	x.goesOn(100)
	f.Restart()
	x.flows()
	c.whole()
	x.end(f.Lossless)
}

// A server that starts while there is traffic sees all sockets at once, and reaches them.
func newcomer(c *cluster) {
	x := c.traffic()
	x.flows()
	i := c.addServer(c.spare)
	ids, err := c.servers[i].AllSockets(c.ctx)
	if err != nil || len(ids) != len(c.sockets) {
		c.Errorf("it sees %d sockets, %v; there are %d", len(ids), err, len(c.sockets))
	}
	x.end(true)
	for j, client := range c.clients {
		c.do(c.servers[i].To(c.sockets[j].ID()).Emit("hello"))
		if _, err := client.Receive(c.ctx, "hello"); err != nil {
			c.Error(err)
		}
	}
	c.addClient(i)
	c.whole()
}

// Many namespaces that do nothing cost little, and each works.
func idleNamespaces(c *cluster) {
	const namespaces = 100
	for _, s := range c.servers {
		for i := range namespaces {
			s.Of(fmt.Sprint("/idle", i))
		}
	}
	for _, s := range c.servers {
		for i := range namespaces {
			ns := s.Of(fmt.Sprint("/idle", i))
			c.await("all servers are known", func() bool {
				n, err := ns.ServerCount(c.ctx)
				return err == nil && n == len(c.servers)
			})
		}
	}
	sent := func() (n uint64) {
		for _, s := range c.servers {
			if b := s.Stats().Broker; b != nil {
				n += b.Sent
			}
		}
		return n
	}
	before := sent()
	const idle = 2 * time.Second
	time.Sleep(idle) // it is the time in which nothing should happen
	if n := sent() - before; n > 20 {
		c.Errorf("%d idle servers with %d namespaces sent %d messages in %v", len(c.servers), namespaces, n, idle)
	}
	client := c.connect(c.last(), "/idle7")
	c.do(c.servers[0].Of("/idle7").Emit("hello"))
	if m, err := client.Next(c.ctx); err != nil || m.Event() != "hello" {
		c.Errorf("got %v, %v", m, err)
	}
}

// Events that are equal all arrive: no broker may fold them into one.
func equalEvents(c *cluster) {
	for range 3 {
		c.do(c.servers[0].Emit("same", "x"))
	}
	c.do(c.servers[0].Emit("end"))
	for i, client := range c.clients {
		for n := range 4 {
			m, err := client.Next(c.ctx)
			if err != nil || (m.Event() == "end") != (n == 3) {
				c.Fatalf("client %d got %v, %v as number %d", i, m, err, n)
			}
		}
	}
}

// Events of all sizes arrive, also where lengths take one more byte or a broker has a limit.
func sizes(c *cluster) {
	for _, size := range []int{0, 31, 32, 255, 256, 7_900, 7_999, 8_000, 8_001, 65_535, 65_536, 1 << 20} {
		text, data := make([]byte, size), make([]byte, size)
		for i := range text {
			text[i], data[i] = 'a'+byte(i%26), byte(i)
		}
		c.do(c.servers[0].Emit("size", string(text)), c.servers[0].Emit("size", data))
		for i, client := range c.clients {
			var gotText string
			var gotData []byte
			for _, to := range []any{&gotText, &gotData} {
				m, err := client.Next(c.ctx)
				if err == nil {
					err = m.Decode(to)
				}
				if err != nil {
					c.Fatal(err)
				}
			}
			if gotText != string(text) || string(gotData) != string(data) {
				c.Errorf("client %d got %d and %d bytes, or others, for %d", i, len(gotText), len(gotData), size)
			}
		}
	}
}

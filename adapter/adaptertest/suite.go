package adaptertest

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/siotest"
)

// Suite is the tests of one kind of adapter.
type Suite struct {
	// Adapters returns what makes the adapters of n servers that can reach each other, and nobody
	// else. It is called once for each test.
	Adapters func(t *testing.T, n int) []adapter.Factory
	// Faulty is Adapters with what can be done to the broker of this test. Nil leaves out the tests that
	// need it.
	Faulty func(t *testing.T, n int) ([]adapter.Factory, Faults)
	// Alone tells that the adapter is for servers that know no others, as adapter.Memory is.
	Alone bool
}

// Run runs the tests.
func (s Suite) Run(t *testing.T) {
	for _, test := range []struct {
		name string
		ids  string // of the official suite's cases
		run  func(*cluster)
	}{
		{"broadcast", "1", broadcast},
		{"broadcast in a custom namespace", "2", broadcastElsewhere},
		{"broadcast to a room on another server", "3", broadcastToRooms},
		{"broadcast except a room", "4", broadcastExcept},
		{"local broadcast", "5", broadcastLocal},
		{"broadcast with acknowledgements", "7 8", broadcastWithAck},
		{"broadcast with acknowledgements of nobody", "9", broadcastWithAckOfNobody},
		{"broadcast with an acknowledgement missing", "10", broadcastWithAckMissing},
		{"one socket's acknowledgement", "11 12", oneAck},
		{"sockets join", "13 14 15", socketsJoin},
		{"sockets leave", "16 17 18", socketsLeave},
		{"sockets are disconnected", "19 20", socketsDisconnect},
		{"sockets are fetched", "21 22 23", socketsFetched},
		{"server-side events", "24", serverSideEmit},
		{"server-side events with answers", "25", serverSideEmitWithAck},
		{"server-side events with an answer missing", "26", serverSideEmitMissing},
		{"a server leaves while it is asked", "27", serverLeaves},
		{"order", "", order},
		{"equal events", "", equalEvents},
		{"sizes", "", sizes},
		{"commands for sockets that come and go", "", churn},
	} {
		t.Run(test.name, func(t *testing.T) {
			for id := range strings.FieldsSeq(test.ids) {
				if !s.Alone {
					t.Attr("covers", "adapter/cluster/"+id)
				}
			}
			n := 3
			if s.Alone {
				n = 1
			}
			test.run(s.start(t, s.Adapters(t, n)))
		})
	}
	if s.Alone {
		return
	}
	for _, test := range []struct {
		name string
		run  func(*cluster)
	}{{"a newcomer", newcomer}, {"servers know each other", directory}} {
		t.Run(test.name, func(t *testing.T) {
			all := s.Adapters(t, 3)
			c := s.start(t, all[:2])
			c.spare = all[2]
			test.run(c)
		})
	}
	t.Run("idle namespaces", func(t *testing.T) { idleNamespaces(s.start(t, s.Adapters(t, 3))) })
	s.RunFaults(t)
}

// RunFaults runs only the tests in which the broker fails. They need Faulty alone.
func (s Suite) RunFaults(t *testing.T) {
	if s.Faulty == nil {
		return
	}
	for _, test := range []struct {
		name string
		has  func(Faults) bool
		run  func(*cluster, Faults)
	}{
		{"connection lost", func(f Faults) bool { return f.Cut != nil }, connectionLost},
		{"broker stopped", func(f Faults) bool { return f.Stop != nil }, brokerStopped},
		{"broker killed", func(f Faults) bool { return f.Kill != nil }, brokerKilled},
	} {
		t.Run(test.name, func(t *testing.T) {
			all, faults := s.Faulty(t, 3)
			if test.has(faults) {
				test.run(s.start(t, all), faults)
			}
		})
	}
}

// patience is how long anything may take that should happen at once.
const patience = 10 * time.Second

// cluster is some servers, with one client and its socket on each.
type cluster struct {
	*testing.T
	ctx      context.Context
	adapters []adapter.Adapter // of "/"
	servers  []*socketio.Server
	serving  []*siotest.Server
	clients  []*siotest.Client
	sockets  []*socketio.Socket
	spare    adapter.Factory // of a server that may come later

	mu      sync.Mutex
	reports map[int][]error // of the broker, by server
}

func (s Suite) start(t *testing.T, all []adapter.Factory) *cluster {
	ctx, cancel := context.WithTimeout(t.Context(), 6*patience)
	t.Cleanup(cancel)
	c := &cluster{T: t, ctx: ctx, reports: make(map[int][]error)}
	for _, factory := range all {
		c.addServer(factory)
	}
	for i, a := range c.adapters {
		c.await(fmt.Sprintf("server %d knows the others", i), func() bool {
			known, err := a.ServerCount(ctx)
			return err == nil && known == len(all)
		})
	}
	for i := range all {
		c.addClient(i)
	}
	return c
}

// addServer starts one more server and returns its number.
func (c *cluster) addServer(factory adapter.Factory) (number int) {
	c.Helper()
	number = len(c.servers)
	sio, err := socketio.NewServer(socketio.Config{
		Logger: slog.New(slog.DiscardHandler),
		Hooks: socketio.Hooks{Broker: func(i socketio.BrokerInfo) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.reports[number] = append(c.reports[number], i.Err)
		}},
		Adapter: func(h adapter.Host) (adapter.Adapter, error) {
			a, err := factory(h)
			if err == nil && h.Name() == "/" {
				c.adapters = append(c.adapters, a)
			}
			return a, err
		},
	})
	if err != nil {
		c.Fatal(err)
	}
	sio.Of("/custom")
	c.servers = append(c.servers, sio)
	c.serving = append(c.serving, siotest.Serve(c.T, sio))
	return number
}

// addClient connects a client to a server.
func (c *cluster) addClient(server int) {
	c.Helper()
	c.clients = append(c.clients, c.connect(server, "/"))
	socket, ok := c.servers[server].Socket(c.clients[server].ID())
	if !ok {
		c.Fatal("a socket is not there")
	}
	c.sockets = append(c.sockets, socket)
}

// connect connects a client to a server.
func (c *cluster) connect(server int, namespace string) *siotest.Client {
	c.Helper()
	client, err := c.serving[server].Connect(c.ctx, namespace, map[string]string{"from": fmt.Sprint(server)})
	if err != nil {
		c.Fatal(err)
	}
	return client
}

// await waits until something is so.
func (c *cluster) await(what string, so func() bool) {
	c.Helper()
	for deadline := time.Now().Add(patience); !so(); {
		if time.Now().After(deadline) {
			c.Fatalf("it is not so that %s", what)
		}
		runtime.Gosched()
		time.Sleep(time.Millisecond)
	}
}

// get returns the next value of a channel.
func get[T any](c *cluster, from <-chan T) (value T) {
	c.Helper()
	select {
	case value = <-from:
	case <-c.ctx.Done():
		c.Fatal("what the test waits for does not come")
	}
	return value
}

func (c *cluster) do(errs ...error) {
	c.Helper()
	for _, err := range errs {
		if err != nil {
			c.Fatal(err)
		}
	}
}

// last is the index of the last server: another one, unless there is only one.
func (c *cluster) last() int { return len(c.servers) - 1 }

// want fails the test unless these clients get this event next, and the others do not get it.
func (c *cluster) want(who []int, event string, args ...any) {
	c.Helper()
	// What comes behind it, from whichever server it came, shows who has got nothing.
	for _, s := range c.servers {
		c.do(s.Emit("and then"))
	}
	for i, client := range c.clients {
		var got []string
		for ends := 0; ends < len(c.servers); {
			m, err := client.Next(c.ctx)
			if err != nil {
				c.Fatal(err)
			}
			if m.Event() == "and then" {
				ends++
			} else {
				got = append(got, fmt.Sprint(m.Event(), m.Args()))
			}
		}
		var want []string
		if slices.Contains(who, i) {
			want = append(want, fmt.Sprint(event, args))
		}
		if !slices.Equal(got, want) {
			c.Errorf("client %d got %q, want %q", i, got, want)
		}
	}
}

// all are the indexes of all clients but these.
func (c *cluster) all(but ...int) (who []int) {
	for i := range c.clients {
		if !slices.Contains(but, i) {
			who = append(who, i)
		}
	}
	return who
}

package embedded_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/nats/embedded"
	"github.com/gosocketio/socketio/internal/brokertest"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// patience limits the wait for what must happen.
const patience = 20 * time.Second

// TestNode is the node of a process of its own, started by startNode.
func TestNode(t *testing.T) {
	url := brokertest.Argument()
	if url == "" {
		return
	}
	var problem atomic.Pointer[error]
	join := embedded.New(embedded.Config{URL: url})
	var log adapter.Log
	io, err := socketio.NewServer(socketio.Config{
		Adapter: func(h adapter.Host) (adapter.Adapter, error) {
			a, err := join(h)
			if err == nil {
				log, _ = a.(*adapter.Cluster).Log()
			}
			return a, err
		},
		ConnectionStateRecovery: &socketio.ConnectionStateRecovery{},
		Logger:                  slog.New(slog.NewTextHandler(os.Stdout, nil)),
		Hooks:                   socketio.Hooks{Broker: func(b socketio.BrokerInfo) { problem.Store(&b.Err) }},
	})
	if err != nil {
		t.Fatal(err)
	}
	io.OnConnection(func(s *socketio.Socket) { s.Join("room") })
	io.Handle("emit", func(e *socketio.Event) error {
		var n int
		if err := e.Decode(&n); err != nil {
			return err
		}
		return io.To("room").Emit("n", n)
	})
	io.Handle("servers", func(e *socketio.Event) error {
		n, err := io.Of("/").ServerCount(t.Context())
		if err != nil {
			return err
		}
		return e.Ack(n)
	})
	io.Handle("problem", func(e *socketio.Event) error {
		err := problem.Load()
		if err == nil {
			return e.Ack("")
		}
		return e.Ack((*err).Error())
	})
	io.Handle("stored", func(e *socketio.Event) error { // whether there is the session of a client in the room
		var pid string
		if err := e.Decode(&pid); err != nil {
			return err
		}
		raw, err := log.TakeSession(t.Context(), pid)
		if err != nil { // there is no leader
			return e.Ack(err.Error())
		}
		if raw != nil {
			err = log.PutSession(t.Context(), pid, raw, time.Minute)
		}
		return errors.Join(err, e.Ack(strings.Contains(string(raw), "room")))
	})
	brokertest.Serve(t, io)
}

func startNode(t *testing.T, url string) *brokertest.Process {
	t.Helper()
	return brokertest.StartProcess(t, "TestNode", url)
}

// startNodes starts nodes at the same time.
func startNodes(t *testing.T, urls ...string) []*brokertest.Process {
	t.Helper()
	nodes := make([]*brokertest.Process, len(urls))
	var started sync.WaitGroup
	for i, url := range urls {
		started.Go(func() { nodes[i] = startNode(t, url) })
	}
	if started.Wait(); slices.Contains(nodes, nil) {
		t.FailNow()
	}
	return nodes
}

// client is a client of a node.
type client struct {
	t        *testing.T
	conn     *rawclient.Conn
	acks     int
	sid, pid string
	offset   string // of the last event
	before   []int  // events that came before the answer to CONNECT
}

func connect(t *testing.T, n *brokertest.Process) *client {
	t.Helper()
	return comeBack(t, n, new(client))
}

// comeBack connects the client of a connection that broke.
func comeBack(t *testing.T, n *brokertest.Process, was *client) *client {
	t.Helper()
	c := &client{t: t, conn: n.WebSocket()}
	auth, _ := json.Marshal(map[string]string{"pid": was.pid, "offset": was.offset})
	c.conn.Send("40" + string(auth))
	for {
		packet := c.conn.Read()
		answer, connected := strings.CutPrefix(packet, "40")
		if !connected {
			c.before = append(c.before, c.event(packet))
			continue
		}
		var ids struct{ Sid, Pid string }
		if err := json.Unmarshal([]byte(answer), &ids); err != nil || ids.Sid == "" {
			t.Fatalf("got %s", packet)
		}
		c.sid, c.pid = ids.Sid, ids.Pid
		return c
	}
}

// ask waits until a node answers so.
func (c *client) ask(question, want string) {
	c.t.Helper()
	var got string
	for deadline := time.Now().Add(patience); !strings.Contains(got, want); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("%s: got %s, want %s", question, got, want)
		}
		got = c.answer(question)
	}
}

// answer asks a node once.
func (c *client) answer(question string) string {
	c.t.Helper()
	c.acks++
	c.conn.Send(fmt.Sprintf("42%d[%s]", c.acks, question))
	return c.conn.Read()
}

// servers waits until the client's node knows so many.
func (c *client) servers(n int) {
	c.t.Helper()
	c.ask(`"servers"`, fmt.Sprintf("[%d]", n))
}

// number reads the next event and returns its number.
func (c *client) number() int {
	c.t.Helper()
	return c.event(c.conn.Read())
}

// event returns the number of an event, and keeps its offset.
func (c *client) event(packet string) int {
	c.t.Helper()
	var args []any
	err := json.Unmarshal([]byte(strings.TrimPrefix(packet, "42")), &args)
	if err != nil || len(args) < 2 || args[0] != "n" {
		c.t.Fatalf("got %s", packet)
	}
	if len(args) > 2 {
		c.offset = args[2].(string)
	}
	return int(args[1].(float64))
}

// Three processes that know the first one form a cluster by themselves. When one is killed, also the
// first one, the rest goes on, and another one can join.
func TestThreeProcesses(t *testing.T) {
	for _, token := range []string{"", "secret@"} {
		t.Run("token="+token, func(t *testing.T) {
			t.Parallel() // it waits most of the time
			ports := brokertest.FreePorts(t, 4)
			address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
			url := func(i int) string {
				routes := address(0)
				if i > 2 { // the first one is gone
					routes = address(1)
				}
				return "nats+embedded://" + token + address(i) + "?routes=" + routes
			}
			nodes := startNodes(t, url(0), url(1), url(2))
			var clients []*client
			for _, n := range nodes {
				clients = append(clients, connect(t, n))
			}
			for _, c := range clients {
				c.servers(3)
			}
			emitted := 0
			emit := func(from *client, to ...*client) {
				t.Helper()
				emitted++
				from.conn.Send(fmt.Sprintf(`42["emit",%d]`, emitted))
				for _, c := range to {
					if n := c.number(); n != emitted {
						t.Fatalf("got %d, want %d", n, emitted)
					}
				}
			}
			for range 20 {
				for _, c := range clients {
					emit(c, clients...)
				}
			}
			nodes[0].Kill()
			rest := clients[1:]
			for range 20 {
				for _, c := range rest {
					emit(c, rest...)
				}
			}
			last := connect(t, startNode(t, url(3)))
			last.servers(3)
			all := append(rest, last)
			for _, c := range rest {
				c.servers(3) // the killed one is forgotten, too
			}
			for range 20 {
				for _, c := range all {
					emit(c, all...)
				}
			}
		})
	}
}

package embedded_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
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
	io, err := socketio.NewServer(socketio.Config{
		Adapter: embedded.New(embedded.Config{URL: url}), ConnectionStateRecovery: &socketio.ConnectionStateRecovery{},
		Logger: slog.New(slog.NewTextHandler(os.Stdout, nil)),
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
	brokertest.Serve(t, io)
}

func startNode(t *testing.T, url string) *brokertest.Process {
	t.Helper()
	return brokertest.StartProcess(t, "TestNode", url)
}

// client is a client of a node.
type client struct {
	t    *testing.T
	conn *rawclient.Conn
	acks int
}

func connect(t *testing.T, n *brokertest.Process) *client {
	c := &client{t: t, conn: n.WebSocket()}
	c.conn.Send("40")
	if packet := c.conn.Read(); !strings.HasPrefix(packet, "40{") {
		t.Fatalf("got %s", packet)
	}
	return c
}

// servers waits until the client's node knows so many.
func (c *client) servers(n int) {
	c.t.Helper()
	got := ""
	want := func() string { return fmt.Sprintf("43%d[%d]", c.acks, n) }
	for deadline := time.Now().Add(patience); got != want(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("got %s, want %d servers", got, n)
		}
		c.acks++
		c.conn.Send(fmt.Sprintf(`42%d["servers"]`, c.acks))
		got = c.conn.Read()
	}
}

// number reads the next event and returns its number.
func (c *client) number() int {
	c.t.Helper()
	var args []any
	packet := c.conn.Read()
	err := json.Unmarshal([]byte(strings.TrimPrefix(packet, "42")), &args)
	if err != nil || len(args) < 2 || args[0] != "n" {
		c.t.Fatalf("got %s", packet)
	}
	return int(args[1].(float64))
}

// Three processes that know the first one form a cluster by themselves. When one is killed, also the
// first one, the rest goes on, and another one can join.
func TestThreeProcesses(t *testing.T) {
	for name, parameters := range map[string]string{
		"core":      "?",
		"token":     "?",
		"JetStream": "?jetstream=true&",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits most of the time
			ports := brokertest.FreePorts(t, 4)
			token := ""
			if name == "token" {
				token = "secret@"
			}
			address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
			url := func(i int) string {
				routes := address(0)
				if i > 2 { // the first one is gone
					routes = address(1)
				}
				url := "nats+embedded://" + token + address(i) + parameters + "routes=" + routes
				if name == "JetStream" {
					routes = strings.Join([]string{address(0), address(1), address(2)}, ",")
					url = "nats+embedded://" + address(i) + parameters + "routes=" + routes + "&store=" + t.TempDir()
				}
				return url
			}
			nodes := make([]*brokertest.Process, 3)
			started := make(chan int, 3)
			for i := range nodes {
				go func() {
					defer func() { started <- i }()
					nodes[i] = startNode(t, url(i))
				}()
			}
			for range nodes {
				<-started
			}
			var clients []*client
			for _, n := range nodes {
				if n == nil {
					t.Fatal("a node did not start")
				}
				clients = append(clients, connect(t, n))
			}
			if name == "JetStream" && !strings.Contains(nodes[0].Log, "state=") {
				t.Errorf("the log does not name the folder: %s", nodes[0].Log)
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
			if name == "JetStream" { // the others elect leaders first, which takes some seconds
				rest[0].servers(2)
			}
			for range 20 {
				for _, c := range rest {
					emit(c, rest...)
				}
			}
			if name == "JetStream" {
				return
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

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gosocketio/socketio/cmd/socketio/load"
	"github.com/gosocketio/socketio/internal/brokertest"
)

// chaosClient is a client that connects again, to any node, as long as the run lasts, and asks to be
// recovered. Its link has jitter.
type chaosClient struct {
	trial           *trial
	name, namespace string
	rooms           []string
	link            *brokertest.Proxy
	random          *rand.Rand // of live

	mu      sync.Mutex
	trace   trace
	conn    *load.Conn // nil while there is none
	ready   bool
	address string // of the node that link leads to

	pid, sid, offset string // of live
}

// silence is how long a client waits for a heartbeat: ours/chaos.go has the intervals.
const silence = 2500 * time.Millisecond

// newChaosClient makes a client. It is called for one after the other.
func (t *trial) newChaosClient(i int) {
	c := &chaosClient{
		trial: t, name: fmt.Sprintf("c%d", i), trace: trace{targets: chaosTargets(i)},
		random: rand.New(rand.NewPCG(t.seed, uint64(100+i))),
	}
	for _, target := range c.trace.targets {
		ns, room, _ := strings.Cut(target, "|")
		if c.namespace = ns; room != "" {
			c.rooms = append(c.rooms, room)
		}
	}
	c.link = brokertest.StartProxy(t.kit, &brokertest.Proxy{
		To: func() string {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.address
		},
		Delay:   func() time.Duration { return time.Duration(rand.ExpFloat64() * float64(5*time.Millisecond)) },
		Silence: silence,
	})
	t.clients = append(t.clients, c)
}

// live connects again and again until ctx ends.
func (c *chaosClient) live(ctx context.Context) {
	to := &load.Target{URL: "http://" + c.link.Addr() + "/socket.io/", Namespace: c.namespace, Timeout: 4 * time.Second}
	if err := to.Check(); err != nil {
		c.trial.breach("client %s: %v", c.name, err)
		return
	}
	for ctx.Err() == nil {
		if n := c.trial.seats[c.random.IntN(chaosNodes)].current.Load(); n != nil {
			c.connect(ctx, to, n)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(20+c.random.IntN(300)) * time.Millisecond):
		}
	}
}

// connect connects to a node, and reads until the connection ends.
func (c *chaosClient) connect(ctx context.Context, to *load.Target, n *node) {
	c.mu.Lock()
	c.address = n.address
	c.mu.Unlock()
	data := map[string]any{"rooms": c.rooms}
	if c.pid != "" {
		data["pid"], data["offset"] = c.pid, c.offset
	}
	auth, _ := json.Marshal(data) // cannot fail
	var missed [][]byte           // kept only if the connection is made, as the official client does
	conn, err := to.Dial(ctx, string(auth), func(m []byte) { missed = append(missed, bytes.Clone(m)) })
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, conn.Close)()
	recovered := c.pid != "" && conn.Pid == c.pid
	if !recovered && len(missed) > 0 || recovered && conn.Sid != c.sid {
		c.trial.breach("client %s: recovered %v, but got %d events, and was %s and is %s", c.name, recovered, len(missed),
			c.sid, conn.Sid)
	}
	if !recovered {
		c.offset = ""
	}
	c.pid, c.sid = conn.Pid, conn.Sid
	c.mu.Lock()
	c.conn = conn
	c.noteLocked(moment{what: joined, server: n.name, recovered: recovered, target: c.namespace + "|" + c.sid})
	c.mu.Unlock()
	for _, m := range missed {
		c.handle(m)
	}
	for {
		_, m, err := conn.Next()
		if err != nil {
			break
		}
		if id := c.handle(m); id != nil {
			_ = conn.Write(ackFrame(id)) // when it fails, Next does too
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn, c.ready = nil, false; ctx.Err() == nil {
		c.noteLocked(moment{what: ended})
	}
}

func (c *chaosClient) noteLocked(m moment) {
	m.at = time.Now()
	c.trace.moments = append(c.trace.moments, m)
}

// handle notes an event. It returns the head of its acknowledgement, if it wants one.
func (c *chaosClient) handle(m []byte) (ack []byte) {
	head, args, _ := bytes.Cut(m, []byte("["))
	head, _ = bytes.CutPrefix(head, []byte("2"))
	var event []any
	if err := json.Unmarshal(append([]byte("["), args...), &event); err != nil || len(event) == 0 {
		return nil // not an event
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := event[len(event)-1].(string); ok && len(event) > 1 {
		c.offset = s
	}
	switch event[0] {
	case "n":
		m := moment{what: received, publisher: event[2].(string), target: event[3].(string), seq: int(event[4].(float64))}
		c.noteLocked(m)
	case "ready":
		c.noteLocked(moment{what: ready})
		c.ready = true
	case "gap":
		c.noteLocked(moment{what: gap})
	case "q":
		return head
	}
	return nil
}

// has tells whether an event has come, if it is for the client.
func (c *chaosClient) has(publisher, target string, seq int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !slices.Contains(c.trace.targets, target) || slices.ContainsFunc(c.trace.moments, func(m moment) bool {
		return m.what == received && m.publisher == publisher && m.target == target && m.seq == seq
	})
}

// strike is a fault of the client's link. It may leave a connection whose server does not see that.
func (c *chaosClient) strike(what string, pause func()) {
	switch what {
	case cutClient:
		c.link.Cut()
	case holdClient:
		c.link.Stop()
		pause()
		c.link.Continue()
	case abandonClient:
		defer c.link.Abandon()()
		c.mu.Lock()
		conn := c.conn
		c.mu.Unlock()
		if conn != nil {
			conn.Close()
		}
		pause()
	}
}

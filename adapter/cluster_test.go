package adapter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio/adapter"
)

// net joins the nodes of a test: what one publishes has arrived everywhere when Publish returns.
type net struct {
	mu      sync.Mutex
	nodes   []*node
	err     error
	log     []string
	request string // the latest that was published
}

// node is one server: a host, its adapter and its transport.
type node struct {
	recorder
	net       *net
	cluster   *adapter.Cluster
	silent    atomic.Bool // nothing of it arrives, nor does anything reach it
	pending   []func(adapter.Answer)
	asked     atomic.Int32
	forgotten atomic.Int32
	events    []adapter.ServerSideEvent
}

func (n *node) Start(context.Context, string, func(error)) error { return nil }

func (n *node) Join(_ context.Context, m adapter.Member) (adapter.Link, error) {
	if m.Namespace() == "" {
		return nil, errors.ErrUnsupported
	}
	n.cluster = m.(*adapter.Cluster)
	n.a = n.cluster
	n.net.mu.Lock()
	defer n.net.mu.Unlock()
	n.net.nodes = append(n.net.nodes, n)
	return (*wire)(n), nil
}

func (n *node) Stats() adapter.BrokerStats { return adapter.BrokerStats{} }

// wire is the node's link.
type wire node

func (l *wire) Close() error { return nil }

func (n *node) Close(context.Context) error { return nil }

func (n *node) DeliverWithAck(to []adapter.Socket, _ *adapter.Packet, _ adapter.Flags, count func(int), answer func(adapter.Answer)) (func(), error) {
	count(len(to))
	for range to {
		n.pending = append(n.pending, answer)
	}
	if n.err != nil {
		return nil, n.err
	}
	n.asked.Add(1)
	return sync.OnceFunc(func() { n.forgotten.Add(1) }), nil
}

func (n *node) ServerSideEvent(e adapter.ServerSideEvent) { n.events = append(n.events, e) }

func (n *node) Describe(s adapter.Socket) (handshake, data json.RawMessage) {
	if s.ID() == "gone" {
		return nil, nil
	}
	return json.RawMessage(`{}`), json.RawMessage(`{"of":"` + s.ID() + `"}`)
}

func (l *wire) Publish(m *adapter.Message) error {
	return (*node)(l).send(m, func(*node) bool { return true })
}

func (l *wire) Reply(to, m *adapter.Message) error {
	return (*node)(l).send(m, func(n *node) bool { return n.cluster.UID() == to.UID })
}

func (n *node) send(m *adapter.Message, to func(*node) bool) error {
	n.net.mu.Lock()
	if n.net.err != nil {
		defer n.net.mu.Unlock()
		return n.net.err
	}
	n.net.log = append(n.net.log, fmt.Sprint(m.Type))
	if m.RequestID != "" {
		n.net.request = m.RequestID
	}
	nodes := slices.Clone(n.net.nodes)
	n.net.mu.Unlock()
	for _, other := range nodes {
		if to(other) && !other.silent.Load() && !n.silent.Load() {
			other.cluster.Receive(m)
		}
	}
	return nil
}

// fail makes publishing fail.
func (w *net) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

// join adds a node to the net, with one socket.
func (w *net) join(t *testing.T, id string, c adapter.ClusterConfig) *node {
	t.Helper()
	n := &node{net: w}
	if _, err := adapter.NewNode(n, c).Adapter(n); err != nil {
		t.Fatal(err)
	}
	n.cluster.Add(socket(id))
	t.Cleanup(func() { _ = n.cluster.Close() })
	return n
}

// three runs a test in a bubble with three nodes that know each other.
func three(t *testing.T, test func(t *testing.T, w *net, a, b, c *node)) {
	synctest.Test(t, func(t *testing.T) {
		w := &net{}
		a, b, c := w.join(t, "a", adapter.ClusterConfig{}), w.join(t, "b", adapter.ClusterConfig{}), w.join(t, "c", adapter.ClusterConfig{})
		time.Sleep(time.Second)
		for _, n := range w.nodes {
			if known, err := n.cluster.ServerCount(t.Context()); known != 3 || err != nil {
				t.Fatalf("%d servers, %v", known, err)
			}
		}
		test(t, w, a, b, c)
		synctest.Wait()
		for _, n := range w.nodes {
			asked := n.asked.Load() - n.forgotten.Load()
			if requests := n.cluster.Pending(); requests != 0 || asked != 0 {
				t.Errorf("%d requests and %d of others are left", requests, asked)
			}
		}
	})
}

func TestClusterHeartbeats(t *testing.T) {
	three(t, func(t *testing.T, w *net, a, b, c *node) {
		count := func(n *node) int {
			known, _ := n.cluster.ServerCount(t.Context())
			return known
		}
		time.Sleep(time.Minute)
		if count(a) != 3 || count(b) != 3 || count(c) != 3 {
			t.Error("servers that send heartbeats are forgotten")
		}
		// They are five seconds apart.
		w.mu.Lock()
		w.log = nil
		w.mu.Unlock()
		time.Sleep(time.Minute)
		w.mu.Lock()
		beats := len(w.log)
		w.mu.Unlock()
		if beats < 35 || beats > 37 {
			t.Errorf("%d heartbeats of three servers in a minute", beats)
		}
		b.silent.Store(true)
		time.Sleep(4 * time.Second)
		if count(a) != 3 {
			t.Error("forgotten too early")
		}
		time.Sleep(8 * time.Second)
		if count(a) != 2 || count(c) != 2 {
			t.Error("a silent server is not forgotten")
		}
		b.silent.Store(false)
		time.Sleep(6 * time.Second)
		if count(a) != 3 || count(b) != 3 {
			t.Error("it does not come back")
		}
		if err := c.cluster.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if count(a) != 2 || count(b) != 2 {
			t.Error("a server that said good-bye is not forgotten")
		}
	})
}

// What is for sockets here is done, whatever the broker does.
func TestClusterWithoutABroker(t *testing.T) {
	t.Attr("covers", "adapter/cluster/6")
	three(t, func(t *testing.T, w *net, a, b, _ *node) {
		broken := errors.New("no broker")
		w.fail(broken)
		defer w.fail(nil)
		b.cluster.Join("b", "r")
		for what, err := range map[string]error{
			"broadcast": a.cluster.Broadcast(&adapter.Packet{Event: "e"}, adapter.Options{}),
			"join":      a.cluster.AddSockets(adapter.Options{}, "r"),
			"leave":     a.cluster.DelSockets(adapter.Options{Rooms: []string{"r"}}, "q"),
			"emit":      a.cluster.ServerSideEmit(&adapter.Packet{Event: "e"}),
		} {
			if !errors.Is(err, adapter.ErrBroker) || !errors.Is(err, broken) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if d := cmp.Diff([]string{"deliver e[] volatile=false: a"}, a.log); d != "" || !a.cluster.In("a", "r") {
			t.Error(d)
		}
		if len(b.log) != 0 {
			t.Errorf("b did %q", b.log)
		}

		var errs []error
		counted := 0
		cancel, err := a.cluster.BroadcastWithAck(&adapter.Packet{Event: "e"}, adapter.Options{}, func(n int) { counted = n },
			func(a adapter.Answer) { errs = append(errs, a.Err) })
		if err != nil {
			t.Fatal(err)
		}
		a.pending[0](adapter.Answer{SocketID: "a"})
		if counted != 2 || len(errs) != 2 || !errors.Is(errs[0], adapter.ErrBroker) || errs[1] != nil {
			t.Errorf("%d answers announced, %v", counted, errs)
		}
		cancel()

		var ids []string
		var last error
		for info, err := range a.cluster.FetchSockets(t.Context(), adapter.Options{}) {
			ids, last = append(ids, info.ID), err
		}
		if len(ids) != 2 || ids[0] != "a" || !errors.Is(last, adapter.ErrBroker) {
			t.Errorf("got %q, %v", ids, last)
		}
	})
}

func TestClusterConfig(t *testing.T) {
	for field, c := range map[string]adapter.ClusterConfig{
		"HeartbeatInterval": {HeartbeatInterval: -1},
		"HeartbeatTimeout":  {HeartbeatInterval: time.Minute},
		"RequestTimeout":    {RequestTimeout: -1},
	} {
		_, err := adapter.NewNode(&node{}, c).Adapter(&node{})
		if err == nil || !strings.Contains(err.Error(), field) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// What an adapter says comes before its good-bye: who hears of it afterwards would take it for one
// that is there.
func TestClusterCloseComesLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &net{}
		a, b := w.join(t, "a", adapter.ClusterConfig{}), w.join(t, "b", adapter.ClusterConfig{})
		time.Sleep(time.Second)
		if err := b.cluster.Close(); err != nil {
			t.Error(err)
		}
		b.cluster.Receive(&adapter.Message{
			UID: a.cluster.UID(), Namespace: "/test", Type: adapter.MessageFetchSockets, RequestID: "r",
		})
		w.mu.Lock()
		if last := w.log[len(w.log)-1]; last != fmt.Sprint(adapter.MessageAdapterClose) {
			t.Errorf("the last message is of type %s", last)
		}
		w.mu.Unlock()
		// Nor does it say anything afterwards.
		if err := b.cluster.Broadcast(&adapter.Packet{Event: "e"}, adapter.Options{}); !errors.Is(err, adapter.ErrBroker) {
			t.Errorf("broadcast: %v", err)
		}
		if d := cmp.Diff([]string{"deliver e[] volatile=false: b"}, b.log); d != "" {
			t.Error(d)
		}
		if known, err := a.cluster.ServerCount(t.Context()); known != 1 || err != nil {
			t.Errorf("%d servers, %v", known, err)
		}
	})
}

// Who does not say who it is is nobody that could be waited for.
func TestClusterMessageWithoutSender(t *testing.T) {
	three(t, func(t *testing.T, _ *net, a, _, _ *node) {
		a.cluster.Receive(&adapter.Message{Namespace: "/test", Type: adapter.MessageHeartbeat})
		if known, err := a.cluster.ServerCount(t.Context()); known != 3 || err != nil {
			t.Errorf("%d servers, %v", known, err)
		}
	})
}

// FuzzClusterReceive gives an adapter whatever a broker may carry: data, and nothing that is run or
// made from it (CVE-2025-61765).
func FuzzClusterReceive(f *testing.F) {
	f.Attr("covers", "abuse/CVE-2025-61765")
	for kind := range 15 {
		f.Add("x", "/test", byte(kind), "r", "room", "event", `{"_placeholder":true,"num":0}`, []byte{1}, 3)
	}
	f.Add(adapter.Emitter, "/other", byte(3), "", "", "", `[`, []byte(nil), -1)
	f.Fuzz(func(t *testing.T, uid, namespace string, kind byte, request, room, event, value string, attachment []byte, count int) {
		synctest.Test(t, func(t *testing.T) {
			w := &net{}
			a, b := w.join(t, "a", adapter.ClusterConfig{}), w.join(t, "b", adapter.ClusterConfig{})
			time.Sleep(time.Second)
			cancel, err := a.cluster.BroadcastWithAck(&adapter.Packet{Event: "e"}, adapter.Options{}, func(int) {}, func(adapter.Answer) {})
			if err != nil {
				t.Fatal(err)
			}
			a.cluster.Receive(&adapter.Message{
				Rest: func(*adapter.Message) error {
					if len(value) == 3 {
						return errors.New("it cannot be read")
					}
					return nil
				},
				UID: uid, Namespace: namespace, Type: adapter.MessageType(kind), RequestID: request,
				Packet:  &adapter.Packet{Data: []byte(value), Attachments: [][]byte{attachment}},
				Options: adapter.Options{Rooms: []string{room}, Except: []string{event}}, Rooms: []string{room},
				Values:  adapter.Values{JSON: []json.RawMessage{json.RawMessage(value)}, Attachments: [][]byte{attachment}},
				Sockets: []adapter.Info{{ID: room}}, Count: count,
			})
			for info, err := range a.cluster.FetchSockets(t.Context(), adapter.Options{}) {
				_, _ = info, err
			}
			cancel()
			_ = b
			time.Sleep(time.Minute)
			synctest.Wait()
			if known, _ := a.cluster.ServerCount(t.Context()); known != 2 {
				t.Errorf("%d servers", known)
			}
		})
	})
}

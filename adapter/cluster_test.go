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
	mu    sync.Mutex
	nodes []*node
	err   error
	log   []string
}

// node is one server: a host, its adapter and its transport.
type node struct {
	recorder
	net       *net
	cluster   *adapter.Cluster
	silent    atomic.Bool // nothing of it arrives, nor does anything reach it
	pending   []func(adapter.Answer)
	forgotten atomic.Int32
	events    []adapter.ServerSideEvent
	errs      []error
}

func (n *node) DeliverWithAck(to []adapter.Socket, _ *adapter.Packet, _ adapter.Flags, count func(int), answer func(adapter.Answer)) (func(), error) {
	count(len(to))
	for range to {
		n.pending = append(n.pending, answer)
	}
	return func() { n.forgotten.Add(1) }, n.err
}

func (n *node) ServerSideEvent(e adapter.ServerSideEvent) { n.events = append(n.events, e) }

func (n *node) Describe(s adapter.Socket) (handshake, data json.RawMessage) {
	if s.ID() == "gone" {
		return nil, nil
	}
	return json.RawMessage(`{}`), json.RawMessage(`{"of":"` + s.ID() + `"}`)
}

func (n *node) Publish(m *adapter.Message) error {
	return n.send(m, func(*node) bool { return true })
}

func (n *node) PublishResponse(uid string, m *adapter.Message) error {
	return n.send(m, func(to *node) bool { return to.cluster.UID() == uid })
}

func (n *node) send(m *adapter.Message, to func(*node) bool) error {
	n.net.mu.Lock()
	if n.net.err != nil {
		defer n.net.mu.Unlock()
		return n.net.err
	}
	n.net.log = append(n.net.log, fmt.Sprint(m.Type))
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
	c.OnError = func(err error) { n.errs = append(n.errs, err) }
	x, err := adapter.NewCluster(n, n, c)
	if err != nil {
		t.Fatal(err)
	}
	n.cluster, n.a = x, x
	w.mu.Lock()
	w.nodes = append(w.nodes, n)
	w.mu.Unlock()
	if err := x.Start(); err != nil {
		t.Fatal(err)
	}
	x.Add(socket(id))
	t.Cleanup(func() { _ = x.Close() })
	return n
}

// three runs a test in a bubble with three nodes that know each other.
func three(t *testing.T, test func(t *testing.T, w *net, a, b, c *node)) {
	synctest.Test(t, func(t *testing.T) {
		w := &net{}
		a, b, c := w.join(t, "a", adapter.ClusterConfig{}), w.join(t, "b", adapter.ClusterConfig{}), w.join(t, "c", adapter.ClusterConfig{})
		synctest.Wait()
		for _, n := range w.nodes {
			if known, err := n.cluster.ServerCount(t.Context()); known != 3 || err != nil {
				t.Fatalf("%d servers, %v", known, err)
			}
		}
		test(t, w, a, b, c)
		synctest.Wait()
		for _, n := range w.nodes {
			if requests, asked := n.cluster.Pending(); requests != 0 || asked != 0 {
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
		// Five seconds apart, unless something else was said that everybody hears.
		w.mu.Lock()
		w.log = nil
		w.mu.Unlock()
		for range 60 {
			time.Sleep(time.Second)
			if err := a.cluster.ServerSideEmit(&adapter.Packet{Event: "e"}); err != nil {
				t.Fatal(err)
			}
		}
		w.mu.Lock()
		beats := 0
		for _, what := range w.log {
			if what == fmt.Sprint(adapter.MessageHeartbeat) {
				beats++
			}
		}
		w.mu.Unlock()
		if beats < 22 || beats > 28 {
			t.Errorf("%d heartbeats of two servers in a minute", beats)
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

func TestClusterFetchSockets(t *testing.T) {
	three(t, func(t *testing.T, _ *net, a, b, c *node) {
		fetch := func(ctx context.Context) (ids []string, last error) {
			for info, err := range a.cluster.FetchSockets(ctx, adapter.Options{}) {
				if err != nil {
					last = err
					continue
				}
				ids = append(ids, info.ID)
				if (info.Local == nil) != (info.ID != "a") || info.Local == nil && string(info.Data) != `{"of":"`+info.ID+`"}` {
					t.Errorf("got %+v", info)
				}
			}
			slices.Sort(ids)
			return ids, last
		}
		b.cluster.Add(socket("gone"))
		if ids, err := fetch(t.Context()); !slices.Equal(ids, []string{"a", "b", "c"}) || err != nil {
			t.Errorf("got %q, %v", ids, err)
		}
		// Those that do not answer are named, and what the others have is there.
		c.silent.Store(true)
		for _, limit := range []time.Duration{time.Second, 5 * time.Second} {
			ctx := t.Context()
			if limit < 5*time.Second { // else it is the default
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, limit)
				defer cancel()
			}
			began := time.Now()
			ids, err := fetch(ctx)
			var missing *adapter.MissingServersError
			if !slices.Equal(ids, []string{"a", "b"}) || !errors.As(err, &missing) || !errors.Is(err, context.DeadlineExceeded) ||
				!slices.Equal(missing.UIDs, []string{c.cluster.UID()}) || !strings.Contains(err.Error(), c.cluster.UID()) {
				t.Errorf("got %q, %v", ids, err)
			}
			if took := time.Since(began); took > limit+100*time.Millisecond {
				t.Errorf("took %v", took)
			}
			c.silent.Store(false)
			time.Sleep(6 * time.Second)
			c.silent.Store(true)
		}
		// One that goes meanwhile is not waited for.
		began := time.Now()
		go func() {
			time.Sleep(time.Second)
			c.silent.Store(false)
			_ = c.cluster.Close()
		}()
		if ids, err := fetch(t.Context()); len(ids) != 2 || err != nil || time.Since(began) > 2*time.Second {
			t.Errorf("got %q, %v after %v", ids, err, time.Since(began))
		}
		for _, err := range a.cluster.FetchSockets(t.Context(), adapter.Options{}) {
			if err != nil {
				t.Error(err)
			}
			break
		}
	})
}

func TestClusterAcks(t *testing.T) {
	three(t, func(t *testing.T, _ *net, a, b, c *node) {
		var mu sync.Mutex
		var got []string
		counts := 0
		ask := func() (cancel func()) {
			got, counts = nil, 0
			a.pending, b.pending, c.pending = nil, nil, nil
			cancel, err := a.cluster.BroadcastWithAck(&adapter.Packet{Event: "e"}, adapter.Options{Flags: adapter.Flags{Timeout: 3 * time.Second}},
				func(n int) {
					mu.Lock()
					defer mu.Unlock()
					counts++
					got = append(got, fmt.Sprint(n, " asked"))
				},
				func(a adapter.Answer) {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, fmt.Sprintf("%s%s %v", a.SocketID, a.Args, a.Err))
				})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return cancel
		}
		want := func(lines ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(got)
			slices.Sort(lines)
			if d := cmp.Diff(lines, got); d != "" || counts != 1 {
				t.Errorf("%d counts, %s", counts, d)
			}
		}
		value := func(v string) adapter.Answer {
			return adapter.Answer{SocketID: "x", Args: []json.RawMessage{json.RawMessage(v), json.RawMessage(`"second"`)}}
		}
		cancel := ask()
		a.pending[0](value("1"))
		b.pending[0](value("2"))
		c.pending[0](adapter.Answer{SocketID: "c"}) // without a value
		want("3 asked", `x[1 "second"] <nil>`, "[2] <nil>", "[null] <nil>")
		cancel()

		// A client that disconnects on another server: the protocol has no word for it. Nothing is kept of it for ever.
		cancel = ask()
		c.pending[0](adapter.Answer{SocketID: "c", Err: errors.New("gone")})
		a.pending[0](value("1"))
		want("3 asked", `x[1 "second"] <nil>`)
		cancel()
		before := b.forgotten.Load()
		time.Sleep(5 * time.Second)
		if b.forgotten.Load() == before {
			t.Error("b still waits")
		}

		// A server that goes owes no answers any more.
		cancel = ask()
		b.pending[0](value("2"))
		synctest.Wait()
		if err := c.cluster.Close(); err != nil {
			t.Fatal(err)
		}
		want("3 asked", "[2] <nil>", "[] "+adapter.ErrServerGone.Error())
		a.pending[0](value("1"))
		cancel()
	})
}

func TestClusterServerSide(t *testing.T) {
	three(t, func(t *testing.T, _ *net, a, b, c *node) {
		values := []any{1, []byte{2}, map[string]any{"x": []byte{3}}}
		if err := a.cluster.ServerSideEmit(&adapter.Packet{Event: "e", Args: values}); err != nil {
			t.Fatal(err)
		}
		if len(a.events) != 0 || len(b.events) != 1 || len(c.events) != 1 || b.events[0].Answer != nil || len(b.events[0].Attachments) != 2 {
			t.Errorf("a got %v, b %v", a.events, b.events)
		}
		var mu sync.Mutex
		var got []string
		servers := 0
		cancel, err := a.cluster.ServerSideEmitWithAck(&adapter.Packet{Event: "e"}, func(n int) { servers = n }, func(a adapter.Answer) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, fmt.Sprintf("%s %v", a.Args, a.Err))
		})
		if err != nil || servers != 2 {
			t.Fatalf("%d servers, %v", servers, err)
		}
		for range 2 { // only the first counts
			b.events[1].Answer(json.RawMessage(`"from b"`), nil)
		}
		synctest.Wait()
		_ = c.cluster.Close()
		synctest.Wait()
		if d := cmp.Diff([]string{`["from b"] <nil>`, "[] " + adapter.ErrServerGone.Error()}, got); d != "" {
			t.Error(d)
		}
		cancel()
		b.events[1].Answer(json.RawMessage(`"late"`), nil)
	})
}

// Answers that nobody takes are limited in number, and one that cannot be sent is reported.
func TestClusterResponses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &net{}
		a := w.join(t, "a", adapter.ClusterConfig{MaxResponses: 2})
		synctest.Wait()
		w.mu.Lock() // nothing leaves
		w.err = errors.New("no broker")
		for i := range 10 {
			a.cluster.Receive(&adapter.Message{UID: "x", Namespace: "/test", Type: adapter.MessageFetchSockets, RequestID: fmt.Sprint(i)})
		}
		if n := len(a.errs); n < 6 || !errors.Is(a.errs[0], adapter.ErrResponses) {
			t.Errorf("%d errors: %v", n, a.errs)
		}
		before := len(a.errs)
		w.mu.Unlock()
		synctest.Wait()
		if len(a.errs) == before || !errors.Is(a.errs[before], adapter.ErrBroker) {
			t.Errorf("errors: %v", a.errs)
		}
		w.fail(nil)
	})
}

func TestClusterConfig(t *testing.T) {
	for field, c := range map[string]adapter.ClusterConfig{
		"HeartbeatInterval": {HeartbeatInterval: -1},
		"HeartbeatTimeout":  {HeartbeatInterval: time.Minute},
		"RequestTimeout":    {RequestTimeout: -1},
		"MaxResponses":      {MaxResponses: -1},
	} {
		if _, err := adapter.NewCluster(&node{}, &node{}, c); err == nil || !strings.Contains(err.Error(), field) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// FuzzClusterReceive gives an adapter whatever a broker may carry: data, and nothing that is run or made from it (CVE-2025-61765).
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
			synctest.Wait()
			cancel, err := a.cluster.BroadcastWithAck(&adapter.Packet{Event: "e"}, adapter.Options{}, func(int) {}, func(adapter.Answer) {})
			if err != nil {
				t.Fatal(err)
			}
			a.cluster.Receive(&adapter.Message{
				UID: uid, Namespace: namespace, Type: adapter.MessageType(kind), RequestID: request, Event: event,
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

package adapter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Node is one process in a cluster. It owns the broker, which the adapters of its namespaces share.
//
// It is for one server: set Config.Adapter to its method Adapter.
type Node struct {
	broker Broker
	cfg    ClusterConfig
	err    error // an invalid ClusterConfig
	uid    string
	turn   chan struct{} // one token: the broker is started by one goroutine

	present *present // of all namespaces

	logged    atomic.Bool   // the line at the start
	invalid   atomic.Uint64 // messages whose rest could not be read
	discarded atomic.Uint64 // messages for no socket here
	asks      atomic.Int64  // broadcasts of other servers that wait for sockets here

	// Guarded by turn.
	joined bool        // the namespace "", if the broker has it
	beats  *heartbeats // of the process; nil where the broker has no namespace ""
	link   Link        // of beats

	mu       sync.Mutex
	started  bool
	closed   bool
	clusters map[string]*Cluster // by namespace
	lost     time.Time           // when the connection was lost; zero while it is there
	back     *time.Timer         // calls look while it is lost
}

// closeTimeout limits the last call of a broker, which sends the queue.
const closeTimeout = 5 * time.Second

// NewNode returns a node over a broker. It does not start the broker, and does not check the
// configuration: Node.Adapter does both.
func NewNode(b Broker, c ClusterConfig) *Node {
	n := &Node{
		broker: b, uid: newUID(), turn: make(chan struct{}, 1),
		clusters: make(map[string]*Cluster), present: newPresent(),
	}
	n.cfg, n.err = c.withDefaults()
	return n
}

// newUID returns 8 random bytes as 16 hexadecimal digits.
func newUID() string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}

// UID returns the id of the process among the servers of the cluster.
func (n *Node) UID() string { return n.uid }

// Adapter returns the adapter of a namespace, a [*Cluster]. It is a [Factory].
//
// The first call starts the broker. The error is the broker's, or names an invalid field of the
// configuration. Closing the last adapter closes the broker, and the node cannot be used any more.
func (n *Node) Adapter(h Host) (Adapter, error) {
	if n.err != nil {
		return nil, n.err
	}
	x := newCluster(n, h)
	if err := n.add(x); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), n.cfg.StartTimeout)
	defer cancel()
	err := n.start(ctx)
	if err == nil {
		err = x.join(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, n.remove(x))
	}
	if n.logged.CompareAndSwap(false, true) {
		x.work.Go(x.logStart)
	}
	return x, nil
}

var _ Factory = (*Node)(nil).Adapter

func (n *Node) add(x *Cluster) error {
	name := x.host.Name()
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed:
		return errors.New("adapter: the Node was closed with its last namespace, make a new one")
	case n.clusters[name] != nil:
		return fmt.Errorf("adapter: the Node has an adapter for namespace %s, each server needs a Node of its own", name)
	}
	n.clusters[name] = x
	n.present.add(x.present)
	return nil
}

// takeTurn waits for the token of turn.
func (n *Node) takeTurn(ctx context.Context) error {
	select {
	case n.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (n *Node) endTurn() { <-n.turn }

// start starts the broker unless that is done.
func (n *Node) start(ctx context.Context) error {
	if err := n.takeTurn(ctx); err != nil {
		return err
	}
	defer n.endTurn()
	if n.isStarted() {
		return nil
	}
	if err := n.broker.Start(ctx, n.uid, n.report); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.started = true
	return nil
}

// heartbeats returns those of the process, nil where the broker does not carry them. They are not
// started.
func (n *Node) heartbeats(ctx context.Context) (*heartbeats, error) {
	if err := n.takeTurn(ctx); err != nil {
		return nil, err
	}
	defer n.endTurn()
	if n.joined {
		return n.beats, nil
	}
	h := newHeartbeats(n.cfg, n.send, n.report, n.gone)
	h.namespaces, h.counted = n.namespaces, n.logCount
	h.uid, h.present = n.uid, n.present
	if n.cfg.Mixed {
		h.official = n.sendIn
	}
	link, err := n.broker.Join(ctx, process{n, h})
	switch {
	case errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		return nil, err
	default:
		n.beats, n.link = h, link
	}
	n.joined = true
	return n.beats, nil
}

// logCount logs that Go servers have come or gone.
func (n *Node) logCount(before, now int) {
	if h := n.host(); h != nil {
		h.Logger().Info("socketio: the number of Go servers in the cluster has changed",
			slog.String("broker", n.broker.Stats().Broker), slog.Int("servers", now), slog.Int("before", before))
	}
}

// send sends a heartbeat of the process.
func (n *Node) send(m *Message) error {
	m.UID = n.uid
	return brokerError(n.link.Publish(m))
}

// sendIn sends a heartbeat in a namespace.
func (n *Node) sendIn(namespace string) error {
	n.mu.Lock()
	x := n.clusters[namespace]
	n.mu.Unlock()
	if x == nil || !x.ready.Load() || x.open.Err() != nil {
		return nil //nolint:nilerr // it is not there yet, or closed
	}
	return x.sendHeartbeat(MessageHeartbeat)
}

// namespaces returns the names of the namespaces that can answer.
func (n *Node) namespaces() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	names := make([]string, 0, len(n.clusters))
	for name, x := range n.clusters {
		if x.ready.Load() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// gone ends the answers that a server owes which has gone from namespaces, unless the broker counts
// the servers: it knows better.
func (n *Node) gone(uid string, namespaces ...string) {
	for _, name := range namespaces {
		n.mu.Lock()
		x := n.clusters[name]
		n.mu.Unlock()
		if x != nil && x.ready.Load() && x.beats != nil {
			x.requests.gone(uid)
		}
	}
}

// process is the member of the namespace "", for the heartbeats of processes.
type process struct {
	n     *Node
	beats *heartbeats
}

// Namespace implements Member.
func (p process) Namespace() string { return "" }

// Receive handles a heartbeat of another process.
func (p process) Receive(m *Message) {
	switch {
	case m.UID == p.n.uid || m.UID == "":
	case m.Type == MessageInitialHeartbeat || m.Type == MessageHeartbeat:
		p.beats.receive(m)
	case m.Type == MessageAdapterClose:
		p.beats.left(m.UID, "")
	}
}

// Gap implements Member: the next heartbeats tell what was missed, and each namespace has its own gap.
func (p process) Gap(error) {}

// Discovered implements Discoverer.
func (p process) Discovered() { p.beats.askAgain() }

// Servers implements ServerLister.
func (p process) Servers(ctx context.Context) []Server {
	_ = p.beats.await(ctx) // those that are known
	return p.beats.known()
}

func (n *Node) isStarted() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.started
}

// remove forgets an adapter. With the last one it closes the broker.
func (n *Node) remove(x *Cluster) error {
	n.present.remove(x.present)
	n.mu.Lock()
	delete(n.clusters, x.host.Name())
	last := len(n.clusters) == 0 && n.started && !n.closed
	n.closed = n.closed || last
	if n.closed && n.back != nil {
		n.back.Stop()
	}
	n.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if !last {
		if x.hello != nil {
			x.hello.changed()
		}
		return nil
	}
	if err := n.takeTurn(ctx); err != nil {
		return err
	}
	defer n.endTurn()
	var err error
	if n.beats != nil {
		n.beats.stop()
		err = errors.Join(n.send(&Message{Type: MessageAdapterClose}), n.link.Close())
	}
	return errors.Join(err, n.broker.Close(ctx))
}

// Stats returns the state of the broker's connection.
func (n *Node) Stats() BrokerStats {
	s := n.broker.Stats()
	s.Invalid += n.invalid.Load()
	s.Discarded += n.discarded.Load()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !s.Connected && !n.lost.IsZero() {
		s.Away = time.Since(n.lost)
	}
	return s
}

// report passes an error of the broker to a host, any one: it concerns all namespaces.
func (n *Node) report(err error) {
	if h := n.host(); h != nil {
		h.Report(err)
	}
	if errors.Is(err, ErrBrokerDown) && !n.broker.Stats().Connected {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.lost.IsZero() && !n.closed {
			n.lost = time.Now()
			n.back = time.AfterFunc(lookEvery, n.look)
		}
	}
}

// lookEvery is how often a node looks whether the lost connection is there again.
const lookEvery = 250 * time.Millisecond

// look logs that the connection is there again.
func (n *Node) look() {
	s := n.broker.Stats()
	n.mu.Lock()
	if !s.Connected || n.closed {
		if !n.closed {
			n.back.Reset(lookEvery)
		}
		n.mu.Unlock()
		return
	}
	away := time.Since(n.lost)
	n.lost = time.Time{}
	n.mu.Unlock()
	if h := n.host(); h != nil {
		h.Logger().Info("socketio: broker: connected again", slog.String("broker", s.Broker),
			slog.Duration("after", away.Round(time.Millisecond)))
	}
}

func (n *Node) host() Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range n.clusters {
		return x.host
	}
	return nil
}

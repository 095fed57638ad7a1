package adapter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/internal/gather"
)

// Cluster is the adapter of a namespace on several servers. It is the same for every broker.
//
// Each call takes effect on this server first and is then published to the others. A request to them
// ends when all have answered or gone, or on its timeout, with the answers so far. The broker counts
// the servers ([Counter]), or they are known by their heartbeats.
//
// Go servers tell each other of themselves with each heartbeat, over every broker ([Directory]).
//
// [Node.Adapter] returns one.
type Cluster struct {
	*memory
	node     *Node
	cfg      ClusterConfig
	uid      string
	requests requests
	open     context.Context // until Close
	close    context.CancelFunc
	used     atomic.Bool // a socket was added: the namespace has its adapter

	// Set once, before ready.
	link     Link
	log      Log           // nil unless broadcasts come back with a position, for recovery
	counter  Counter       // nil: beats tells which servers there are
	beats    *heartbeats   // of the process, or of the namespace; nil where servers are counted
	hello    *heartbeats   // of the process; nil where the broker carries none
	routes   *routes       // nil unless the link subscribes to rooms
	answered chan struct{} // closed when official servers have had time to answer; nil unless Mixed

	// Requests and heartbeats that arrive before Join has returned.
	ready atomic.Bool
	mu    sync.Mutex
	early []*Message

	work sync.WaitGroup // goroutines that end soon after open
}

var (
	_ Adapter = (*Cluster)(nil)
	_ Member  = (*Cluster)(nil)
)

func newCluster(n *Node, h Host) *Cluster {
	x := &Cluster{memory: newMemory(h, n.present), node: n, cfg: n.cfg, uid: n.uid}
	x.open, x.close = context.WithCancel(context.Background())
	x.requests.x = x
	return x
}

// UID returns the id of this process among the servers of the cluster.
func (x *Cluster) UID() string { return x.uid }

// Namespace returns the namespace's name.
func (x *Cluster) Namespace() string { return x.host.Name() }

// ReceivesOwn implements [OwnReceiver]. It is true if the host recovers clients.
func (x *Cluster) ReceivesOwn() bool { return x.host.Recovery() > 0 }

// Log implements [Recoverer].
func (x *Cluster) Log() (Log, bool) { return x.log, x.log != nil }

// BrokerStats returns the state of the broker's connection, which all namespaces share.
func (x *Cluster) BrokerStats() BrokerStats { return x.node.Stats() }

// join subscribes and announces this server.
func (x *Cluster) join(ctx context.Context) error {
	link, err := x.node.broker.Join(ctx, x)
	if err != nil {
		return err
	}
	x.link = link
	if log, ok := link.(Log); ok && x.host.Recovery() > 0 {
		x.log = log
	}
	if r, ok := link.(Router); ok {
		keep := time.Duration(0)
		if x.log == nil { // else the log has what a client missed
			keep = x.host.Recovery()
		}
		x.routes = newRoutes(r, keep)
		x.index.Watch(x.routes.changed)
	}
	if x.hello, err = x.node.heartbeats(ctx); err != nil {
		return errors.Join(err, link.Close())
	}
	if x.counter, _ = link.(Counter); x.counter == nil {
		if x.beats = x.hello; x.beats == nil { // the process has none
			x.beats = newHeartbeats(x.cfg, x.send, x.host.Report, func(uid string, _ ...string) { x.requests.gone(uid) })
		}
	}
	x.receiveEarly()
	if x.beats != nil && x.beats != x.hello {
		x.beats.start()
	}
	if x.hello != nil {
		x.hello.start() // or tell that there is one namespace more
		if x.counter == nil && x.hello.official != nil {
			x.announce()
		}
	}
	return nil
}

// announce asks official servers in the namespace for their heartbeats.
func (x *Cluster) announce() {
	x.answered = make(chan struct{})
	if err := x.sendHeartbeat(MessageInitialHeartbeat); err != nil {
		x.host.Report(err) // each will hear the next heartbeat of the others
	}
	time.AfterFunc(heartbeatsDelay, func() { close(x.answered) })
}

// sendHeartbeat sends a heartbeat in the namespace for official servers, who ignore its Count. For
// others that says that there is one of the process.
func (x *Cluster) sendHeartbeat(t MessageType) error { return x.publish(&Message{Type: t, Count: 1}) }

// logStart logs which other servers there are, once that is known.
func (x *Cluster) logStart() {
	servers, err := x.ServerCount(x.open)
	log, broker := x.host.Logger(), slog.String("broker", x.node.broker.Stats().Broker)
	switch {
	case x.open.Err() != nil:
	case err != nil:
		log.Warn("socketio: joined a cluster whose servers are not known", broker, slog.Any("error", err))
	default:
		log.Info("socketio: joined a cluster", broker, slog.Int("servers", servers))
	}
}

// Add registers a socket, in the room named after its id. It may wait as Join does.
func (x *Cluster) Add(s Socket) {
	x.used.Store(true)
	x.memory.Add(s)
	x.awaitRooms()
}

// Join makes a local socket join rooms.
//
// Where the broker subscribes to rooms one by one, Join returns once it has done so: usually after a
// round trip for the first socket of a room. An event that another server sends to the room after it
// has learned of the join reaches the socket. After a second Join returns anyway, and a [GapError]
// follows when the broker has subscribed.
func (x *Cluster) Join(id string, rooms ...string) {
	x.memory.Join(id, rooms...)
	x.awaitRooms()
}

func (x *Cluster) awaitRooms() {
	if x.routes != nil {
		x.routes.router.Settle(x.open)
	}
}

// Close ends the requests of other servers and tells them that this server leaves. Closing the last
// namespace of the process closes the broker.
func (x *Cluster) Close() error {
	x.close()
	if x.requests.end() {
		return nil
	}
	if x.beats != nil && x.beats.namespaces == nil {
		x.beats.stop()
	}
	if x.routes != nil {
		x.routes.stop()
	}
	x.work.Wait()
	// This comes last: a message after it would make the others count this server again.
	err := x.send(&Message{Type: MessageAdapterClose})
	return errors.Join(err, x.link.Close(), x.node.remove(x))
}

// publish sends a message to all other servers, until the adapter is closed.
func (x *Cluster) publish(m *Message) error {
	if x.open.Err() != nil {
		return fmt.Errorf("%w: the adapter is closed", ErrBroker)
	}
	return x.send(m)
}

func (x *Cluster) send(m *Message) error {
	m.UID, m.Namespace = x.uid, x.host.Name()
	return brokerError(x.link.Publish(m))
}

// reply answers the request to of another server.
func (x *Cluster) reply(to, m *Message) {
	if x.open.Err() != nil {
		return
	}
	m.UID, m.Namespace, m.RequestID = x.uid, x.host.Name(), to.RequestID
	if err := brokerError(x.link.Reply(to, m)); err != nil {
		x.host.Report(err)
	}
}

// brokerError returns err as an error that matches ErrBroker.
func brokerError(err error) error {
	if err == nil || errors.Is(err, ErrBroker) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrBroker, err)
}

// Broadcast sends p to sockets here and then to the other servers.
// An error that matches [ErrBroker] concerns only those.
//
// With a log (see [Cluster.Log]) the sockets here get it when it comes back from the broker, so that
// every server has the same order. When it cannot be published they get it at once.
func (x *Cluster) Broadcast(p *Packet, o Options) error {
	if o.Flags.Local {
		return x.host.Deliver(p, o)
	}
	sent := o
	sent.Flags.Timeout = 0
	m := &Message{Type: MessageBroadcast, Options: sent, Packet: p}
	if x.log == nil && x.reads(m) || !p.plain() { // once, for both; else the link encodes it as the wire wants it
		if err := p.Encode(); err != nil {
			return err
		}
	}
	if x.log == nil {
		if err := x.host.Deliver(p, o); err != nil {
			return err
		}
	}
	err := x.publish(m)
	if err != nil && x.log != nil {
		return errors.Join(x.host.Deliver(p, o), err)
	}
	return err
}

// BroadcastWithAck sends p to sockets here and then to the other servers.
// When a server goes, each answer that it owes is [ErrServerGone]. If the other servers cannot be
// reached, there is one more answer, with that error.
func (x *Cluster) BroadcastWithAck(p *Packet, o Options, count func(int), answer func(Answer)) (func(), error) {
	if o.Flags.Local {
		return x.memory.BroadcastWithAck(p, o, count, answer)
	}
	if err := p.Encode(); err != nil {
		return nil, err
	}
	if o.Flags.Timeout == 0 {
		o.Flags.Timeout = x.cfg.RequestTimeout
	}
	unknown := x.awaitServers(x.open)
	r := newAcks(o.Flags.ExpectSingle, count, answerTo(answer))
	id := newUID()
	x.requests.open(id, r)
	forget, err := x.memory.BroadcastWithAck(p, o, r.local, answer)
	if err != nil {
		x.requests.close(id)
		return nil, err
	}
	m := &Message{Type: MessageBroadcast, RequestID: id, Options: o, Packet: p}
	if err := cmp.Or(x.publish(m), unknown); err != nil {
		r.failed(err) // one error among the answers of the sockets here
	}
	return func() {
		x.requests.close(id)
		forget()
	}, nil
}

// FetchSockets lists the sockets here and then those of the other servers, as they answer.
// When some do not answer before ctx ends, or before RequestTimeout if it has no deadline, the last
// error is a [*MissingServersError].
func (x *Cluster) FetchSockets(ctx context.Context, o Options) iter.Seq2[Info, error] {
	local := x.memory.FetchSockets(ctx, o)
	if o.Flags.Local {
		return local
	}
	return func(yield func(Info, error) bool) {
		if _, has := ctx.Deadline(); !has {
			var stop context.CancelFunc
			ctx, stop = context.WithTimeout(ctx, x.cfg.RequestTimeout)
			defer stop()
		}
		unknown := x.awaitServers(ctx)
		f := x.fetch(o) // first, so that the others work while the local ones are listed
		defer x.requests.close(f.id)
		for info, err := range local {
			if !yield(info, err) {
				return
			}
		}
		missing, err := f.answers.Run(ctx, nil, nil, func(a fetched) bool {
			for _, info := range a.infos {
				info.Local = nil
				if !yield(info, nil) {
					return false
				}
			}
			return a.err == nil || yield(Info{}, a.err)
		})
		switch {
		case err != nil && missing != 0:
			yield(Info{}, f.request.missing(err))
		case unknown != nil:
			yield(Info{}, &MissingServersError{Missing: -1, Err: unknown})
		}
	}
}

// fetch is a FetchSockets on other servers.
type fetch struct {
	id      string
	request *answers
	answers *gather.Answers[fetched]
}

// fetched is what one server has, or why none was asked.
type fetched struct {
	infos []Info
	err   error
}

// fetch asks the other servers for their sockets as soon as it is known how many there are.
func (x *Cluster) fetch(o Options) *fetch {
	f := &fetch{id: newUID(), answers: gather.New[fetched]()}
	f.request = newAnswers(MessageFetchSocketsResponse, func(servers int) {
		if servers > 0 && !f.request.failed {
			if err := x.publish(&Message{Type: MessageFetchSockets, RequestID: f.id, Options: o}); err != nil {
				f.answers.Add(fetched{err: f.request.abandon(err)})
				servers = 1
			}
		}
		f.answers.Expect(servers)
	}, func(m *Message, err error) {
		if errors.Is(err, ErrServerGone) {
			err = nil // with its sockets
		}
		f.answers.Add(fetched{m.Sockets, err})
	})
	x.requests.open(f.id, f.request)
	return f
}

// AddSockets makes sockets join rooms, here and then on the other servers. With a log the command is
// applied here when it comes back, like a Broadcast.
func (x *Cluster) AddSockets(o Options, rooms ...string) error {
	return x.command(o, &Message{Type: MessageSocketsJoin, Rooms: rooms})
}

// DelSockets makes sockets leave rooms, here and then on the other servers. With a log the command is
// applied here when it comes back, like a Broadcast.
func (x *Cluster) DelSockets(o Options, rooms ...string) error {
	return x.command(o, &Message{Type: MessageSocketsLeave, Rooms: rooms})
}

// DisconnectSockets disconnects sockets, here and then on the other servers. With a log the command is
// applied here when it comes back, like a Broadcast.
func (x *Cluster) DisconnectSockets(o Options, close bool) error {
	return x.command(o, &Message{Type: MessageDisconnectSockets, Close: close})
}

// command applies a command here and publishes it. With a log it comes back and is applied then, so
// that what was broadcast before it still reaches the sockets.
func (x *Cluster) command(o Options, m *Message) error {
	local := o.Flags.Local
	m.Options = o
	if x.log != nil && !local {
		err := x.publish(m)
		if err != nil {
			x.apply(m)
		}
		return err
	}
	x.apply(m)
	x.awaitRooms()
	if local {
		return nil
	}
	return x.publish(m)
}

// apply applies a command to the sockets here.
func (x *Cluster) apply(m *Message) {
	// None of these fails.
	switch m.Type {
	case MessageSocketsJoin:
		_ = x.memory.AddSockets(m.Options, m.Rooms...)
	case MessageSocketsLeave:
		_ = x.memory.DelSockets(m.Options, m.Rooms...)
	case MessageDisconnectSockets:
		_ = x.memory.DisconnectSockets(m.Options, m.Close)
	}
}

// ServerSideEmit sends p to the other servers.
func (x *Cluster) ServerSideEmit(p *Packet) error {
	if err := p.Encode(); err != nil {
		return err
	}
	return x.publish(&Message{Type: MessageServerSideEmit, Packet: p})
}

// ServerSideEmitWithAck sends p to the other servers and asks each for an answer.
// The answer of a server that goes first is [ErrServerGone].
func (x *Cluster) ServerSideEmitWithAck(p *Packet, count func(int), answer func(Answer)) (func(), error) {
	if err := p.Encode(); err != nil {
		return nil, err
	}
	_ = x.awaitServers(x.open)
	id := newUID()
	x.requests.open(id, newAnswers(MessageServerSideEmitResponse, count, answerTo(answer)))
	m := &Message{Type: MessageServerSideEmit, RequestID: id, Packet: p}
	if err := x.publish(m); err != nil {
		x.requests.close(id)
		return nil, err
	}
	return func() { x.requests.close(id) }, nil
}

// ServerCount returns the number of servers, including this one: as the broker counts them, or
// those heard of lately.
func (x *Cluster) ServerCount(ctx context.Context) (int, error) {
	if x.counter != nil {
		return x.count(ctx)
	}
	err := x.awaitServers(ctx)
	return 1 + len(x.beats.servers(x.host.Name())), err
}

// count asks the broker for the number of servers.
func (x *Cluster) count(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, x.cfg.RequestTimeout)
	defer cancel()
	n, err := x.counter.Count(ctx)
	return max(n, 1), brokerError(err)
}

// awaitServers waits until the other servers are known, for a moment after the start.
func (x *Cluster) awaitServers(ctx context.Context) error {
	if x.beats == nil {
		return nil
	}
	if err := x.beats.await(ctx); err != nil || x.answered == nil {
		return err
	}
	select {
	case <-x.answered:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ErrServerGone is the error of an answer whose server has gone.
var ErrServerGone = errors.New("socketio: a server has gone")

// MissingServersError ends a FetchSockets that not all servers answered, or says which servers are not in
// a Count. The results are those of the others.
type MissingServersError struct {
	// UIDs are those of the servers that have not answered, nil if the broker only counts servers.
	UIDs []string
	// Missing is their number, -1 when it is not known how many servers there are.
	Missing int
	// Err is the reason for which the wait ended.
	Err error
}

// Error implements error.
func (e *MissingServersError) Error() string {
	cause := strings.TrimPrefix(fmt.Sprint(e.Err), "socketio: ")
	switch {
	case e.Missing < 0:
		return "socketio: other servers have not answered: " + cause
	case len(e.UIDs) == 0:
		return fmt.Sprintf("socketio: %d servers have not answered: %s", e.Missing, cause)
	}
	return fmt.Sprintf("socketio: %d servers have not answered (%s): %s", e.Missing, strings.Join(e.UIDs, ", "), cause)
}

// Unwrap returns Err.
func (e *MissingServersError) Unwrap() error { return e.Err }

// Defaults of ClusterConfig, which are those of the official adapters.
const (
	DefaultHeartbeatInterval = 5 * time.Second
	DefaultHeartbeatTimeout  = 10 * time.Second
	DefaultRequestTimeout    = 5 * time.Second
	// DefaultStartTimeout is the default of ClusterConfig.StartTimeout.
	DefaultStartTimeout = 10 * time.Second
)

// ClusterConfig configures a [Cluster]. The zero value has the official defaults and safe limits.
type ClusterConfig struct {
	// HeartbeatInterval is the time between two heartbeats. Default 5 s.
	HeartbeatInterval time.Duration
	// HeartbeatTimeout is the silence after which a server is gone. It must exceed HeartbeatInterval.
	// Default 10 s.
	HeartbeatTimeout time.Duration
	// RequestTimeout limits the wait for other servers if the call has no deadline and no timeout.
	// Default 5 s.
	RequestTimeout time.Duration
	// StartTimeout limits the wait for the broker when a namespace is made: for the first one until it is
	// connected, for each until it is subscribed. Default 10 s.
	StartTimeout time.Duration
	// Mixed means that there may be official servers in the cluster, which send heartbeats in each
	// namespace. It has no effect if the broker counts servers or has no namespace "".
	Mixed bool

	version version // that this server speaks; a test may change it
}

// withDefaults returns c with its zero fields set, or an error that names an invalid field.
func (c ClusterConfig) withDefaults() (ClusterConfig, error) {
	if c.version == (version{}) {
		c.version = ownVersion
	}
	for _, d := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
	}{
		{"HeartbeatInterval", &c.HeartbeatInterval, DefaultHeartbeatInterval},
		{"HeartbeatTimeout", &c.HeartbeatTimeout, DefaultHeartbeatTimeout},
		{"RequestTimeout", &c.RequestTimeout, DefaultRequestTimeout},
		{"StartTimeout", &c.StartTimeout, DefaultStartTimeout},
	} {
		if *d.v < 0 {
			return c, fmt.Errorf("adapter: ClusterConfig.%s is %v, it must not be negative", d.name, *d.v)
		}
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if c.HeartbeatTimeout <= c.HeartbeatInterval {
		return c, fmt.Errorf("adapter: ClusterConfig.HeartbeatTimeout is %v, it must be more than HeartbeatInterval, %v",
			c.HeartbeatTimeout, c.HeartbeatInterval)
	}
	return c, nil
}

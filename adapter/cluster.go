package adapter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/gosocketio/socketio/internal/gather"
)

// Cluster is the adapter of a namespace that several servers have. It does what is the same over every broker: what is for other
// servers as well is done here first and then published; who the other servers are is known from their heartbeats; what asks
// them ends when all have answered or gone, or when time is up, with what there is by then.
//
// An adapter for a broker makes one with [NewCluster], has what arrives given to [Cluster.Receive], and calls [Cluster.Start].
type Cluster struct {
	*memory
	transport Transport
	cfg       ClusterConfig
	uid       string
	members   members
	requests  requests
	open      context.Context // until Close
	close     context.CancelFunc
	responder responder
}

var _ Adapter = (*Cluster)(nil)

// NewCluster returns the adapter of h over a transport.
func NewCluster(h Host, t Transport, c ClusterConfig) (*Cluster, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	x := &Cluster{memory: newMemory(h), transport: t, cfg: c, uid: newUID()}
	x.open, x.close = context.WithCancel(context.Background())
	x.members.init(x)
	x.responder.init(x)
	return x, nil
}

// newUID returns 8 random bytes as 16 hexadecimal digits.
func newUID() string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}

// UID returns the adapter's name among those of the namespace.
func (x *Cluster) UID() string { return x.uid }

// Start makes the adapter known to the others. From then on it sends heartbeats.
func (x *Cluster) Start() error {
	x.members.start()
	return x.publish(&Message{Type: MessageInitialHeartbeat})
}

// Close ends what other servers wait for, sends the answers that are on their way, and says good-bye.
func (x *Cluster) Close() error {
	x.members.stop()
	x.close()
	x.responder.end()
	return x.publish(&Message{Type: MessageAdapterClose}) // the last word: others count whom they hear
}

// publish sends a message to all other servers, until the adapter is closed.
func (x *Cluster) publish(m *Message) error {
	m.UID, m.Namespace = x.uid, x.host.Name()
	if x.members.closed() && m.Type != MessageAdapterClose {
		return fmt.Errorf("%w: the adapter is closed", ErrBroker)
	}
	switch m.Type {
	case MessageInitialHeartbeat, MessageHeartbeat, MessageFetchSockets, MessageServerSideEmit:
		x.members.spoke()
	case MessageBroadcast:
		if m.RequestID != "" {
			x.members.spoke()
		}
	default:
	}
	if err := x.transport.Publish(m); err != nil {
		return fmt.Errorf("%w: %w", ErrBroker, err)
	}
	return nil
}

// Broadcast sends p to sockets here and then to the other servers. An error that matches [ErrBroker] concerns only these.
func (x *Cluster) Broadcast(p *Packet, o Options) error {
	if err := x.host.Deliver(p, o); err != nil || o.Flags.Local {
		return err
	}
	values, err := NewValues(p.Args...)
	if err != nil {
		return err
	}
	o.Flags.Timeout = 0
	return x.publish(&Message{Type: MessageBroadcast, Options: o, Event: p.Event, Values: values})
}

// BroadcastWithAck sends p to sockets here and then to the other servers. Sockets of a server that goes before they have answered
// are answered for with [ErrServerGone]; when the other servers cannot be reached, one answer more has that error.
func (x *Cluster) BroadcastWithAck(p *Packet, o Options, count func(int), answer func(Answer)) (func(), error) {
	if o.Flags.Local {
		return x.memory.BroadcastWithAck(p, o, count, answer)
	}
	values, err := NewValues(p.Args...)
	if err != nil {
		return nil, err
	}
	if o.Flags.Timeout == 0 {
		o.Flags.Timeout = x.cfg.RequestTimeout
	}
	r := &request{wants: MessageBroadcastAck, count: count, answer: answerTo(answer)}
	id := x.requests.open(&x.members, r, x.uid)
	forget, err := x.memory.BroadcastWithAck(p, o, func(n int) { r.owes(x.uid, n) }, answer)
	if err != nil {
		x.requests.close(id)
		return nil, err
	}
	if err := x.publish(&Message{Type: MessageBroadcast, RequestID: id, Options: o, Event: p.Event, Values: values}); err != nil {
		r.failed(err) // one error among the answers of the sockets here
	}
	return func() {
		x.requests.close(id)
		forget()
	}, nil
}

// FetchSockets lists the sockets here and then those of the other servers, as they answer. When some do not before ctx ends, or
// before RequestTimeout if it has no deadline, the last error is a [*MissingServersError].
func (x *Cluster) FetchSockets(ctx context.Context, o Options) iter.Seq2[Info, error] {
	local := x.memory.FetchSockets(ctx, o)
	if o.Flags.Local {
		return local
	}
	return func(yield func(Info, error) bool) {
		infos := gather.New[[]Info]()
		r := &request{
			wants: MessageFetchSocketsResponse, count: infos.Expect,
			answer: func(m *Message, _ error) { infos.Add(m.Sockets) },
		}
		id := x.requests.open(&x.members, r)
		defer x.requests.close(id)
		var err error
		if len(r.debtors()) > 0 { // asked first, so that they look while these are listed
			err = x.publish(&Message{Type: MessageFetchSockets, RequestID: id, Options: o})
		}
		for info, err := range local {
			if !yield(info, err) {
				return
			}
		}
		if err != nil {
			yield(Info{}, err)
			return
		}
		if _, has := ctx.Deadline(); !has {
			var stop context.CancelFunc
			ctx, stop = context.WithTimeout(ctx, x.cfg.RequestTimeout)
			defer stop()
		}
		_, err = infos.Run(ctx, nil, nil, func(infos []Info) bool {
			for _, info := range infos {
				info.Local = nil
				if !yield(info, nil) {
					return false
				}
			}
			return true
		})
		if err != nil {
			yield(Info{}, &MissingServersError{UIDs: r.debtors(), Err: err})
		}
	}
}

// AddSockets makes sockets join rooms, here and then on the other servers.
func (x *Cluster) AddSockets(o Options, rooms ...string) error {
	return x.command(o, x.memory.AddSockets(o, rooms...), &Message{Type: MessageSocketsJoin, Rooms: rooms})
}

// DelSockets makes sockets leave rooms, here and then on the other servers.
func (x *Cluster) DelSockets(o Options, rooms ...string) error {
	return x.command(o, x.memory.DelSockets(o, rooms...), &Message{Type: MessageSocketsLeave, Rooms: rooms})
}

// DisconnectSockets disconnects sockets, here and then on the other servers.
func (x *Cluster) DisconnectSockets(o Options, close bool) error {
	return x.command(o, x.memory.DisconnectSockets(o, close), &Message{Type: MessageDisconnectSockets, Close: close})
}

func (x *Cluster) command(o Options, err error, m *Message) error {
	if err != nil || o.Flags.Local {
		return err
	}
	m.Options = o
	return x.publish(m)
}

// ServerSideEmit sends p to the other servers.
func (x *Cluster) ServerSideEmit(p *Packet) error {
	values, err := NewValues(p.Args...)
	if err != nil {
		return err
	}
	return x.publish(&Message{Type: MessageServerSideEmit, Event: p.Event, Values: values})
}

// ServerSideEmitWithAck sends p to the other servers and asks them for answers. One that goes before it has answered is answered
// for with [ErrServerGone].
func (x *Cluster) ServerSideEmitWithAck(p *Packet, count func(int), answer func(Answer)) (func(), error) {
	values, err := NewValues(p.Args...)
	if err != nil {
		return nil, err
	}
	asked := 0
	r := &request{wants: MessageServerSideEmitResponse, count: func(n int) { asked = n }, answer: answerTo(answer)}
	id := x.requests.open(&x.members, r)
	if count(asked); asked == 0 {
		x.requests.close(id)
		return func() {}, nil
	}
	if err := x.publish(&Message{Type: MessageServerSideEmit, RequestID: id, Event: p.Event, Values: values}); err != nil {
		x.requests.close(id)
		return nil, err
	}
	return func() { x.requests.close(id) }, nil
}

// ServerCount is the number of servers from which something was heard lately, this one included.
func (x *Cluster) ServerCount(context.Context) (int, error) { return 1 + x.members.len(), nil }

// Transport carries messages between servers: it is what an adapter for a broker has to provide. What arrives it gives to
// [Cluster.Receive]. Both methods are called from many goroutines at once.
type Transport interface {
	// Publish sends a message to the adapters of the same namespace on all other servers. Messages that one goroutine publishes
	// one after the other must arrive in that order. Who broadcasts waits for it, so that it should queue and not wait for the
	// broker's answer. The sender may get its own messages back: they are ignored.
	Publish(m *Message) error
	// PublishResponse sends a message to one adapter. It may reach others as well: they ignore it.
	PublishResponse(uid string, m *Message) error
}

// ErrBroker is wrapped by the errors of an adapter whose transport failed: what was to be done on this server is done, the
// other servers have not heard of it.
var ErrBroker = errors.New("socketio: the other servers cannot be reached")

// ErrServerGone is the error of an answer that does not come because the server that owed it has gone.
var ErrServerGone = errors.New("socketio: a server has gone")

// MissingServersError ends a FetchSockets that not all servers have answered: what came before it is what there is.
type MissingServersError struct {
	// UIDs are those of the adapters that have not answered.
	UIDs []string
	// Err is why they are not waited for any longer.
	Err error
}

// Error implements error.
func (e *MissingServersError) Error() string {
	return fmt.Sprintf("socketio: %d servers have not answered (%s): %v", len(e.UIDs), strings.Join(e.UIDs, ", "), e.Err)
}

// Unwrap returns why they are not waited for any longer.
func (e *MissingServersError) Unwrap() error { return e.Err }

// Defaults of ClusterConfig, which are those of the official adapters.
const (
	DefaultHeartbeatInterval = 5 * time.Second
	DefaultHeartbeatTimeout  = 10 * time.Second
	DefaultRequestTimeout    = 5 * time.Second
	DefaultMaxResponses      = 65_536
)

// ClusterConfig is what a [Cluster] is made with. The zero value has the official defaults and safe limits.
type ClusterConfig struct {
	// HeartbeatInterval is how often a server that has nothing else to say says that it is there. Default 5 s.
	HeartbeatInterval time.Duration
	// HeartbeatTimeout is after how much silence a server counts as gone. Default 10 s.
	HeartbeatTimeout time.Duration
	// RequestTimeout is how long answers of servers are waited for where neither a context's deadline nor a timeout says
	// otherwise. Default 5 s.
	RequestTimeout time.Duration
	// MaxResponses limits the answers that wait for the transport, in number. Beyond it they are dropped, and the server that
	// asked waits in vain. Default 65,536.
	MaxResponses int
	// OnError is told what failed on behalf of other servers: answers and heartbeats that could not be published. It must not
	// block. Default: nobody is told.
	OnError func(error)
}

// withDefaults returns c with its zero fields filled in, or an error that names the field that cannot work.
func (c ClusterConfig) withDefaults() (ClusterConfig, error) {
	for _, d := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
	}{
		{"HeartbeatInterval", &c.HeartbeatInterval, DefaultHeartbeatInterval},
		{"HeartbeatTimeout", &c.HeartbeatTimeout, DefaultHeartbeatTimeout},
		{"RequestTimeout", &c.RequestTimeout, DefaultRequestTimeout},
	} {
		if *d.v < 0 {
			return c, fmt.Errorf("adapter: ClusterConfig.%s is %v, it must not be negative", d.name, *d.v)
		}
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	switch {
	case c.MaxResponses < 0:
		return c, fmt.Errorf("adapter: ClusterConfig.MaxResponses is %d, it must not be negative", c.MaxResponses)
	case c.MaxResponses == 0:
		c.MaxResponses = DefaultMaxResponses
	}
	if c.HeartbeatTimeout <= c.HeartbeatInterval {
		return c, fmt.Errorf("adapter: ClusterConfig.HeartbeatTimeout is %v, it must be more than HeartbeatInterval, %v", c.HeartbeatTimeout, c.HeartbeatInterval)
	}
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	return c, nil
}

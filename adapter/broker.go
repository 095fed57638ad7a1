package adapter

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// ErrBroker is wrapped by every error of a broker. The sockets on this server got the event anyway.
var ErrBroker = errors.New("socketio: other servers cannot be reached")

var (
	// ErrBrokerDown means that the connection to the broker is lost, and is being set up again.
	ErrBrokerDown = fmt.Errorf("%w: the connection to the broker is lost", ErrBroker)
	// ErrBrokerStalled means that the queue to the broker is full (OutboxConfig.MaxBytes).
	ErrBrokerStalled = fmt.Errorf("%w: the broker does not take messages quickly enough", ErrBroker)
	// ErrTooLarge means that a message is larger than the broker or the configuration allows.
	ErrTooLarge = fmt.Errorf("%w: the message is too large", ErrBroker)
)

// GapError means that messages of other servers may have been lost, for good.
type GapError struct {
	// Namespace is the namespace concerned.
	Namespace string
	// Err is the cause: the subscription was interrupted, or the broker dropped messages.
	Err error
}

// Error implements error.
func (e *GapError) Error() string {
	cause := strings.TrimPrefix(strings.TrimPrefix(e.Err.Error(), ErrBroker.Error()+": "), "socketio: ")
	return fmt.Sprintf("socketio: messages of other servers for namespace %s may have been lost: %s", e.Namespace, cause)
}

// Unwrap returns ErrBroker and Err.
func (e *GapError) Unwrap() []error { return []error{ErrBroker, e.Err} }

// Broker is the connection of one process to a broker, shared by all its namespaces. An adapter for
// a broker implements it, and [Node] uses it.
type Broker interface {
	// Start connects. It returns when the broker has answered, or with one readable error. Later
	// errors that no call returns go to report, and match ErrBroker. report may be called from any
	// goroutine and does not block.
	Start(ctx context.Context, uid string, report func(error)) error
	// Join subscribes a namespace. It returns when the broker has confirmed the subscription: the
	// member receives everything that is sent from then on. Messages may arrive before it returns.
	//
	// A Node also joins the name "", for the heartbeats of processes: only Go servers have these, and
	// official servers must not receive them. Its Link carries heartbeats and MessageAdapterClose, and
	// need be nothing else. If Join returns errors.ErrUnsupported for that name, each namespace has
	// heartbeats of its own, unless the broker counts servers. ClusterConfig.Mixed is set if there may
	// be official servers that send heartbeats.
	Join(ctx context.Context, m Member) (Link, error)
	// Stats returns the state of the connection. It does not block.
	Stats() BrokerStats
	// Close sends what is queued, until ctx ends, and disconnects.
	Close(ctx context.Context) error
}

// Member receives the messages of one namespace.
type Member interface {
	// Namespace returns its name.
	Namespace() string
	// Receive handles a message and does not block. A broker calls it in the order of arrival, and also
	// for messages of this process (UID is that of Start) if the broker sends them back. The message
	// and the memory that it refers to must not change afterwards.
	Receive(m *Message)
	// Gap records that messages may have been lost before the next one.
	Gap(err error)
}

// OwnReceiver is a Member that tells whether it needs the messages of this process that the broker
// sends back. A broker asks at Join; if the answer is no it may drop them without decoding.
type OwnReceiver interface{ ReceivesOwn() bool }

// Discoverer is a Member, that of the name "", which is told when a part of the broker appears whose
// servers could not be heard before.
type Discoverer interface{ Discovered() }

// ServerLister is a Member, that of the name "", which knows the other Go servers. On a fresh server
// it waits until they are known, usually for half a second, or until ctx ends. A broker asks it once
// Join of the first namespace has returned.
type ServerLister interface {
	Servers(ctx context.Context) []Server
}

// Link sends the messages of one namespace. Its methods are called from many goroutines at once and
// never wait for the broker: they encode and queue, in the order of the calls.
type Link interface {
	// Publish sends a message to the namespace on all other servers. The error is ErrBrokerStalled,
	// ErrBrokerDown, ErrTooLarge or an encoding error. If the wire has no such type of message, as some
	// have no MessageAdapterClose, it is dropped without an error.
	Publish(m *Message) error
	// Reply sends the answer m to the server that sent the request to.
	Reply(to, m *Message) error
	// Close ends the subscription. No Receive is under way when it returns.
	Close() error
}

// Counter is a Link whose broker counts the servers that are subscribed, official ones too. Without it
// a Cluster knows them by their heartbeats.
type Counter interface {
	// Count returns the number of servers with this namespace, this one included.
	Count(ctx context.Context) (int, error)
}

// Router is a Link that subscribes to rooms one by one.
type Router interface {
	// RoomOpened is called when the first local socket joins a room, RoomClosed when the last one
	// has left it. The calls for one room alternate. Both queue and do not wait: they run under the
	// lock of the rooms.
	RoomOpened(room string)
	RoomClosed(room string)
	// Settle waits until the broker has confirmed the subscriptions of the rooms opened so far, until
	// ctx ends, or for one second. It returns at once while the connection is lost. If it does not wait
	// for all, Member.Gap is called once they are confirmed.
	Settle(ctx context.Context)
}

// Log is a Link whose broker keeps broadcasts for a while, each at a position, so that clients can be
// recovered on any server. Broadcasts of this server come back through Receive, with their positions.
type Log interface {
	// Reached returns a position up to which Receive has returned for every broadcast of this
	// namespace. It does not block. It advances with the whole log, so that it is recent in a quiet
	// namespace of a busy log too. "" means that none is known yet.
	Reached() string
	// After returns the broadcasts of this namespace after a position, oldest first, up to the newest
	// at the time of the last step. A position is any that Reached or a Message gave on any server.
	// The first error is ErrPosition when the log does not reach back to the position, when it is after
	// the newest, and when it is malformed: it comes from a client.
	After(ctx context.Context, position string) iter.Seq2[*Message, error]
	// ComparePositions returns -1, 0 or +1 as a is before b, the same, or after it.
	ComparePositions(a, b string) int
	// PutSession keeps the session of a client, a JSON object, for ttl. The members sid, pid, rooms and
	// data are those of the official servers; others are kept too.
	PutSession(ctx context.Context, pid string, data []byte, ttl time.Duration) error
	// TakeSession deletes a session and returns it, to one caller only. It is nil if there is none.
	TakeSession(ctx context.Context, pid string) ([]byte, error)
}

// ErrPosition means that a log does not reach back to a position.
var ErrPosition = errors.New("socketio: the log does not reach back that far")

// BrokerStats is the state of a broker's connection. Counts are since the start of the process.
type BrokerStats struct {
	// Broker names the broker and the wire, such as "redis pub/sub at 10.0.0.5:6379".
	Broker string
	// Connected is false while the connection is lost.
	Connected bool
	// Away is how long the connection has been lost; 0 while it is there.
	Away time.Duration
	// QueuedBytes is the size of the messages that are queued or being sent.
	QueuedBytes int
	// Sent and Received count messages. Failed counts those that were queued and not sent. Gaps counts
	// the times at which messages of others may have been lost. Invalid counts those that could not be
	// read. Discarded counts those that were for no socket here, such as for a room that nobody here has
	// joined: they were received in vain.
	Sent, Received, Failed, Gaps, Invalid, Discarded uint64
}

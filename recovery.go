package socketio

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/protocol"
)

// Defaults of ConnectionStateRecovery.
const (
	DefaultMaxDisconnectionDuration = 2 * time.Minute
	DefaultMaxEventBytes            = 16 << 20
	DefaultMaxSessionBytes          = 32 << 20
)

// ConnectionStateRecovery lets clients whose connection broke return as the same socket.
//
// The socket keeps its id, rooms and values ([Socket.SetValue]), and the client gets the events
// that it missed before it gets to know that it is connected. The zero value has the official
// defaults and safe limits.
//
// With an adapter whose broker keeps a log (Redis streams) clients come back on any server, ours or
// an official one, also when theirs was killed. Of the values only those of shared keys
// ([NewSharedKey]) survive, as JSON. What is sent to sockets and rooms goes through the log, so that
// all servers have one order: it is sent when it comes back, and to the sockets that are in the room
// then. With any other adapter all of it is in the memory of this process and lost with it.
//
// A client that cannot be recovered becomes a new socket, as without recovery: it was away for too
// long, too much was sent meanwhile, or the server was restarted. Its socket.recovered is false,
// and so is [Socket.Recovered]. A client that left, or that the server disconnected, is never
// recovered.
//
// Each event gets one more argument, a string: the offset. Clients before Socket.IO 4.6 pass it on
// to the application. With a log, volatile events have none, as in the official server: one whose
// last argument is a string may keep its client from being recovered.
type ConnectionStateRecovery struct {
	// MaxDisconnectionDuration is how long a client may be away. Default 2 min.
	MaxDisconnectionDuration time.Duration
	// RunMiddlewares runs the namespace's middlewares for recovered sockets too. By default they are
	// skipped: they have admitted this client before. (The official option is skipMiddlewares.)
	RunMiddlewares bool
	// MaxEventBytes limits the log of events in each namespace, in bytes as sent and about 200 for
	// each event. Beyond it the oldest are dropped, but not the latest, whatever its size; a client
	// that missed one of them becomes a new socket. Default 16 MiB. Where the broker keeps a log, that
	// log's own limits apply.
	MaxEventBytes int
	// MaxSessionBytes limits the sessions of clients that are away in each namespace: about 500 bytes
	// for each, and their rooms. Values kept with a socket do not count. Beyond it the sessions that
	// have been away for the longest are dropped. Default 32 MiB. Where the broker keeps a log it
	// limits those that wait for the broker to take them; beyond it the broker keeps what it has.
	MaxSessionBytes int
}

// withDefaults returns c with its zero fields set, or an error that names the invalid field.
func (c ConnectionStateRecovery) withDefaults(p protocol.Parser) (ConnectionStateRecovery, error) {
	const in = "ConnectionStateRecovery."
	err := cmp.Or(
		setDefault(in+"MaxDisconnectionDuration", &c.MaxDisconnectionDuration, DefaultMaxDisconnectionDuration),
		setDefault(in+"MaxEventBytes", &c.MaxEventBytes, DefaultMaxEventBytes),
		setDefault(in+"MaxSessionBytes", &c.MaxSessionBytes, DefaultMaxSessionBytes),
	)
	if err != nil || p == nil {
		return c, err
	}
	// Offsets are written into encoded packets: the parser must show them.
	offset := "offset" + zeroDigits
	messages, err := p.Encode([]byte(`2["event",1,"`+offset+`"]`), nil)
	if err == nil && (len(messages) == 0 || bytes.Count(messages[0].Data, []byte(offset)) != 1) {
		err = errors.New("it must write strings of letters and digits as they are")
	}
	if err != nil {
		return c, fmt.Errorf("%w: Parser does not go with ConnectionStateRecovery: %w", ErrConfig, err)
	}
	return c, nil
}

// RecoveryStats is what a namespace keeps for [ConnectionStateRecovery].
//
// Where the broker keeps a log it has the events and the sessions: Events is 0, and Waiting counts
// the sessions that the broker has not taken yet.
type RecoveryStats struct {
	// Waiting is the number of clients that are away and may be recovered.
	Waiting int
	// WaitingBytes is what their sessions take, as ConnectionStateRecovery.MaxSessionBytes counts.
	WaitingBytes int
	// Events is the number of events in the log. EventBytes is their size, as MaxEventBytes counts.
	Events, EventBytes int
	// Recovered counts the sockets recovered since the namespace was made. Refused counts the
	// attempts that failed.
	Recovered, Refused uint64
}

// RecoveryStats returns what the namespace keeps for recovery; ok is false when recovery is off.
func (n *Namespace) RecoveryStats() (s RecoveryStats, ok bool) {
	if n.recovery == nil {
		return s, false
	}
	return n.recovery.stats(), true
}

// recovery lets the clients of a namespace return as the same sockets: memoryRecovery on this
// server, brokerRecovery on any server of a broker that keeps a log.
//
// Its lock is held while a socket connects or disconnects.
type recovery interface {
	sync.Locker
	// assign leases a session to a new socket. It does not block.
	assign(s *Socket)
	// claim prepares the recovery of a socket, or returns the socket that takes its place. It may
	// block.
	claim(s *Socket) *Socket
	// restart gives up the recovery of a socket. It returns a new one, which takes its place.
	restart(s *Socket) *Socket
	// collect reads what the client missed and calls enter, which adds the socket to the adapter and
	// its rooms. It may block. It returns false when the socket cannot be recovered.
	collect(s *Socket, enter func()) bool
	// connectLocked connects the socket to its session. It returns false as collect does.
	connectLocked(s *Socket) bool
	// connected is called when the CONNECT is about to be sent.
	connected(s *Socket)
	// detachLocked records a disconnect.
	detachLocked(s *Socket, reason Reason)
	// saveRooms saves the rooms of a socket that is about to leave them for good.
	saveRooms(s *Socket)
	// release ends a socket's lease. It returns true when the session keeps the namespace: then
	// Server.leave follows later.
	release(s *Socket, reason Reason) (keeps bool)

	// queueAll sends a broadcast. It appends the sockets that it was queued to, which the caller must
	// flush, to list.
	queueAll(list []adapter.Socket, p *adapter.Packet, o adapter.Options, sent *EmitInfo) ([]adapter.Socket, error)
	// emit sends an event to one socket.
	emit(s *Socket, event string, args []any, f adapter.Flags) error

	stats() RecoveryStats
	// close drops everything. The server has shut down.
	close()
}

// recoveryState is what both recoveries have.
type recoveryState struct {
	ns    *Namespace
	cfg   ConnectionStateRecovery
	began time.Time

	mu                 sync.Mutex
	recovered, refused uint64 // sockets so far
}

// Lock and Unlock guard the state of a session.
func (r *recoveryState) Lock()   { r.mu.Lock() }
func (r *recoveryState) Unlock() { r.mu.Unlock() }

func (r *recoveryState) countRecoveredLocked() {
	r.recovered++
	r.ns.totals.recovered.Add(1)
}

func (r *recoveryState) countRefusedLocked() {
	r.refused++
	r.ns.totals.refused.Add(1)
}

func (r *recoveryState) now() time.Duration { return time.Since(r.began) }

// leaveNamespace ends the membership of n sessions.
func (r *recoveryState) leaveNamespace(n int) {
	for range n {
		r.ns.server.leave(r.ns)
	}
}

// leaveLater is leaveNamespace in a goroutine: closing the adapter may take a while.
func (r *recoveryState) leaveLater(n int) {
	workers := &r.ns.server.workers
	workers.begin()
	go func() {
		defer workers.end()
		r.leaveNamespace(n)
	}()
}

var (
	_ recovery = (*memoryRecovery)(nil)
	_ recovery = (*brokerRecovery)(nil)
)

// newRecovery returns the recovery of a namespace whose adapter is there.
func newRecovery(ns *Namespace, c ConnectionStateRecovery) recovery {
	state := &recoveryState{ns: ns, cfg: c, began: time.Now()}
	if a, ok := ns.adapter.(adapter.Recoverer); ok {
		if log, ok := a.Log(); ok {
			return newBrokerRecovery(state, log)
		}
	}
	return newMemoryRecovery(state)
}

// lease is a socket's hold on its session. All sockets of a namespace with recovery have one.
type lease struct {
	pid       string // the client's secret name for its session
	recovered bool
	leftOwn   bool        // it had left the room named after its id
	leftRooms atomic.Bool // for good: the rooms under its id may be another socket's by now

	missed []*engineio.Prepared // of a recovered socket until its CONNECT is sent

	// Those of memoryRecovery.
	session     *savedSession
	released    chan struct{} // closed at the end; made when another socket waits for it
	restoration *restoration  // of a recovered socket until it has connected

	// Those of brokerRecovery.
	broker   *brokerSession
	restored map[string]json.RawMessage // shared values of another server's socket; Socket.mu guards it
}

// missedLimit limits what a client gets that missed it.
//
// The limits are half of the outbox: the rest is for what is sent meanwhile. There an event counts
// for at most a quarter.
type missedLimit struct {
	server        *Server
	events, bytes int
}

func (l *missedLimit) add(event *engineio.Prepared) {
	l.events++
	l.bytes += min(event.Len(), l.server.maxMissedBytes/2)
}

func (l *missedLimit) exceeded() bool {
	return l.bytes > l.server.maxMissedBytes || l.events > l.server.maxMissedEvents
}

// ErrReplaced is the cause of a disconnect: the client was recovered on another connection.
//
// The server had not noticed yet that this connection was dead.
var ErrReplaced = errors.New("socketio: the client came back on another connection")

// replaceTimeout limits the wait for the disconnect callbacks of the socket before a recovered one.
//
// They run after the current handler, which may block.
const replaceTimeout = 5 * time.Second

// Recovered tells whether the socket has been recovered, see [ConnectionStateRecovery].
//
// A recovered socket has the id, the rooms and the values of the socket before it, and its client
// gets the events that it missed.
func (s *Socket) Recovered() bool { return s.lease != nil && s.lease.recovered }

// recoverable tells whether a client may return after a disconnect for this reason.
//
// As in the official server, it may unless somebody decided to disconnect it.
func (r Reason) recoverable() bool {
	switch r {
	case ReasonTransportError, ReasonTransportClose, ReasonForcedClose,
		ReasonPingTimeout, ReasonServerShuttingDown, ReasonForcedServerClose:
		return true
	}
	return false
}

// parseRecovery returns the pid and the offset in a CONNECT, "" for a pid that does not count.
//
// An offset that is no string is as bad as a wrong pid. A client that has received nothing yet
// sends none.
func parseRecovery(auth json.RawMessage) (pid, offset string) {
	var members map[string]json.RawMessage // a struct would ignore the case of names
	if json.Unmarshal(auth, &members) != nil || json.Unmarshal(members["pid"], &pid) != nil {
		return "", ""
	}
	if raw := members["offset"]; raw != nil && json.Unmarshal(raw, &offset) != nil {
		return "", ""
	}
	return pid, offset
}

// replaced ends a socket and its connection, which is dead: the client is on another one.
func (s *Socket) replaced() {
	s.client.forget(s, false)
	s.close(ReasonForcedClose, ErrReplaced, 0)
	s.client.session().Discard(ErrReplaced)
}

// replaceWith puts another socket in the place of one that has not connected, and starts it.
func (s *Socket) replaceWith(other *Socket) {
	other.connectCost, other.charged = s.connectCost, s.charged
	s.charged = false
	replaced := s.client.replaceSocket(s, other)
	s.close("", ErrClosed, 0)
	if !replaced {
		other.leaveNamespace("")
		other.refundConnect()
		return
	}
	s.ns.server.workers.begin()
	go other.work()
}

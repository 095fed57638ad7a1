package socketio

import (
	"context"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// Hooks are functions for logs, metrics and traces, called as things happen.
//
// Each may be nil, and then costs nothing. They run on many goroutines at once, with no lock held,
// and must not block. A panic is contained. Errors go to Config.OnError; what happens to
// connections goes to [engineio.Events].
type Hooks struct {
	// Connect is called for each socket that connected, before the OnConnection functions run.
	Connect func(ConnectInfo)
	// Refuse is called for each CONNECT that was refused. A CONNECT whose connection ended meanwhile
	// is neither refused nor connected.
	Refuse func(RefuseInfo)
	// Disconnect is called once for each socket that connected, after the OnDisconnect functions.
	Disconnect func(DisconnectInfo)
	// Receive is called for each event as it arrives. An event that is still queued when its socket
	// disconnects gets no Handle.
	Receive func(ReceiveInfo)
	// Begin is called for each event that has a handler, before its listeners run. The context that it
	// returns, unless nil, is the one of [Event.Context] from then on, and must derive from it.
	Begin func(*Event) context.Context
	// Handle is called for each event when its listeners, middlewares and handlers have returned.
	Handle func(HandleInfo)
	// Emit is called for each event sent: to one socket, or by a broadcast to this server's sockets.
	Emit func(EmitInfo)
	// Ack is called when the wait for acknowledgements of clients has ended.
	Ack func(AckInfo)
	// Pause is called when reading from a connection pauses because too many events wait for handlers
	// (Config.MaxInboxBytes, MaxInboxEvents), and when it resumes.
	Pause func(PauseInfo)
	// Broker is called for each error of the broker that joins this server to others and that no
	// call returned: a lost connection, lost messages, an answer that could not be sent.
	Broker func(BrokerInfo)
}

// ConnectInfo is a socket that connected.
type ConnectInfo struct {
	Socket *Socket
	// Took is how long the middlewares ran.
	Took time.Duration
}

// RefuseInfo is a CONNECT that was refused.
type RefuseInfo struct {
	// Namespace is the name of the namespace that the client asked for, which need not exist.
	Namespace string
	// Conn is the connection that asked.
	Conn *engineio.Session
	// Err is what a middleware returned, or an [*Error] for an unknown namespace or one too many.
	Err error
}

// DisconnectInfo is a socket that disconnected.
type DisconnectInfo struct {
	Socket *Socket
	// Reason is why, in the official server's words.
	Reason Reason
	// Cause tells more, or is nil: ErrQueueFull or ErrSlowPeer for a client that read too slowly,
	// ErrProtocol for one that broke a rule.
	Cause error
}

// ReceiveInfo is an event that arrived.
type ReceiveInfo struct {
	// Socket is the socket that it is for.
	Socket *Socket
	// Bytes is the size of its payload, attachments included.
	Bytes int
}

// HandleInfo is an event that has been handled.
type HandleInfo struct {
	Event *Event
	// Took is how long the handling took.
	Took time.Duration
	// Handlers is how many handlers ran: 0 for an event without handlers, or refused by a middleware.
	Handlers int
	// Err is the first error of a middleware or handler.
	Err error
}

// EmitInfo is an event that was sent.
type EmitInfo struct {
	Namespace *Namespace
	// Socket is the socket that it was sent to, nil for a broadcast.
	Socket *Socket
	Event  string
	// Rooms are those that a broadcast without acknowledgements targets; none means everyone.
	Rooms []string
	// Bytes is its size on the wire, once for a broadcast; 0 when there was no recipient.
	Bytes int
	// Recipients is the number of sockets it was queued to.
	Recipients int
	// Failed is the number of sockets it was not queued to: closed, or with a full queue.
	Failed int
	// Err is why it was not sent at all.
	Err error
}

// count counts a recipient of a broadcast.
func (i *EmitInfo) count(err error) {
	if err == nil {
		i.Recipients++
	} else {
		i.Failed++
	}
}

// AckInfo is a wait for acknowledgements that ended.
type AckInfo struct {
	Namespace *Namespace
	// Socket is the socket that was asked, nil for a broadcast.
	Socket *Socket
	Event  string
	// Took is how long the wait lasted.
	Took time.Duration
	// Answered is the number of sockets that answered.
	Answered int
	// Err is why answers are missing: it matches ErrTimeout, ErrClosed or the context's cause. It is
	// nil when the caller left the loop over the answers of a broadcast.
	Err error
}

// PauseInfo is a connection whose reading paused or resumed.
type PauseInfo struct {
	Conn *engineio.Session
	// Paused is true when reading paused.
	Paused bool
}

// clock returns the time if a hook wants it, otherwise zero.
func clock(wanted bool) (t time.Time) {
	if wanted {
		t = time.Now()
	}
	return t
}

// hook calls a hook, if there is one, and contains its panic.
func hook[Info any](h *Server, fn func(Info), info Info) {
	if fn != nil {
		h.call(nil, "a hook", func() { fn(info) })
	}
}

package socketio

import (
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// Hooks are functions for logs, metrics and traces that are called as things happen, as in net/http/httptrace. Each may be nil,
// and then costs nothing. They run on the goroutine that made the thing happen, with no lock held, from many goroutines at once;
// they must not block. A panic is contained.
//
// Errors are the business of Config.OnError, and the connections below the sockets that of [engineio.Events].
type Hooks struct {
	// Connect is called for each socket that connected, before the connection functions run.
	Connect func(ConnectInfo)
	// Refuse is called for each CONNECT that was refused. One whose connection ended meanwhile is neither refused nor connected.
	Refuse func(RefuseInfo)
	// Disconnect is called once for each socket that Connect was called for, after the disconnect functions have run.
	Disconnect func(DisconnectInfo)
	// Receive is called for each event as it arrives, before it waits for the handlers. Those of a socket that disconnects
	// before they are handled have no Handle.
	Receive func(ReceiveInfo)
	// Handle is called for each event when its handlers, the listeners and middlewares before them included, have returned.
	Handle func(HandleInfo)
	// Emit is called for each event sent: to one socket, or by a broadcast to those on this server.
	Emit func(EmitInfo)
	// Ack is called when the wait for acknowledgements of clients has ended.
	Ack func(AckInfo)
	// Pause is called when a connection is not read from any more because too much waits for its handlers
	// (Config.MaxInboxBytes, MaxInboxEvents), and when it is read from again.
	Pause func(PauseInfo)
}

// ConnectInfo is a socket that connected.
type ConnectInfo struct {
	// Socket is the socket.
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
	// Err is why: what a middleware returned, or an [*Error] for a namespace that does not exist or one too many.
	Err error
}

// DisconnectInfo is a socket that disconnected.
type DisconnectInfo struct {
	// Socket is the socket.
	Socket *Socket
	// Reason is why, in the official server's words.
	Reason Reason
	// Cause tells more where there is more to tell, otherwise it is nil: engineio.ErrQueueFull or engineio.ErrSlowPeer for a
	// client that read too slowly, ErrProtocol for one that broke a rule.
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
	// Event is the event.
	Event *Event
	// Took is how long that took.
	Took time.Duration
	// Handlers is how many handlers were called. It is 0 for an event that nobody handles, or a middleware refused.
	Handlers int
	// Err is the first error of a middleware or handler.
	Err error
}

// EmitInfo is an event that was sent.
type EmitInfo struct {
	// Namespace is where.
	Namespace *Namespace
	// Socket is the socket that it was sent to, nil for a broadcast.
	Socket *Socket
	// Event is the event's name.
	Event string
	// Bytes is its size on the wire, once for a broadcast; 0 when nobody was there to be sent to.
	Bytes int
	// Recipients is the number of sockets that took it.
	Recipients int
	// Failed is the number of those that did not, because they were gone or their queue was full.
	Failed int
	// Err is what kept it from being sent at all.
	Err error
}

// count counts one of those that a broadcast was sent to.
func (i *EmitInfo) count(err error) {
	if err == nil {
		i.Recipients++
	} else {
		i.Failed++
	}
}

// AckInfo is a wait for acknowledgements that ended.
type AckInfo struct {
	// Namespace is where.
	Namespace *Namespace
	// Socket is the socket that was asked, nil for a broadcast.
	Socket *Socket
	// Event is the name of the event.
	Event string
	// Took is how long the wait lasted.
	Took time.Duration
	// Answered is the number of sockets that answered.
	Answered int
	// Err is why it ended without all answers: it matches ErrTimeout or ErrClosed, or the cause of the context's end. A
	// broadcast whose answers were not all taken has none.
	Err error
}

// PauseInfo is a connection that is not read from, or is again.
type PauseInfo struct {
	// Conn is the connection.
	Conn *engineio.Session
	// Paused tells which of the two.
	Paused bool
}

// clock is what a hook is told of a duration: not taken when nobody listens.
func clock(wanted bool) (t time.Time) {
	if wanted {
		t = time.Now()
	}
	return t
}

// hook calls a hook, if there is one, and contains its panic.
func hook[Info any](h *Server, fn func(Info), info Info) {
	if fn == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			h.report(nil, h.panicked(nil, "a hook", v))
		}
	}()
	fn(info)
}

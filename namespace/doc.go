// Package namespace is Socket.IO on top of an engine: namespaces, the sockets in them, their events and
// acknowledgements, and broadcasts. Users import package socketio, which offers what is here under official names.
//
// It is not a transport (that is package engineio), not a codec (protocol) and not a membership index (rooms); how
// a broadcast finds sockets is the adapter's.
//
// # Who owns what
//
//   - A [Hub] owns the namespaces and hears the engine's events.
//   - A client is one engine session. It owns the decoder and the sockets that the connection has, and decides what a
//     packet means. It runs on the goroutine that delivers the session's messages and never blocks it: acknowledgements
//     and disconnects take effect there, everything else becomes work of a socket.
//   - A [Socket] owns its inbox. Its worker - a goroutine that exists only while there is work, or the event loop itself while
//     handlers are quick (prompt.go) - does one thing after the other:
//     run the middlewares and connect, run the connection functions, handle events in the order in which they arrived,
//     and tell of the disconnect. So a handler may block, or wait for an acknowledgement of its own client, and keeps
//     nobody waiting but the later events of the same socket.
//   - A [Namespace] owns the handlers, the ids of acknowledgements and the broadcasts that wait for answers.
//
// # A socket's life
//
// CONNECT makes a socket that is joining. Its middlewares run; success registers it with the adapter, in the room
// named after its id, makes it connected, sends the CONNECT reply and runs the connection functions. Failure sends
// CONNECT_ERROR; if the connection is gone by then, nothing at all happens.
//
// When it disconnects, for whichever reason, this happens at once: Connected turns false, the context ends with a
// [*DisconnectError] as cause, events that wait are dropped, acknowledgements that are waited for fail with that
// error, and broadcasts pass it by. The rest is the worker's next task, after the handler that is running has
// returned: the disconnecting functions, with rooms still readable, then leaving the rooms, then the disconnect
// functions. Each socket that ran connection functions runs these exactly once; a panic skips the function that
// panicked and nothing else.
//
// # What a client may not do
//
// A packet that cannot be decoded closes the connection ("forced close"), a well-formed one that is not allowed at
// that point does as well ("forced server close"), as the official server does. There are two deliberate
// differences. Packets for a namespace that the server has just disconnected are ignored: the client sent them
// before it knew. And a second CONNECT to a namespace is refused also while the first is in its middlewares.
//
// # What waits, and for how long
//
// The events of one connection that wait for handlers are limited in bytes and number (Config.MaxInboxBytes,
// MaxInboxEvents); over it the connection is not read from, so that the client waits. An acknowledgement that comes
// behind so many events waits with them: a handler that waits for it ends by its deadline. Joins and leaves of a
// client count as events until they have been handled. What is sent waits in the engine's outbox, which has limits
// of its own. No acknowledgement is waited for without a limit. All deadlines are on the engine's timing wheel.
//
// # Locks
//
// Hub.mu guards the table of namespaces, client.mu the sockets of a connection, Socket.mu the inbox, the state and
// the table of acknowledgements, takenIDs.mu the ids of sockets of old clients, serverSideInbox.mu the events of other servers that wait, handlerSet.mu changes of the registered functions, and a lock of internal/gather the
// answers that came. None is held while another one is taken, nor during
// I/O, user code, or a call of the engine or the adapter - but for recovery.mu, the lock of a namespace that recovers its
// sockets: it makes one moment of giving an event its place in the log and queueing it to the sockets that it is for. Under it
// Session.Enqueue is called, and Socket.mu or hold.mu taken. No method of the adapter is called with a lock held.
package namespace

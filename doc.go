// Package socketio is a Socket.IO server for Go: every Socket.IO client that speaks protocol revision 5 (JavaScript
// 3.x and 4.x, and the Swift, Java, Dart, C++ and .NET ones of that time) connects to it over long-polling, WebSocket or,
// with package engineio/webtransport, WebTransport; those before them (JavaScript 1.x and 2.x) with Config.AllowEIO3. A
// [*Server] is an http.Handler:
//
//	io := socketio.New(socketio.Config{})
//	io.OnConnection(func(s *socketio.Socket) { s.Join("lobby") })
//	socketio.On(io, "message", func(e *socketio.Event, text string) error {
//		return io.To("lobby").Emit("message", text)
//	})
//	http.Handle("/socket.io/", io)
//
// The official documentation is the manual: names and meanings are those of the official server, with contexts,
// errors, types and iterators added.
//
// It is not a transport (that is package engineio), not a codec (protocol), not a membership index (rooms); how a
// broadcast finds sockets is the adapter's.
//
// # Guarantees
//
// Events of one socket are handled one at a time in the order in which they arrived, those of different sockets
// concurrently. What is emitted to one socket arrives in the order of the calls. A handler may block, and may wait
// for an acknowledgement of its own client: neither stops heartbeats, acknowledgements, other namespaces or other
// clients.
//
// Emit never waits for a client and never drops silently: nil means that the event is queued, anything else is an
// error. (Volatile events are the exception: they are dropped, with nil, when the client cannot be written to at
// once.) Every queue has a limit, see [Config].
//
// Each socket is connected once and disconnected once: OnConnection functions run before any event, OnDisconnecting
// functions when the socket is disconnected and its rooms can still be read, OnDisconnect functions when it has
// left them, none of them at the same time as a handler of that socket. A panic of any of them is contained, logged
// and reported to Config.OnError.
//
// # Answers and errors
//
// A client that asked for an acknowledgement is answered when the handlers of its event have returned: by one of them
// ([Event.Ack], [OnCall]), with the first error, or else with no arguments. [Event.AckLater] leaves the answer to later.
//
// A client is shown the message and data of an [*Error], and of no other error. A namespace middleware's error
// refuses the connection ("connect_error" at the client). A handler's error goes to Config.OnError and, if the
// client asked for an acknowledgement and has none yet, answers it with one argument:
// {"error":{"message":"...","data":...}}. Arguments that do not fit a typed handler are answered with the message
// "invalid arguments".
//
// # Differences from the official server
//
//   - Requests of other origins are refused unless [CORS] allows them.
//   - Errors that are not an [*Error] reach clients as "internal error".
//   - To with an empty list of rooms means nobody; the official server takes it for everybody.
//   - Emit on a disconnected socket returns ErrClosed; the official server drops silently.
//   - An acknowledgement is always waited for with a limit (Config.AckTimeout), and ends when the client disconnects. A
//     broadcast that waits for acknowledgements counts a client that disconnects as an error at once.
//   - Packets for a namespace that the server has just disconnected are ignored instead of closing the connection. A second
//     CONNECT while the first is in a middleware closes it.
//
// # Who owns what
//
//   - A [Server] owns the namespaces and hears the engine's events.
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
// MaxInboxEvents); over it the connection is not read from, so that the client waits. More may wait while the client
// owes an acknowledgement, which may come behind many events; behind even more, the handler that waits for it ends by its
// deadline. Joins and leaves of a client count as events until they have been handled. What is sent waits in the engine's outbox, which has limits
// of its own. No acknowledgement is waited for without a limit.
//
// # Locks
//
// Server.mu guards the table of namespaces, client.mu the sockets of a connection, Socket.mu the inbox, the state and
// the table of acknowledgements, takenIDs.mu the ids of sockets of old clients, serverSideInbox.mu the events of other servers that wait, handlerSet.mu changes of the registered
// functions, and a lock of internal/gather the answers that came. None is held while another one is taken, nor during
// I/O, user code, or a call of the engine or the adapter - but for recovery.mu, the lock of a namespace that recovers its
// sockets: it makes one moment of giving an event its place in the log and queueing it to the sockets that it is for. Under it
// Session.Enqueue is called, and Socket.mu or hold.mu taken. No method of the adapter is called with a lock held.
package socketio

// Package socketio is a Socket.IO server for Go.
//
// Every Socket.IO client that speaks protocol revision 5 connects to it: JavaScript 3.x and 4.x,
// and the Swift, Java, Dart, C++ and .NET clients of that time. JavaScript 1.x and 2.x connect with
// Config.AllowEIO3. Transports are long-polling, WebSocket and, with package engineio/webtransport,
// WebTransport. A [*Server] is an http.Handler:
//
//	io := socketio.New(socketio.Config{})
//	io.OnConnection(func(s *socketio.Socket) { s.Join("lobby") })
//	socketio.On(io, "message", func(e *socketio.Event, text string) error {
//		return io.To("lobby").Emit("message", text)
//	})
//	http.Handle("/socket.io/", io)
//
// The official documentation is the manual: names and meanings are those of the official server,
// with contexts, errors, types and iterators added.
//
// # Guarantees
//
// Events of one socket are handled one at a time in the order of arrival, those of different
// sockets concurrently. What is emitted to one socket arrives in the order of the calls. A handler
// may block, and may wait for an acknowledgement of its own client: neither stops heartbeats,
// acknowledgements, other namespaces or other clients.
//
// Emit never waits for a client and never drops silently: nil means that the event is queued,
// anything else is an error. Volatile events are the exception: they are dropped, with nil, when
// the client cannot be written to at once. Every queue has a limit, see [Config].
//
// Each socket connects once and disconnects once. OnConnection functions run before any event,
// OnDisconnecting functions after the disconnect while the rooms can still be read, OnDisconnect
// functions when the socket has left them. None of them runs at the same time as a handler of that
// socket. A panic of any of them is contained, logged and reported to Config.OnError.
//
// # Answers and errors
//
// A client that asked for an acknowledgement is answered when the handlers of its event have
// returned: by one of them ([Event.Ack], [OnCall]), with the first error, or else with no
// arguments. [Event.AckLater] leaves the answer to later.
//
// A client sees the message and data of an [*Error], and of no other error. A namespace
// middleware's error refuses the connection ("connect_error" at the client). A handler's error goes
// to Config.OnError and answers the acknowledgement, unless it has been answered, with one
// argument: {"error":{"message":"...","data":...}}. Arguments that do not fit a typed handler are
// answered with the message "invalid arguments", other errors with "internal error".
//
// # Differences from the official server
//
//   - Requests of other origins are refused unless [CORS] allows them.
//   - Errors that are not an [*Error] reach clients as "internal error".
//   - To with an empty list of rooms targets nobody; in the official server, everybody.
//   - Emit on a disconnected socket returns ErrClosed; the official server drops silently.
//   - A wait for an acknowledgement has a limit (Config.AckTimeout), and ends when the client
//     disconnects. A broadcast counts a client that disconnects as an error at once.
//   - Packets for a namespace that the server has just disconnected are ignored; in the official
//     server they close the connection.
//
// # A socket's life
//
// A CONNECT packet makes a socket that is joining. Its middlewares run. Then the socket is added to
// the adapter, in the room named after its id, becomes connected, and the client gets the answer;
// or the client gets a CONNECT_ERROR. The OnConnection functions run next.
//
// A disconnect, for whichever reason, takes effect at once: Connected returns false, the context
// ends with a [*DisconnectError] as its cause, queued events are dropped, pending acknowledgements
// fail, and broadcasts skip the socket. When the current handler has returned, the OnDisconnecting
// functions run, the socket leaves its rooms, and the OnDisconnect functions run.
//
// # Limits
//
// Config.MaxInboxBytes and MaxInboxEvents limit the events of one connection that wait for
// handlers; beyond them the connection is not read from (back-pressure). More may wait while the
// client owes an acknowledgement, because the answer may be behind many events. Joins and leaves
// count as events until they have been handled. MaxBufferedBytes and MaxBufferedPackets limit what
// waits to be sent; beyond them the connection is closed (a slow consumer). A packet that cannot be
// decoded closes the connection ("forced close"), and so does one that is not allowed at that point
// ("forced server close").
package socketio

// Who owns what:
//
//   - A Server owns the namespaces and handles the engine's events.
//   - A client is one engine session. It owns the decoder and the connection's sockets, and decides
//     what a packet means. It runs on the goroutine that delivers the session's messages and never
//     blocks it: acknowledgements and disconnects take effect there, the rest becomes work of a
//     socket.
//   - A Socket owns its inbox. Its worker runs its tasks one after another: admit, handle events,
//     run the disconnect callbacks. The worker is a goroutine that exists only while there is work,
//     or the event loop itself while handlers are quick (loopworker.go).
//   - A Namespace owns the handlers, the acknowledgement ids and, with recovery, the sessions.
//
// Locks: Server.mu guards the OnNewNamespace functions, client.mu the sockets of a connection,
// Socket.mu the inbox, the state and the pending acknowledgements, serverSideInbox.mu the events of
// other servers, handlerSet.mu changes of the registered functions. None is held while another one
// is taken, nor during I/O, user code, or a call of the engine or the adapter.
//
// The exceptions are memoryRecovery.mu and brokerRecovery.mu. Under them an event gets its position in
// the log, or is compared with what a socket has got, and is queued to its sockets, in one step. So
// the engine's queue, Socket.mu and holdback.mu are taken under them, and the lock of Log.Reached. No
// method of the adapter is called under any lock, nor one of its log that waits.
//
// With a broker's log a namespace has one more goroutine, while sessions are to be stored.
// A server has a few more while broadcasts of which more are to come wait to be written (burst);
// burst.mu is taken last and held for no call.

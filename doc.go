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
// errors, types and iterators added. This package holds no logic of the protocol. It joins package engineio
// (connections), package namespace (sockets, events, rooms, acknowledgements; most types here are aliases of its
// types) and typed functions on top.
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
package socketio

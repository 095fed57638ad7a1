// Package load loads a Socket.IO server, ours or any other, and measures how it bears it: it is what `socketio bench` runs.
//
// It speaks Engine.IO 4 and 3 over WebSocket and long-polling with a client of its own, which costs little beside the server:
// frames are made once before the measurement, what one read brought is answered with one write, and what arrives is compared
// where it lies. A scenario is a function of a [Target] and options that returns a [Result]; nothing outlives it.
//
// # What a server must answer
//
//	echo       on("echo", p)        -> socket.emit("echo", p)          avalanche too, if it is there
//	ack        on("ack", p, cb)     -> cb(p)
//	binary     on("bin", b)         -> socket.emit("bin", b)
//	broadcast  on("broadcast", p)   -> io.emit("broadcast", p)         jitter and idle with a broadcast too
//	ask        on("ask-all", p, cb) -> io.timeout(60000).emit("ask", p, (err, answers) => cb(answers.length))
//	rooms      on("join", room, cb) -> socket.join(room), cb()         stalled too
//	           on("room", room, p)  -> io.to(room).emit("room", p)
//
// A scenario first sends one event for each handler that it needs. If no answer comes within [Target.Answer] it ends with an
// error that names the handler. Every other wait has a deadline too, and ends when the context does.
//
// # Goroutines
//
// Each connection has one goroutine, which reads and, mostly, writes; a connection of Engine.IO 3 shares the [Target]'s
// pinger. A scenario waits for all of them before it returns.
package load

// Package engineio is an Engine.IO server (protocol revision 4): long-polling, WebSocket, WebTransport, and the upgrade from the
// first to the others, as one http.Handler. Socket.IO runs on top of it; it can be used alone wherever the engine.io client is.
//
// It is not a WebSocket library, it knows nothing of namespaces, events or acknowledgements, and it keeps no state of
// the user's beyond one value per session.
//
// # A session's parts and who owns them
//
// A [Session] exists from its handshake until its one Close event. Its mutex guards everything that can change: the
// state, the current transport, the outbox, the parked GET, the upload in progress and the upgrade candidate. No I/O
// and no event handler runs while it is held. It is the only lock of a session, and nothing else is locked under it
// but Server.mu (to count a connection) and an event loop's (to stop reading, or go on). A [Prepared] has a lock of its own, held while a form of its frames is made, and an
// upload one for its deadline; neither is held together with a session's.
//
//   - Bytes that arrive belong to the goroutine that read them: an event loop, a WebSocket's reader, or the handler of a
//     POST. There is one at a time, so messages are delivered in order and one after the other.
//   - Bytes that leave belong to the flusher, the one goroutine for which Session.flushing is set. It may be the caller
//     of Write, for one write that does not block; it is a goroutine of its own while a slow peer makes bytes wait.
//   - A timer belongs to the session or connection whose deadline it is, which stops it at its end. Its function runs on
//     a goroutine of its own, perhaps after the timer was stopped or reset: it locks the session and looks at the clock and
//     the state again. It never blocks.
//
// # Who waits for bytes
//
// On Linux a WebSocket on plain TCP gives up its net.Conn and its goroutine after the handshake: one of a few event
// loops (package internal/netloop) waits for its bytes, decodes them and calls the events. Elsewhere, over TLS, with compressed
// messages, and when Config.ConnectionMode says so, it has one parked goroutine. In either case an idle
// session holds no buffer. The difference is behind the interface stream; everything above it is the
// same. An idle polling session has its parked GET.
//
// A WebTransport session ([Server.ServeWebTransport]; package engineio/webtransport speaks HTTP/3) is one stream with a parked
// goroutine too. Until its first packet has come it belongs to the goroutine of its request, and Server.deadlines holds its
// deadline.
//
// # What waits for a peer
//
// Everything queued is kept as complete, unmasked WebSocket frames (package wire), shared between sessions where a
// broadcast goes to many. Polling transcodes when it answers a GET. The queue is bounded in bytes and packets
// (Config.MaxBufferedBytes, Config.MaxBufferedPackets), each flush has a deadline (Config.WriteTimeout), and a peer that
// exceeds either is closed with a cause that says so.
package engineio

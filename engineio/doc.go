// Package engineio is an Engine.IO server, protocol revision 4, as an http.Handler.
//
// It serves long-polling, WebSocket and WebTransport, and the upgrade from the first to the others.
// Socket.IO runs on top of it; it also works alone with the engine.io client. It is no WebSocket
// library, knows nothing of namespaces, events or acknowledgements, and keeps no user data except
// one value per session.
//
// # Locks and owners
//
// A [Session] exists from its handshake until its one Close event. Its mutex guards all that can
// change: the state, the transport, the outbox, the parked GET, the upload and the upgrade
// candidate. No I/O and no user code runs under it. Under it the engine locks only a shard of the
// session registry, the counts of addresses (Admission.MaxPerAddress), Server.mu (deadlines and the
// count of connections) and an event loop (to pause reading). A [Prepared] has a lock for the making
// of a form, an upload one for its deadline; neither is held together with a session's.
//
//   - Arrived bytes belong to the goroutine that read them: an event loop, the read loop of
//     a WebSocket, or the handler of a POST. Only one delivers messages at a time, so they are
//     delivered in order.
//   - Outgoing bytes belong to the flusher, the one goroutine for which Session.flushing is set. It
//     may be the caller of Write, for one write that does not block. A slow peer gets a goroutine.
//   - A timer belongs to the session or connection whose deadline it is, which stops it at its end.
//     It may fire after it was stopped or reset, so its function locks the session and checks the
//     clock and the state again. It never blocks.
//
// # What reads a connection
//
// On Linux a WebSocket on plain TCP gives up its net.Conn and its goroutine after the handshake:
// one of a few event loops (package internal/netloop) reads it, decodes messages and calls the
// events. Elsewhere, over TLS, with compressed messages, or as Config.ConnectionMode says, it has
// one parked goroutine. An idle session holds no buffer in either case. The interface stream hides
// the difference. An idle polling session has its parked GET.
//
// A WebTransport session ([Server.ServeWebTransport]; package engineio/webtransport speaks HTTP/3)
// is one stream with a parked goroutine too. Until its first packet it belongs to the goroutine of
// its request, and Server.deadlines holds its deadline.
//
// # Requests for sessions of other servers
//
// With Config.Relay a request for a session of another server of the cluster is relayed there, before
// CORS and Middleware. Requests share one connection between two servers (mux): the relaying server
// dials it, both prove that they know the secret, and it carries frames. A WebSocket, and a request
// with a large body, has a connection of its own, to which the request is written with a signature.
// nodes.mu guards the connections, and mux.mu what is under way on one. mux.mu is taken under
// nodes.mu, and nothing under it.
//
// # Back-pressure and limits
//
// Reading pauses for two reasons, which intake tells apart: the handler asks for it
// ([Link.PauseReading]), or Config.ByteLimit does. It goes on when neither does. A session that has
// no limit and was never paused has no intake.
//
// # Back-pressure towards the peer
//
// The outbox holds complete, unmasked WebSocket frames (package wire), which all receivers of a
// broadcast share. Polling transcodes them when it answers a GET. The outbox is bounded in bytes
// and packets (Config.MaxBufferedBytes, Config.MaxBufferedPackets), and each flush has a deadline
// (Config.WriteTimeout). A peer that exceeds a bound is closed with a cause that names it.
package engineio

// Package adapter is the seam between a namespace and its sockets, wherever they are: a [Adapter] knows who is in
// which room and carries broadcasts and room commands to them. [Memory] does it for one process; an adapter over a
// broker does it for several.
//
// It is not a transport: sockets are reached through the [Host], which a namespace implements, and an adapter sees
// of a socket nothing but its id.
//
// # Who calls whom
//
// The namespace calls its [Adapter]; the adapter finds out which servers are meant and calls the [Host] back for the local
// sockets. Neither holds a lock while it calls the other. Methods of both may be called from any goroutine at any time, except that Add, Remove and Close are called once per socket (or adapter), in that order.
//
// # Sockets that are not connected
//
// A socket stays in the adapter from its connection until its disconnect callbacks have seen its rooms, which is a
// little longer than it is connected. The host skips those that are not connected any more.
//
// # Several servers
//
// A [Cluster] is the adapter of a namespace that several servers have: the protocol between them, once, for every broker. What a
// broker's adapter adds is a [Transport], two methods that publish a [Message]; package clusterwire writes it as official adapters do. Package adaptertest has the tests that such an adapter must pass.
//
//   - What is for sockets here is done first and does not depend on the broker; its error matches [ErrBroker].
//   - Who the other servers are is known from their heartbeats. Nobody waits for one that has gone, and those that do not answer
//     in time are named ([MissingServersError]) behind what the others answered.
//   - Nothing is kept of the sockets of other servers.
//
// # Locks
//
// requests.mu is held while members.mu, or that of a request, is taken; the others of a Cluster (members.mu, responder.mu) while
// none is. The host and the transport are called with none held.
package adapter

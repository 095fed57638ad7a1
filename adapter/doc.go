// Package adapter connects a namespace to its sockets, on this server and on others.
//
// An [Adapter] knows which socket is in which room, and carries broadcasts and room commands to
// them. [Memory] does it for one process, an adapter over a broker for several. It is not a
// transport: it reaches sockets through the [Host], which a namespace implements, and of a socket
// it sees only the id.
//
// # Calls
//
// The namespace calls its [Adapter]. The adapter finds the servers and calls the [Host] for the
// local sockets. Neither holds a lock while it calls the other. Methods of both may be called from
// any goroutine at any time, except that Add, Remove and Close are called once per socket (or
// adapter), in that order.
//
// # Disconnected sockets
//
// A socket stays in the adapter until its disconnect callbacks have seen its rooms, a little longer
// than it is connected. The host skips sockets that are disconnected.
//
// # Several servers
//
// A [Cluster] has the protocol between servers, once for every broker. The clusters of a process
// share a [Node], which owns the [Broker]: one connection, with one [Outbox]. A broker gives each
// namespace a [Link] and hands what arrives to [Cluster.Receive]. Package clusterwire encodes a
// [Message] like the official adapters; package adaptertest has the tests that every adapter must pass.
//
//   - Local sockets are served first, whatever the broker does; its error matches [ErrBroker].
//   - An error that has no caller goes to Host.Report.
//   - A message is routed before it is read: what concerns nobody here costs next to nothing.
//   - Servers are known by their heartbeats. A request does not wait for one that has gone, and ends
//     with the names of those that do not answer in time ([MissingServersError]).
//   - Nothing is kept of the sockets of other servers.
//
// # Locks
//
// Node.mu guards which namespaces there are, Cluster.mu what arrives before the link is there.
// members.mu and the lock of a request are taken under requests.mu. Otherwise each is taken alone.
// The host and the link are called without a lock.
package adapter

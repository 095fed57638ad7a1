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
// A [Cluster] implements the protocol between servers, for every broker. The clusters of a process
// share a [Node], which owns the [Broker]: one connection, with one [Outbox]. A broker gives each
// namespace a [Link] and passes messages to [Cluster.Receive]. Package clusterwire encodes a [Message]
// like the official adapters; package adaptertest has the tests that every adapter must pass.
//
//   - Local sockets come first, whatever the broker does; its error matches [ErrBroker]. Only with a
//     log, for recovery, they get a broadcast when it comes back ([Cluster.Log]).
//   - An error that no call returns goes to Host.Report.
//   - A message is routed before it is decoded: one without targets here costs next to nothing.
//   - Each process sends heartbeats in the namespace "", over every broker: they say what it says of
//     itself ([Hello]) and list its namespaces. Official servers do not see them.
//   - The broker counts the servers of a namespace ([Counter]), or they are known by their heartbeats.
//     Where official servers send heartbeats there is one for each namespace too.
//   - A request waits for each of these servers once. It does not wait for one that has gone, and ends
//     with those that do not answer in time, by name or number ([MissingServersError]).
//   - A fresh server waits for the first heartbeats of the others, for half a second, before its first
//     request. Its start does not wait.
//   - Once somebody counts sockets in the cluster ([Presence]), heartbeats have digests: the rooms whose
//     number of sockets has changed, or all for a server that is new or has missed one.
//   - No state is kept for single sockets of other servers. State for other servers, their namespaces and
//     their requests is bounded, whatever they send.
//
// # Locks
//
//   - Node.mu guards which namespaces there are. It is taken under heartbeats.mu, and nothing under it.
//   - heartbeats.mu guards the other servers and what they say of themselves, and is taken under
//     requests.mu.
//   - heartbeats.sending keeps digests in order. It is taken alone, before present.mu and locks of rooms.
//   - present.mu guards numbers of sockets and the watchers. It is taken under heartbeats.mu and under the
//     locks of rooms, and nothing under it.
//   - requests.mu guards the requests under way. The lock of a request is taken under it.
//   - routes.mu guards the rooms to be closed later. It is taken under the lock of the rooms, and the
//     link's Router is called under it.
//   - Cluster.mu guards messages that arrive before the link is there, Outbox.mu the queue; each is taken alone.
//
// The host, the link's other methods and a user's callbacks are called without a lock.
//
// # Goroutines
//
// A Cluster has one while requests wait for counted servers, and one at the start, for the line in
// the log; Close waits for both. An Outbox has one while there is something to send, and each pair of
// hooks for presence while there is something to tell. Heartbeats and the closing of rooms are timers.
package adapter

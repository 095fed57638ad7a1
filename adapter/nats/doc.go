// Package nats connects the servers of a cluster over NATS. All of them are Go servers: there is no
// official adapter for NATS, so the wire is that of package clusterwire over subjects of our own.
//
// [New] returns the adapter for socketio.Config.Adapter.
//
// # Subjects
//
// A namespace has these subjects, where names of namespaces and rooms are encoded as one token each:
//
//	prefix.namespace.all         for all servers: everything but what follows
//	prefix.namespace.room.name   broadcasts to a room; a server subscribes to its own rooms
//	prefix.namespace.to.uid      answers to one server
//	prefix.=.sync.uid            begins questions of a barrier to one server, and answers to it
//
// A broadcast to several rooms is published once for each, up to four; a server that has more than
// one of them drops the copies. One to more rooms is for all servers.
//
// NATS keeps the order of one connection, also across subjects. A server publishes over one
// connection and handles what all its subscriptions receive in the order of arrival, so that every
// server has the messages of another one in the order in which they were sent.
//
// A broadcast to a room that SocketsJoin has just named is for all servers for a few seconds: their
// subscriptions may not be there yet. A room that a socket joins on its own server is subscribed to
// at once, and before anything that this server publishes next. Settle waits until the NATS server
// has the subscription, and in a cluster of NATS servers for a barrier: until each other server has
// answered a question that was sent behind it. An event that was sent before may miss the room. With
// [Static] there is no such moment.
//
// # JetStream
//
// With Config.JetStream a stream keeps broadcasts and commands to sockets, on the subjects
// prefix.namespace.log.uid. Every server reads all of it, with a consumer of its own. A position is
// the sequence in the stream, and when the stream was made. Sessions are in a key-value bucket; one
// is taken by deleting the revision that was read.
//
// Messages are added in batches (NATS 2.14, "fast batch publishing"). When the stream gets another
// leader meanwhile, it keeps a beginning of the batch, without holes, and the rest is sent again.
//
// # Who owns what
//
//   - connection owns the NATS connection and the outbox, from which one batch at a time is sent and
//     confirmed by the server. A batch is never sent twice: what may or may not have arrived when the
//     connection was lost is reported as lost.
//   - subscriptions makes and ends subscriptions. subscriptions.mu guards what is wanted; applying is
//     held while the connection is told.
//   - barrier asks the other servers, in rounds: one goroutine, while somebody waits. barrier.mu guards
//     its rounds. Questions are answered on a goroutine of the subscription.
//   - inbox has two goroutines: one takes what the connection received, which must be quick, the other
//     handles it. inbox.mu guards the queue between them, which is bounded.
//   - With JetStream, writer adds what the outbox gives it to the stream, and does send again: it looks
//     first what is stored. reader reads the stream; its goroutine run alone knows the position,
//     reader.mu guards what others see of it.
//   - A link is a namespace's end of the broker. Its mutex is held while its Member receives, so that
//     none does after Close.
package nats

// Package redis connects the servers of a cluster over Redis, as the official adapters do.
//
// [New] returns the adapter for socketio.Config.Adapter. The wires are those of the official
// adapters @socket.io/redis-adapter (pub/sub and sharded) and @socket.io/redis-streams-adapter, so
// that servers of both kinds can be in one cluster.
//
// # Who owns what
//
// A link is a namespace's end of the broker. All links of a process share one connection and one
// or more feeds.
//
//   - connection owns the client and the outbox, from which one batch at a time is sent. A batch is
//     never sent twice: what may or may not have arrived is reported as lost.
//   - feed is one Redis connection that is subscribed to channels. Its goroutine run connects,
//     subscribes, and does so again after a loss. feed.mu guards the channels; run alone sends.
//     Messages are passed on by the goroutine of the client that reads the connection.
//   - With the wire Streams, streamWriter appends what the outbox gives it, and does send again: it
//     looks first what has arrived. streamReader reads one stream, on a connection of its own; its
//     goroutine run alone knows the position, streamReader.mu guards its links.
//   - recent keeps what was read of a stream for clients to be recovered. A token guards it, which is
//     held while Redis is asked: one client reads for all.
//   - slots spreads shard channels over one feed for each node of a Redis Cluster.
//   - officials looks for official servers; its goroutine run alone changes what the links have
//     because of that. officials.mu guards the links, and feed.mu may be taken under it.
//   - The links' brokers.Joins have a mutex of their own. None other is taken under it.
//   - Each link has a mutex that is held while its Member receives, so that none does after Close.
package redis

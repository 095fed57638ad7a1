// Package clusterwire encodes the messages between servers, for adapters of brokers.
//
// The encoding is that of the official adapters of the cluster family (socket.io-adapter 2.5 and
// those built on it), so that servers in Node and in Go can share a broker. A message is JSON, or
// MessagePack when it holds binary data.
//
// [Read] looks at a message once, as far as it is needed to route it. The event stays as it is until
// somebody here is to get it, and goes into the frames of clients without being decoded. What
// arrives is not trusted: reading takes linear time, memory in proportion to what has arrived, and
// JSON that goes to clients has been checked.
//
// [Reader] and the Append functions are the parts of which other wire forms can be made.
package clusterwire

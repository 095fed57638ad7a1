// Package clusterwire encodes the messages between servers, for adapters of brokers.
//
// The encoding is that of the official adapters of the cluster family (socket.io-adapter 2.5 and
// those built on it), so that servers in Node and in Go can share a broker. A message is JSON, or
// MessagePack when it holds binary data. No memory is allocated for a length before its bytes have
// arrived.
package clusterwire

// Package clusterwire is how messages between servers are written: as the official adapters of the
// cluster family do (socket.io-adapter 2.5 and what is built on it), so that servers in Node and in
// Go can share a broker. It is for adapters of brokers.
//
// A message is JSON, or MessagePack when it holds binary data. It is data and nothing else, and no
// length in it is believed before the bytes are there.
package clusterwire

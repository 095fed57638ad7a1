// Package embedded joins the servers of a cluster without a broker to install: each process runs a
// NATS server, and these form a cluster by themselves.
//
// [New] returns the adapter for socketio.Config.Adapter. A node needs the address of one other node
// or more (Config.Routes) and learns of the rest. A node without routes is a cluster of one that
// others can join. The nodes listen for each other only: clients of NATS cannot connect.
//
// # Who owns what
//
// broker owns the NATS server and the connection to it, which is in memory. Both begin with the first
// namespace and end with the last one. Everything else is package adapter/nats.
package embedded

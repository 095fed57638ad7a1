// Package postgres connects the servers of a cluster over PostgreSQL, as the official adapter does.
//
// [New] returns the adapter for socketio.Config.Adapter. The wire is that of
// @socket.io/postgres-adapter 0.5, so that servers in Node and in Go can be in one cluster, and
// @socket.io/postgres-emitter is obeyed.
//
// A message is a notification on the channel of its namespace (NOTIFY). One that is binary, or too
// large for that, is a row in the table socket_io_attachments, and the notification refers to it.
// The table is made once, by you or with Config.CreateTable:
//
//	CREATE TABLE socket_io_attachments (
//	    id         bigserial UNIQUE,
//	    created_at timestamptz DEFAULT NOW(),
//	    payload    bytea
//	);
//
// With Config.Recovery broadcasts and sessions are in tables too, so that clients come back on any
// server: see there, and docs/clusters.md for their SQL. A notification tells the end of the log. Each
// server reads the rows up to it, and those that it has missed after a lost connection. The message is
// also sent as without a log, for servers that have none.
//
// The connections must reach PostgreSQL itself, or a pooler in session mode: LISTEN does not work
// through PgBouncer in transaction mode.
//
// # Who owns what
//
//   - A process has two connections. The one of the sender belongs to the goroutine of the outbox,
//     so that messages arrive in the order in which they were sent. A batch is a transaction. It is
//     never sent twice: one whose fate is not known is reported as lost, or looked up in the log.
//   - The one of the listener belongs to its goroutine run, which subscribes, receives, reads
//     attachments and the log, and connects again. listener.mu guards which links there are.
//   - With Config.Recovery a pool has up to four more, for sessions and for clients that come back.
//   - Each link has a mutex that is held while its Member receives, so that none does after Close.
//   - The sender deletes rows that are older than Config.CleanupInterval, and those of the log that are
//     older than Config.Retention or too many.
//
// The head of a log is a row that each transaction with messages for the log updates first. So these
// transactions commit one after the other, as notifications do in any case, and positions have no gaps:
// a reader that sees one has seen all before it.
package postgres

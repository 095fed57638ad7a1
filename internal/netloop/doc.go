// Package netloop reads very many connections with one goroutine. Only Linux has it ([Supported]).
//
// The usual Go server has a goroutine for each connection, which sleeps in Read: about 3 KB of
// stack, and as much again for the net.Conn. Here a connection gives up its net.Conn and is 48
// bytes. The kernel watches the descriptors (epoll). A [Loop] asks the kernel which of them are
// readable, reads them, and passes the bytes to the connection's [Handler].
//
// # One turn of a loop
//
// [Loop] runs these steps in one goroutine, as long as it has connections:
//
//  1. Ask the kernel for ready connections, at most 256. With none ready the goroutine sleeps in
//     the runtime's poller, because an epoll descriptor can itself be polled. No thread blocks.
//  2. Read each of them once, into the loop's only buffer, and call its Data. epoll is
//     level-triggered: what was not read is reported again in the next turn, so that no connection
//     keeps the others waiting.
//  3. Run the [Work] that handlers asked for with [Conn.Soon].
//  4. Yield to other goroutines.
//
// # The states of a connection
//
//	          Start                    End has returned
//	parked ----------> watched -------------------------> released
//	   ^                  |
//	   +------------------+   Data blocks; watched again once it returns
//
// A parked connection is not read, and watched only while a Write waits for room. Close of a parked
// connection that was not started also goes through watched, so that the loop alone ends
// connections. Pause is a flag beside the state.
//
// # When a handler blocks
//
// Handlers run on the loop's goroutine because they are mostly faster than starting another
// goroutine. A timer checks every millisecond that the loop has made progress. If one Data or Work
// is still running, the timer starts a new goroutine as the loop (relieve). The old goroutine
// finishes the blocking call and then ends. Meanwhile the connection is parked.
//
// # Ownership
//
//   - Only the loop ends a connection and calls End. [Conn.Close] shuts the socket down, which the
//     kernel reports to the loop.
//   - The descriptor is closed by the last goroutine that leaves a system call on it, because the
//     kernel reuses its number at once. Conn.use counts them.
//   - Loop.mu guards the state of all its connections. Under it nothing is called but epoll_ctl,
//     which does not block.
//   - Any goroutine may write. [Conn.TryWrite] writes what the kernel takes at once, [Conn.Write]
//     waits for room.
package netloop

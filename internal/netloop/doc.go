// Package netloop waits for bytes on very many connections with one goroutine.
//
// The usual Go server has a goroutine for each connection, which sleeps in
// Read: some 3 KB for its stack, and as much again for the net.Conn it reads
// from. Here a connection gives up its descriptor and its net.Conn, and is
// 48 bytes. The kernel keeps the list of descriptors that are watched (epoll),
// and a [Loop] asks it again and again which of them can be read now, reads them
// and hands the bytes to the connection's [Handler].
//
// # How a loop runs
//
// One turn of a loop: ask the kernel which connections are ready, at most some
// hundred at a time; for each, read once into the loop's one buffer and call its
// handler; do what handlers have asked for ([Conn.Soon]); let other goroutines run; begin again. The kernel reports a
// connection for as long as it has bytes (epoll's "level-triggered" way), so
// reading once is enough, and one that sends without end cannot keep the others
// waiting.
//
// When nothing is ready the loop sleeps, and it sleeps as a Go program's
// connections do: an epoll descriptor can be watched by another one, so the loop's
// is given to the runtime's own poller. No thread is blocked meanwhile, and the
// scheduler knows when the loop can go on. A loop without connections
// has no goroutine.
//
// # Who owns what
//
//   - The descriptor belongs to the loop, which alone closes it, once nobody is
//     within a system call on it: a number that is closed can at once be somebody
//     else's connection. [Conn.Close] only asks for the end of it.
//   - A handler's methods run on the loop, one at a time, and should not block. When
//     one does, or [Work], another goroutine becomes the loop after a moment.
//   - What a connection is watched for is guarded by Loop.mu, a leaf: only
//     epoll_ctl, which does not wait for anybody, is called under it.
//   - Anybody may write. [Conn.TryWrite] takes what the kernel takes at once;
//     [Conn.Write] waits for the rest. A connection is watched for room to write
//     only while somebody does.
//
// Only Linux has it ([Supported]).
package netloop

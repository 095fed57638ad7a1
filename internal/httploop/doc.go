// Package httploop answers HTTP/1.1 requests on connections that an event loop watches (package netloop), so that one that
// is kept alive costs no goroutine, no net.Conn and no buffers, and a request neither a read to find out whether the peer is
// still there nor a timer.
//
// It is not a second net/http. A connection comes from a http.Server, with the first of the requests that are wanted here
// ([Server.Take]), and stays as long as the requests on it are plain: of the few forms that clients really send
// (see scan and build), and such that [Server.Plain] wants them. With the first other one the connection goes back to
// its http.Server for good, together with all bytes that have been read: nothing is ever refused here, net/http alone
// judges what is not understood. So there are no two parsers that could disagree about where a request ends.
//
// It knows nothing of Engine.IO, and it does less than net/http: a response whose length is not known when it is flushed ends with
// its connection, and a peer that closes its side of the connection before it has the answer does not get it.
//
// # Who owns what
//
// conn.mu guards a connection; Server.mu is never taken together with it. The loop's and the wheel's locks are taken
// under conn.mu, and are leaves. No handler runs and nothing is written under a lock.
//
//   - Between requests a connection belongs to the event loop, which looks for the next one in what arrives.
//   - From then on until its answer is written it belongs to whoever has the request answered (conn.answer): a goroutine, or the
//     loop itself for a POST whose body is there, as work that it is relieved of if that takes long. What
//     arrives meanwhile is the body, or is kept (64 KB, then nothing more is read) and looked at behind the answer, by the
//     same goroutine.
//   - The response belongs to the handler. Its body is collected in a pooled buffer and leaves with the head, in one write.
//
// One timer of the wheel holds the connection's deadlines (conn.due). It is not moved when they change, only when it
// expires too early: a request that arrives in one piece touches no timer.
package httploop

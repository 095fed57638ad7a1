// Package rawclient lets tests talk to a server packet by packet: they send
// the text of packets as it goes over the wire and state which text must come
// back, over WebSocket or long-polling.
//
// It is not a Socket.IO client. It does nothing by itself, except that it answers
// pings, and every read has a deadline after which the test fails. All
// methods fail the test instead of returning errors, and must be called from
// goroutines that may do so. What a client for others needs ([Endpoint.Dial]) is
// without deadlines and returns errors.
//
// [Enter] and [Visit] are for examples, which have no test to fail.
//
// An [Endpoint] serves a handler over TCP, or in memory for testing/synctest.
package rawclient

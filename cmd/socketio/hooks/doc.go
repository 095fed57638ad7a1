// Package hooks sends what clients do to a backend in any language, as signed HTTP requests: they
// connect, send events and disconnect. The backend's answers accept or refuse clients and
// acknowledge events. It is what "socketio serve -hooks" uses. It does not send to clients: that is
// the HTTP API's.
//
// # Requests
//
// Each request is a POST to the one URL. Its body is a JSON object in the form of Standard Webhooks
// (https://www.standardwebhooks.com), whose libraries verify it in many languages:
//
//	{"type":"event","timestamp":"2026-11-28T18:00:00.123Z","data":{...}}
//
// and its headers are
//
//	webhook-id:        msg_1vYq0TvB6Ck9bTqB1n0c, the same whenever the request is sent again
//	webhook-timestamp: 1795888800, seconds since 1970 when the request was sent
//	webhook-signature: v1,BASE64 of HMAC-SHA256(secret, webhook-id + "." + webhook-timestamp + "." + body)
//	idempotency-key:   the webhook-id once more
//
// The secret is "whsec_" and the base64 of 24 to 64 bytes, which are the key of the HMAC. With several
// secrets there are as many signatures, separated by spaces: the backend accepts any of them, so that a
// secret can be replaced.
//
// The type is "connect", "event" or "disconnect". The data of all three has
//
//	"namespace":  "/",
//	"socket":     "0uWnuJMUVmUBpLvxAAAB", the socket's id, which is also a room of its own,
//	"connection": an id that differs when the socket is recovered: the disconnect of the connection
//	              that broke may arrive after the connect of the new one, and has the older id,
//	"claims":     the claims of the client's JSON Web Token, if the server checks one,
//	"values":     those that the answer to the connect set, if any; not in a connect
//
// A connect also has
//
//	"handshake": {"headers":{...},"query":{...},"auth":{...},"address":"...","url":"...", ...}
//	             as the official server has it (socket.handshake),
//	"recovered": true for a client whose connection broke and who is the same socket again
//
// an event
//
//	"event": "message", the event's name,
//	"args":  ["hi",{"base64":"AAEC"}], its arguments; binary data is an object whose only member is base64,
//	"ack":   true if the client waits for an acknowledgement
//
// and a disconnect
//
//	"reason": "transport close" or another reason of the official server; "not connected" for a client
//	          that the backend may have accepted and that this server did not
//
// # Answers
//
// A status from 200 to 299 is an answer. Its body, at most 1 MiB, may be empty, which is the same
// as null. For a connect that accepts the client, and so does
//
//	{"rooms":["lobby"],"values":{"user":"ann"}}
//
// which puts it into rooms and keeps values with it, at most 16 KiB: later requests have them, and
// other servers of a cluster see them as the socket's data. For an event, an empty body acknowledges
// it without arguments, and
//
//	["ok",{"base64":"AAEC"}]
//
// with these. Without "ack" the body is ignored. To a connect and to an event
//
//	{"error":{"message":"not on the list","data":{"code":7}}}
//
// refuses: the client gets a "connect_error" with message and data, or {"error":{...}} as the
// acknowledgement's argument. Data is optional.
//
// Any other status is a failure, and redirects are not followed.
//
// # Order
//
// Events of one socket arrive in order, one at a time: the next is sent when the one before was
// answered or has failed. The disconnect comes last. Different sockets are served in turn, up to
// Config.Parallel requests at a time, and as many connects beside them.
// A client that leaves before its connect is answered ends that request: its disconnect, with the
// reason "not connected", may overtake the connect that the backend still handles.
//
// # Failures
//
// Each request has Config.Timeout from its arrival to its answer, and is sent again within it, with the
// same webhook-id, with pauses from 100 ms to 2 s:
//
//	             not reached, 429, 503   no answer, broken, other 5xx   other status
//	connect      sent again              sent again                     fails
//	event        sent again              fails                          fails
//	disconnect   sent again, 1 min       sent again, 1 min              fails
//
// So the backend handles an event at most once, unless a proxy or the connection that broke delivered
// it after all: a kept connection that ended when it was used again counts as not reached. A connect
// or disconnect may arrive more than once: its webhook-id tells.
//
// When it has failed,
//
//   - a connect is refused: "connect_error" with the message "backend unavailable". If the backend may
//     have accepted it, a disconnect follows;
//   - an event is dropped. A client that waits for an acknowledgement gets none: an official client
//     with the option retries sends the event again, one with timeout gets its error;
//   - a disconnect is dropped.
//
// Each is counted, and logged as a warning once a minute for each rule.
//
// # Limits
//
// At most 32 events or 256 KiB of a socket wait, and one event more. Beyond that the socket's
// events wait in its connection's inbox (socketio.Config.MaxInboxBytes), and then the client is not
// read from, until the backend has caught up. A connection never ends for that. Config.QueueBytes
// limits all queues together: beyond three quarters of it events are dropped, beyond all of it
// disconnects. So a backend that hangs costs the queue's bytes, and the inbox of each socket that
// has filled its share: at most QueueBytes/16 KiB of those.
//
// # Ownership
//
// Hooks owns the workers, at most Config.Parallel goroutines that exist while there is work, and the
// timers of queues that pause; [Hooks.Close] ends them. scheduler.mu guards the queues of all sockets.
// No I/O and no call of package socketio happens under it.
package hooks

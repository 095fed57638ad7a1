// Package wire is the codec of Engine.IO protocol 4: packets, the payloads of
// long-polling, and the WebSocket frames in which a session queues its output.
//
// It is pure: functions on bytes, without goroutines, clocks, locks or I/O. It
// knows no sessions and no transports, and enforces no limit on sizes: that is
// the work of package engineio, which reads the bytes in the first place.
//
// Input is decoded with [DecodeText] (one text packet, as in a WebSocket text
// frame) and [NextPacket] (a polling payload). What they return aliases what
// they were given, base64 excepted.
//
// Output has one form for all transports: complete, unmasked server frames of
// RFC 6455, one per packet, one after the other ("frames"). They are built once
// with [FinishText], [AppendText] and [AppendBinary], can be shared by any
// number of sessions as long as nobody changes them, go out on a WebSocket as
// they are, and are transcoded for a polling response by [AppendPayload].
package wire

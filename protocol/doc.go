// Package protocol is the packet codec of Socket.IO protocol 5.
//
// A packet is a text with a JSON payload, and the binary attachments that follow it. The package is
// functions on bytes, without goroutines, clocks or I/O. It knows neither the transport nor which
// packet is legal in which state of a connection: those rules belong to package socketio.
//
// Incoming packets go through a [Decoder], one per connection. It checks everything that the
// official decoder checks, in one pass that neither recurses nor builds values. The arguments of an
// event stay raw JSON until [Decode] stores them in Go values, with the attachments in place of
// their placeholders.
//
// Outgoing packets are built by [AppendPacket] (events and acknowledgements, whose []byte values at
// any depth become attachments) and [AppendControl] (the other types). JSON is written as
// JSON.stringify writes it, see [AppendJSON].
//
// # Three JSON engines
//
// Most values need none: strings, numbers, slices and maps of them are written and read without
// reflection (encode.go, decode.go).
//
//   - encoding/json writes other values that cannot hold binary data.
//   - Package v1 of go-json-experiment reads them, by the rules of encoding/json.
//   - go-json-experiment writes and reads values that may hold binary data, because only it lets a
//     function replace some values inside others (binary.go).
//
// docs/decisions/0003-libraries.md has the figures for each.
//
// # Concurrency
//
// The functions are safe for concurrent use. A Decoder belongs to the reader of its connection and
// must not be used concurrently.
package protocol

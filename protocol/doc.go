// Package protocol is the packet codec of Socket.IO protocol 5: text packets
// with JSON payloads, and the binary attachments that follow them.
//
// It is pure: functions on bytes, without goroutines, clocks or I/O. It knows
// neither the transport nor which packet is legal in which state of a
// connection; those rules belong to package socketio.
//
// Incoming packets go through a [Decoder], one per connection. It checks all
// that the official decoder checks, in one pass that neither recurses nor builds
// values: the arguments of an event stay raw JSON until [Decode] puts them into
// Go values, with the attachments where their placeholders stand.
//
// Outgoing packets are built by [AppendPacket] (events and acknowledgements,
// with []byte values at any depth taken out as attachments) and [AppendControl]
// (the other types). JSON is written as JSON.stringify writes it, see
// [AppendJSON].
//
// Nothing in the package needs a lock, except that caches per reflect.Type are
// sync.Maps. A Decoder belongs to its connection's reader and must not be used
// concurrently.
package protocol

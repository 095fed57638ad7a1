package socketio

import (
	"time"

	"github.com/gosocketio/socketio/adapter"
)

// Sender is one socket and how to send to it. It is an immutable value, as [Operator] is.
type Sender struct {
	s       *Socket
	flags   adapter.Flags
	timeout time.Duration
	timed   bool // Timeout was called
}

// Volatile drops the event when the client cannot be written to at once.
func (s *Socket) Volatile() Sender { return Sender{s: s}.Volatile() }

// Compress says whether the transport may compress the event, which is so by default.
func (s *Socket) Compress(compress bool) Sender { return Sender{s: s}.Compress(compress) }

// Timeout limits how long EmitWithAck waits, see [Sender.Timeout].
func (s *Socket) Timeout(d time.Duration) Sender { return Sender{s: s}.Timeout(d) }

// Volatile drops the event when the client cannot be written to at once.
func (x Sender) Volatile() Sender {
	x.flags.Volatile = true
	return x
}

// Compress says whether the transport may compress the event, which is so by default.
func (x Sender) Compress(compress bool) Sender {
	x.flags.NoCompress = !compress
	return x
}

// Timeout limits how long EmitWithAck waits, instead of Config.AckTimeout. With 0 or less the wait ends as soon as the event
// is sent; only an answer that is as fast as that is not missed.
func (x Sender) Timeout(d time.Duration) Sender {
	x.timeout, x.timed = max(d, 0), true
	return x
}

// Emit sends an event to the socket, see [Socket.Emit].
func (x Sender) Emit(event string, args ...any) error { return x.s.emit(event, args, x.flags) }

// Send is Emit of the event "message".
func (x Sender) Send(args ...any) error { return x.s.emit("message", args, x.flags) }

// Broadcast means everybody in the namespace but this socket.
func (x Sender) Broadcast() Operator {
	return Operator{operator{
		ns:      x.s.ns,
		options: adapter.Options{Except: []string{x.s.id}, Flags: x.flags},
		timeout: x.timeout,
		timed:   x.timed,
	}}
}

// To means the sockets in these rooms but this one, see [Operator.To].
func (x Sender) To(rooms ...string) Operator { return x.Broadcast().To(rooms...) }

// In is To.
func (x Sender) In(rooms ...string) Operator { return x.Broadcast().To(rooms...) }

// Except means everybody but this socket and those in these rooms.
func (x Sender) Except(rooms ...string) Operator { return x.Broadcast().Except(rooms...) }

// Local means everybody on this server but this socket.
func (x Sender) Local() Operator { return x.Broadcast().Local() }

// Broadcast means everybody in the namespace but this socket.
func (s *Socket) Broadcast() Operator { return Sender{s: s}.Broadcast() }

// To means the sockets in these rooms but this one, see [Operator.To].
func (s *Socket) To(rooms ...string) Operator { return s.Broadcast().To(rooms...) }

// In is To.
func (s *Socket) In(rooms ...string) Operator { return s.Broadcast().To(rooms...) }

// Except means everybody but this socket and those in these rooms.
func (s *Socket) Except(rooms ...string) Operator { return s.Broadcast().Except(rooms...) }

// Local means everybody on this server but this socket.
func (s *Socket) Local() Operator { return s.Broadcast().Local() }

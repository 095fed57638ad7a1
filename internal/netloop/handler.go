package netloop

// Handler hears what happens on a connection. Its methods are called on the loop, one at a time, and must not block: a Data that
// does stalls everybody for a millisecond or two, and End for as long as it takes.
type Handler interface {
	// Data takes bytes that arrived, none after [Conn.Again]; they are valid, and may be changed, until it returns. It returns false to end the
	// connection, which ending its goroutine (runtime.Goexit) does too.
	Data(b []byte) bool
	// End is told, once and last, that the connection ends: io.EOF when the peer has closed its side, net.ErrClosed after
	// [Conn.Close] or a Data that returned false, or what broke it. [Conn.TryWrite] still writes what the kernel takes.
	End(err error)
}

// Work is what [Conn.Soon] has done. It may block.
type Work interface {
	// Work does it.
	Work()
	// Stalled is called, while Work is running, when that has taken so long that the loop goes on without it. It must not
	// block.
	Stalled()
}

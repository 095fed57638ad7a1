package netloop

// Handler receives the bytes of a connection and its end. The loop calls its methods, one at a
// time. They must not block: a Data that blocks delays all connections of the loop by a millisecond
// or two, and an End for as long as it takes.
type Handler interface {
	// Data receives bytes, none after [Conn.Again]. They are valid, and may be changed, until Data
	// returns. The connection ends when Data returns false or ends its goroutine (runtime.Goexit).
	Data(b []byte) bool
	// End is called last and once, when the connection ends. err is io.EOF if the peer has closed its
	// side, net.ErrClosed after [Conn.Close] and if Data returned false, and otherwise the error of
	// the connection. End may call [Conn.TryWrite].
	End(err error)
}

// Work is what [Conn.Soon] runs. It may block.
type Work interface {
	// Work does the work.
	Work()
	// Stalled is called, on another goroutine, when Work has been running for a millisecond or two
	// and the loop continues without it. It must not block.
	Stalled()
}

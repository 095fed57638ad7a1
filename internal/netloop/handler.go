package netloop

// Handler receives what happens on a connection. The loop calls its methods, one at a time. They
// must not block: a Data that does delays all connections of the loop by a millisecond or two, and
// End for as long as it takes.
type Handler interface {
	// Data takes bytes that arrived, none after [Conn.Again]. They are valid, and may be changed,
	// until it returns. The connection ends when Data returns false or ends its goroutine
	// (runtime.Goexit).
	Data(b []byte) bool
	// End is called once and last, when the connection ends. err is io.EOF when the peer has closed
	// its side, net.ErrClosed after [Conn.Close] or a Data that returned false, and otherwise what
	// broke the connection. [Conn.TryWrite] still works in it.
	End(err error)
}

// Work is what [Conn.Soon] runs. It may block.
type Work interface {
	// Work does the work.
	Work()
	// Stalled is called while Work is still running, when the loop goes on without it. It must not
	// block.
	Stalled()
}

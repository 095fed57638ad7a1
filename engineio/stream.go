package engineio

import (
	"io"
	"net"

	"github.com/gosocketio/socketio/internal/bufpool"
)

// stream is a connection's byte side: bytes that arrived, and a sink that takes what it can without blocking. It is all
// that the WebSocket transport knows of a connection, so that an event loop can stand behind it as well as a goroutine.
type stream interface {
	// read waits for bytes, holding no buffer meanwhile. They are valid until release. inside tells that the last bytes
	// ended within a frame, so more are about to come. Nobody calls it on a stream that an event loop reads.
	read(inside bool) ([]byte, error)
	release()
	// pause tells an event loop to stop reading, or to go on. It is told with the session locked and does not block.
	pause(bool)
	// canTry tells whether tryWrite can take anything at all.
	canTry() bool
	// tryWrite writes what the kernel takes at once.
	tryWrite(b []byte) (int, error)
	// write writes everything, waiting as long as it takes; close ends it.
	write(b []byte) error
	// closeWrite ends the outgoing half, where the connection has halves.
	closeWrite()
	close()
}

// closeWrite ends the outgoing half of conn.
func closeWrite(conn any) {
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
}

// newStream chooses the stream for a connection that left net/http. A connection whose messages are compressed has a goroutine of
// its own: a few bytes of it can mean a millisecond of inflating, for which others on an event loop would wait.
func (e *Server) newStream(conn net.Conn, q query) stream {
	if !q.deflate {
		if s := e.loops.take(conn); s != nil {
			return s
		}
	}
	if s := newRawStream(conn); s != nil {
		return s
	}
	return &plainStream{conn: conn}
}

// plainStream works on everything that carries bytes both ways, TLS connections and WebTransport streams included. It cannot
// write without possibly blocking, so each burst of writes has a goroutine for as long as it lasts.
type plainStream struct {
	conn io.ReadWriteCloser
	buf  *[]byte
	// small takes the first bytes that arrive on an idle connection. A TLS connection keeps the rest of the record, so
	// that reading on costs no system call.
	small [64]byte
}

func (p *plainStream) read(inside bool) ([]byte, error) {
	into := p.small[:]
	if inside {
		p.buf = bufpool.Get(bufpool.Small)
		into = *p.buf
	}
	n, err := p.conn.Read(into)
	if n > 0 {
		return into[:n], nil
	}
	p.release()
	return nil, err
}

func (p *plainStream) release() {
	if p.buf != nil {
		bufpool.Put(p.buf)
		p.buf = nil
	}
}

func (p *plainStream) pause(bool)                   {}
func (p *plainStream) canTry() bool                 { return false }
func (p *plainStream) tryWrite([]byte) (int, error) { return 0, nil }
func (p *plainStream) write(b []byte) error         { _, err := p.conn.Write(b); return err }
func (p *plainStream) closeWrite()                  { closeWrite(p.conn) }
func (p *plainStream) close()                       { _ = p.conn.Close() }

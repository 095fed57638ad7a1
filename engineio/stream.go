package engineio

import (
	"io"
	"net"

	"github.com/gosocketio/socketio/internal/bufpool"
)

// stream is a connection that a goroutine or an event loop reads, and that writes without blocking.
type stream interface {
	// read waits for bytes, without holding a buffer. They are valid until release. inside means that
	// the last bytes ended within a frame; few limits them to partBytes. Not for a stream with an
	// event loop.
	read(inside, few bool) ([]byte, error)
	release()
	// pause makes an event loop stop or resume reading. It does not block. The caller holds
	// Session.mu.
	pause(bool)
	// canTry tells whether the stream can write without blocking.
	canTry() bool
	// tryWrite writes what the kernel takes at once.
	tryWrite(b []byte) (int, error)
	// write writes everything and blocks until then; close makes it return.
	write(b []byte) error
	// closeWrite ends the outgoing half, if the connection has halves.
	closeWrite()
	close()
}

// newStream returns the stream for a hijacked connection.
//
// Compressed connections get no event loop: inflating a few bytes can take a millisecond, for which
// the other connections would wait.
func (e *Server) newStream(conn net.Conn, q query) stream {
	if !q.deflate {
		if s := e.loops.take(conn); s != nil {
			return s
		}
	}
	if s := newRawStream(conn); s != nil {
		return s
	}
	return &plainStream{goroutineStream: goroutineStream{conn: conn}}
}

// firstBytes is how much a plainStream reads at first.
const firstBytes = 64

// plainStream works on all connections, such as TLS and WebTransport.
//
// It cannot write without blocking, so each burst of writes has a goroutine.
type plainStream struct {
	goroutineStream
	// small receives the first bytes on an idle connection. TLS buffers the rest of the record, so
	// that the next read needs no system call.
	small [firstBytes]byte
}

func (p *plainStream) read(inside, few bool) ([]byte, error) {
	into := p.small[:]
	if inside {
		p.buf = bufpool.Get(bufpool.Small)
		into = *p.buf
	}
	if few {
		into = into[:min(len(into), partBytes)]
	}
	n, err := p.conn.Read(into)
	if n > 0 {
		return into[:n], nil
	}
	p.release()
	return nil, err
}

func (p *plainStream) canTry() bool                 { return false }
func (p *plainStream) tryWrite([]byte) (int, error) { return 0, nil }

// goroutineStream is what streams without an event loop share.
type goroutineStream struct {
	conn io.ReadWriteCloser
	buf  *[]byte // of the last read
}

func (g *goroutineStream) release() {
	if g.buf != nil {
		bufpool.Put(g.buf)
		g.buf = nil
	}
}

func (g *goroutineStream) closeWrite() {
	if c, ok := g.conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
}

func (g *goroutineStream) pause(bool)           {}
func (g *goroutineStream) write(b []byte) error { _, err := g.conn.Write(b); return err }
func (g *goroutineStream) close()               { _ = g.conn.Close() }

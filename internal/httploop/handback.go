package httploop

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
)

// handBack has a http.Server go on with a connection, behind the bytes that were read from it already. It returns once that
// has it.
func (s *Server) handBack(srv *http.Server, nc net.Conn, read []byte) {
	defer s.work.Done()
	b := &returned{Conn: nc, server: s, local: nc.LocalAddr(), read: read}
	if pointer(b.local) {
		s.mu.Lock()
		s.settled[b.local] = struct{}{}
		s.mu.Unlock()
	}
	l := &listener{conn: b}
	_ = srv.Serve(l)   // returns when it asks for a second connection
	if l.conn != nil { // it has been shut down
		_ = b.Close()
	}
}

// listener has one connection.
type listener struct{ conn net.Conn }

var errNoMore = errors.New("httploop: there is only one connection")

func (l *listener) Accept() (net.Conn, error) {
	c := l.conn
	if c == nil {
		return nil, errNoMore
	}
	l.conn = nil
	return c, nil
}

func (l *listener) Close() error   { return nil }
func (l *listener) Addr() net.Addr { return &net.TCPAddr{} } // is not asked for

// returned is a connection that was handed back.
type returned struct {
	net.Conn

	server *Server
	local  net.Addr
	read   []byte // the reader's: what is read first
	once   sync.Once
}

func (b *returned) Read(p []byte) (int, error) {
	if len(b.read) == 0 {
		return b.Conn.Read(p)
	}
	n := copy(p, b.read)
	if b.read = b.read[n:]; len(b.read) == 0 {
		b.read = nil
	}
	return n, nil
}

// LocalAddr returns the same pointer each time, by which the connection is known.
func (b *returned) LocalAddr() net.Addr { return b.local }

// CloseWrite is net/http's to end a connection whose client still sends.
func (b *returned) CloseWrite() error {
	if c, ok := b.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

func (b *returned) Close() error {
	b.leave()
	return b.Conn.Close()
}

func (b *returned) leave() {
	b.once.Do(func() {
		if pointer(b.local) {
			b.server.mu.Lock()
			delete(b.server.settled, b.local)
			b.server.mu.Unlock()
		}
	})
}

// Unwrap returns the connection below one that was handed back and that has been taken from net/http again, for another
// protocol, unless there are bytes that only the wrapper has. It returns other connections as they are.
func Unwrap(c net.Conn) net.Conn {
	if b, ok := c.(*returned); ok && len(b.read) == 0 {
		b.leave()
		return b.Conn
	}
	return c
}

// pointer tells whether an address is a pointer, and so another one for each connection.
func pointer(a net.Addr) bool {
	switch a.(type) {
	case *net.TCPAddr, *net.UnixAddr:
		return true
	}
	return false
}

// replay writes the head of a request as it was, or as good as.
func replay(r *http.Request) []byte {
	var b bytes.Buffer
	_, _ = io.WriteString(&b, r.Method+" "+r.RequestURI+" HTTP/1.1\r\nHost: "+r.Host+"\r\n") // a Buffer does not fail
	_ = r.Header.Write(&b)
	b.WriteString("\r\n")
	return b.Bytes()
}

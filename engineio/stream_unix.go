//go:build unix

package engineio

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"

	"github.com/gosocketio/socketio/internal/bufpool"
)

// rawStream is a plain TCP or Unix connection on the runtime's poller.
//
// Its parked reader holds no buffer, and its writes do not block.
type rawStream struct {
	goroutineStream
	raw syscall.RawConn

	// The reading goroutine owns these. readable is made once: a closure for each read is garbage.
	readable func(fd uintptr) bool
	few      bool
	n        int
	err      error
}

func newRawStream(conn net.Conn) stream {
	switch conn.(type) { // no wrappers, which may do more
	case *net.TCPConn, *net.UnixConn:
	default:
		return nil
	}
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil
	}
	s := &rawStream{goroutineStream: goroutineStream{conn: conn}, raw: raw}
	s.readable = s.readSome
	return s
}

// readSome reads once. It returns false to wait for the poller.
func (s *rawStream) readSome(fd uintptr) bool {
	s.buf = bufpool.Get(bufpool.Small)
	into := *s.buf
	if s.few {
		into = into[:partBytes]
	}
	s.n, s.err = retry(func() (int, error) { return syscall.Read(int(fd), into) })
	if errors.Is(s.err, syscall.EAGAIN) {
		s.release()
		return false
	}
	return true
}

func (s *rawStream) read(_, few bool) ([]byte, error) {
	s.few = few
	err := s.raw.Read(s.readable)
	if err == nil {
		err = s.err
	}
	if err == nil && s.n <= 0 {
		err = io.EOF
	}
	if err != nil {
		s.release()
		return nil, err
	}
	return (*s.buf)[:s.n], nil
}

func (s *rawStream) canTry() bool { return true }

func (s *rawStream) tryWrite(b []byte) (int, error) {
	w := writeTries.Get().(*writeTry)
	w.b, w.n, w.err = b, 0, nil
	err := s.raw.Write(w.once)
	n := max(w.n, 0)
	if err == nil && !errors.Is(w.err, syscall.EAGAIN) {
		err = w.err
	}
	w.b = nil
	writeTries.Put(w)
	return n, err
}

// writeTry is one non-blocking write. It is pooled with its closure, which would be garbage.
type writeTry struct {
	b    []byte
	n    int
	err  error
	once func(fd uintptr) bool
}

var writeTries = sync.Pool{New: func() any {
	w := new(writeTry)
	w.once = func(fd uintptr) bool {
		w.n, w.err = retry(func() (int, error) { return syscall.Write(int(fd), w.b) })
		return true
	}
	return w
}}

// retry repeats a system call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}

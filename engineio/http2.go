package engineio

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// A WebSocket over HTTP/2 (RFC 8441) is one stream of a connection that carries other requests too: it is opened with an
// extended CONNECT, answered with 200, and its bytes are the bodies of request and response. The handler that was called
// for the request has to stay until the stream ends.
//
// net/http tells clients that they may do that only when the process was started with GODEBUG=http2xconnect=1.

// isExtendedConnect tells whether a request opens a stream for another protocol (RFC 8441 section 4).
func isExtendedConnect(r *http.Request) bool {
	return r.ProtoMajor == 2 && r.Method == http.MethodConnect && r.Header[":protocol"] != nil
}

// tunnel is a ResponseWriter that can be taken over although it belongs to a stream of HTTP/2. It is the connection, too.
type tunnel struct {
	http.ResponseWriter

	request *http.Request
	control *http.ResponseController

	mu      sync.Mutex
	opened  bool
	closed  bool
	writing int
	calls   sync.WaitGroup // what is being read and written
	done    chan struct{}  // closed by Close
}

func newTunnel(w http.ResponseWriter, r *http.Request) *tunnel {
	return &tunnel{ResponseWriter: w, request: r, control: http.NewResponseController(w), done: make(chan struct{})}
}

// Unwrap is for http.ResponseController.
func (t *tunnel) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// open answers the request; what follows are the bytes of the WebSocket, first being the first of them.
func (t *tunnel) open(first []byte, timeout time.Duration) error {
	// The http.Server's deadlines are for requests that come to an end.
	err := errors.Join(t.control.SetReadDeadline(time.Time{}), t.control.SetWriteDeadline(time.Now().Add(timeout)))
	if err != nil {
		return err
	}
	t.opened = true
	t.WriteHeader(http.StatusOK)
	if _, err = t.Write(first); err == nil {
		err = t.control.SetWriteDeadline(time.Time{})
	}
	if err != nil {
		_ = t.Close()
		return errors.Join(errHijacked, err)
	}
	return nil
}

// wait returns when the stream has been closed and nothing uses it any more; at once when it was never opened.
func (t *tunnel) wait() {
	if t.opened {
		<-t.done
		t.calls.Wait()
	}
}

// enter begins a call unless the stream is closed: net/http does not want any once the handler has returned.
func (t *tunnel) enter(write bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return net.ErrClosed
	}
	t.calls.Add(1)
	if write {
		t.writing++
	}
	return nil
}

// Read reads from the request's body.
func (t *tunnel) Read(b []byte) (int, error) {
	if err := t.enter(false); err != nil {
		return 0, err
	}
	defer t.calls.Done()
	return t.request.Body.Read(b)
}

// Write writes to the response and sends it.
func (t *tunnel) Write(b []byte) (n int, err error) {
	if err := t.enter(true); err != nil {
		return 0, err
	}
	defer t.calls.Done()
	if n, err = t.ResponseWriter.Write(b); err == nil {
		err = t.control.Flush()
	}
	t.mu.Lock()
	t.writing--
	t.mu.Unlock()
	return n, err
}

// CloseWrite is Close: the stream ends with its response.
func (t *tunnel) CloseWrite() error { return t.Close() }

// Close ends calls that are under way and lets the handler return, which ends the stream.
func (t *tunnel) Close() error {
	t.mu.Lock()
	closed, writing := t.closed, t.writing > 0
	t.closed = true // no call begins from here on
	t.mu.Unlock()
	if closed {
		return net.ErrClosed
	}
	past := time.Unix(1, 0)
	err := t.control.SetReadDeadline(past)
	if writing {
		err = errors.Join(err, t.control.SetWriteDeadline(past)) // resets the stream
	}
	close(t.done)
	return err
}

// LocalAddr returns the address of the connection that the stream belongs to.
func (t *tunnel) LocalAddr() net.Addr {
	a, _ := t.request.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return a
}

// RemoteAddr returns the peer's address.
func (t *tunnel) RemoteAddr() net.Addr { return tunnelAddr(t.request.RemoteAddr) }

// SetDeadline implements net.Conn.
func (t *tunnel) SetDeadline(at time.Time) error {
	return errors.Join(t.SetReadDeadline(at), t.SetWriteDeadline(at))
}

// SetReadDeadline implements net.Conn.
func (t *tunnel) SetReadDeadline(at time.Time) error { return t.control.SetReadDeadline(at) }

// SetWriteDeadline implements net.Conn.
func (t *tunnel) SetWriteDeadline(at time.Time) error { return t.control.SetWriteDeadline(at) }

// tunnelAddr is an address as net/http gives it.
type tunnelAddr string

func (tunnelAddr) Network() string  { return "tcp" }
func (a tunnelAddr) String() string { return string(a) }

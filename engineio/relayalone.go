package engineio

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"time"

	"github.com/gosocketio/socketio/internal/bufpool"
	"github.com/gosocketio/socketio/internal/refusal"
)

// Bounds of the head of an answer.
const (
	maxAnswerHead    = 1 << 20 // bytes, as in net/http
	maxInformational = 5       // answers with a status below 200
)

// aloneConn is a connection to another server for one request, or for a WebSocket.
type aloneConn struct {
	net.Conn
	in      *bufio.Reader
	left    int64         // bytes that may still be read
	silence time.Duration // how long the server may neither send nor take bytes
}

// dialAlone connects to another server.
func (e *Server) dialAlone(ctx context.Context, address string) (*aloneConn, error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &aloneConn{
		Conn: conn, left: maxAnswerHead, silence: e.cfg.PingInterval + e.cfg.PingTimeout + e.cfg.WriteTimeout,
	}
	c.in = bufio.NewReader(c)
	return c, nil
}

// Read reads what arrives within the time in which the server has to send something.
func (c *aloneConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.ErrShortBuffer
	}
	if err := c.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	return n, err
}

// Write writes all of b, unless the server takes nothing for too long.
func (c *aloneConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// readHead reads the head of the answer to a request.
func (c *aloneConn) readHead(r *http.Request) (*http.Response, error) {
	for range maxInformational {
		res, err := http.ReadResponse(c.in, r)
		if err != nil {
			return nil, err
		}
		if res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			c.left = math.MaxInt64
			return res, nil
		}
	}
	return nil, errors.New("engineio: too many informational answers")
}

// relayAlone relays a request over a connection of its own: an upgrade, or one with a large body. It
// calls done when the request, or its WebSocket, has ended.
func (e *Server) relayAlone(w http.ResponseWriter, r *http.Request, address string, done func()) (answered bool) {
	isWebSocket := false
	c, err := e.dialAlone(r.Context(), address)
	if err != nil {
		done()
		return e.relayFailed(w, r, address, err)
	}
	defer func() {
		if !isWebSocket {
			e.nodes.drop(c.Conn)
			done()
		}
	}()
	if !e.nodes.add(c.Conn) {
		return e.relayFailed(w, r, address, errNodesClosed)
	}
	stop := context.AfterFunc(r.Context(), func() { _ = c.Close() })
	defer stop()
	res, err := e.exchange(w, r, c)
	if err != nil {
		return e.relayFailed(w, r, address, err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols {
		stop()
		isWebSocket = e.relayWebSocket(w, r, address, c, res, done)
		return true
	}
	out := relayedAnswer{e: e, w: w, r: r, rc: http.NewResponseController(w)}
	if res.Close && res.ProtoAtLeast(1, 1) {
		endConnection(w.Header(), r)
	}
	out.head(res.StatusCode, res.Header)
	pooled := bufpool.Get(bufpool.Small)
	defer bufpool.Put(pooled)
	for {
		n, err := res.Body.Read(*pooled)
		if out.piece((*pooled)[:n], err == nil) != nil || err != nil && !errors.Is(err, io.EOF) {
			panic(http.ErrAbortHandler) // the client must not take the part for the whole
		}
		if err != nil {
			return true
		}
	}
}

// exchange sends a request and reads the head of the answer.
func (e *Server) exchange(w http.ResponseWriter, r *http.Request, c *aloneConn) (*http.Response, error) {
	rc := http.NewResponseController(w)
	sent := e.sendAlone(rc, r, c)
	if _, isBody := errors.AsType[bodyError](sent); isBody {
		return nil, sent
	}
	_ = rc.SetReadDeadline(time.Time{})
	res, err := c.readHead(r) // the server may have answered without reading everything
	if err == nil && sent != nil {
		res.Close = true
	}
	return res, err
}

// writeHead appends the request line and the headers of a relayed request.
func (e *Server) writeHead(b *bytes.Buffer, r *http.Request) {
	uri := sentURI(r)
	b.WriteString(r.Method + " " + uri + " HTTP/1.1\r\nHost: " + r.Host + "\r\n")
	b.WriteString(relayHeader + ": " + e.stamp(r.Method, uri, r.Host, clientOf(r).String()) + "\r\n")
	if e.isUpgrade(r) {
		b.WriteString("Connection: Upgrade\r\nUpgrade: " + r.Header.Get("Upgrade") + "\r\n")
	} else {
		b.WriteString("Connection: close\r\n")
	}
	switch {
	case r.ContentLength < 0:
		b.WriteString("Transfer-Encoding: chunked\r\n")
	case r.ContentLength > 0:
		b.WriteString("Content-Length: " + strconv.FormatInt(r.ContentLength, 10) + "\r\n")
	}
	_ = r.Header.WriteSubset(b, hopHeaders) // a buffer does not fail
	b.WriteString("\r\n")
}

// sendAlone sends a request.
func (e *Server) sendAlone(rc *http.ResponseController, r *http.Request, c *aloneConn) error {
	var head bytes.Buffer
	e.writeHead(&head, r)
	if _, err := c.Write(head.Bytes()); err != nil || r.ContentLength == 0 {
		return err
	}
	_ = rc.SetReadDeadline(time.Now().Add(e.cfg.ReadTimeout)) // not every ResponseWriter can
	to := io.WriteCloser(nopCloser{c})
	if r.ContentLength < 0 {
		to = httputil.NewChunkedWriter(c)
	}
	pooled := bufpool.Get(bufpool.Small)
	defer bufpool.Put(pooled)
	for {
		n, err := r.Body.Read(*pooled)
		if n > 0 {
			if _, err := to.Write((*pooled)[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			if err = to.Close(); err == nil && r.ContentLength < 0 {
				_, err = c.Write([]byte("\r\n"))
			}
			return err
		case err != nil:
			return bodyError{err}
		}
	}
}

type nopCloser struct{ io.Writer }

// Close does nothing.
func (nopCloser) Close() error { return nil }

// relayWebSocket joins the connection of a client to that of another server, which has accepted the
// client's WebSocket. It returns false when that fails; otherwise done is called at the end.
//
// Two goroutines copy, one each way. Each holds a buffer only while it has something to write. The
// session's server does the rest: heartbeat, limits, close frames.
func (e *Server) relayWebSocket(
	w http.ResponseWriter, r *http.Request, address string, c *aloneConn, res *http.Response, done func(),
) bool {
	conn, rw, err := takeConn(w)
	if err != nil {
		e.refuseHijack(w, r, err)
		return false
	}
	early, _ := rw.Peek(rw.Reader.Buffered()) // cannot fail: they are buffered
	first, _ := c.in.Peek(c.in.Buffered())
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = res.Header.Write(&head) // a buffer does not fail
	head.WriteString("\r\n")
	head.Write(first)
	err = conn.SetDeadline(time.Now().Add(e.cfg.WriteTimeout)) // replaces those of the http.Server
	if err == nil {
		_, err = conn.Write(head.Bytes())
	}
	if err == nil {
		_, err = c.Write(early)
	}
	err = errors.Join(err, conn.SetDeadline(time.Time{}), c.SetDeadline(time.Time{}))
	if err != nil {
		_ = conn.Close()
		e.logRequest(r, &refusal.Refusal{Rule: "connection broke", Value: err}, nil)
		return false
	}
	e.nodes.add(conn)
	x := &relayedSocket{address, pathOf(r), parseQuery(r.URL.RawQuery).sid}
	if e.nodes.addSocket(x) {
		e.drainSocket(x)
	}
	server, silence := c.Conn, c.silence
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// The server takes nothing while handlers are busy; its heartbeat bounds that.
		pump(server, conn, 0, 0)
		e.nodes.drop(conn, server)
	}()
	go func() {
		// The server sends a ping, or answers one, within each heartbeat.
		pump(conn, server, silence, e.cfg.WriteTimeout)
		e.nodes.drop(conn, server)
		<-ended
		e.nodes.removeSocket(x)
		done()
	}()
	return true
}

// pump copies bytes until either side fails. silence bounds each read and patience each write; zero
// means no bound.
func pump(to, from net.Conn, silence, patience time.Duration) {
	in := newRawStream(from)
	if in == nil {
		in = &plainStream{goroutineStream: goroutineStream{conn: from}}
	}
	for {
		if silence > 0 && from.SetReadDeadline(time.Now().Add(silence)) != nil {
			return
		}
		b, err := in.read(false, false)
		if err != nil {
			return
		}
		if patience > 0 && to.SetWriteDeadline(time.Now().Add(patience)) != nil {
			in.release()
			return
		}
		_, err = to.Write(b)
		in.release()
		if err != nil {
			return
		}
	}
}

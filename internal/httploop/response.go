package httploop

import (
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/internal/bufpool"
	"github.com/gosocketio/socketio/internal/httpfield"
	"github.com/gosocketio/socketio/internal/wheel"
)

// response is the http.ResponseWriter. It belongs to the handler's goroutine.
type response struct {
	conn     *conn
	header   http.Header
	status   int
	buf      []byte // what is to be sent
	pooled   *[]byte
	length   int64 // Content-Length; -1: not known
	written  int64 // of the body
	bodyAt   int   // in buf, while the head is not complete
	complete bool  // the head
	sniff    bool  // it has no Content-Type
	last     bool  // the connection ends with it
	err      error // of the first write that failed
	deadline time.Time
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}

// WriteHeader writes the head into the buffer, but for what depends on the body.
func (w *response) WriteHeader(status int) {
	switch {
	case status < 100 || status > 999:
		panic("httploop: invalid WriteHeader code " + strconv.Itoa(status))
	case w.status != 0:
		return
	case status < 200 && status != http.StatusSwitchingProtocols:
		b := appendHeader(appendStatus(nil, status), w.header)
		w.send(append(b, "\r\n"...))
		return
	}
	w.status = status
	w.pooled = bufpool.Get(bufpool.Small)
	w.buf = appendHeader(appendStatus((*w.pooled)[:0], status), w.header)
	if v := w.header["Content-Length"]; len(v) == 1 {
		if n, err := strconv.ParseInt(v[0], 10, 64); err == nil && n >= 0 {
			w.length = n
			w.buf = append(append(append(w.buf, "Content-Length: "...), v[0]...), "\r\n"...)
		}
	}
	if _, has := w.header["Date"]; !has {
		w.buf = append(append(append(w.buf, "Date: "...), w.conn.server.date()...), "\r\n"...)
	}
	if v := w.header["Connection"]; len(v) > 0 {
		w.last = slices.ContainsFunc(v, func(s string) bool { return strings.EqualFold(s, "close") })
	} else if w.conn.ends() {
		w.end()
	}
	_, has := w.header["Content-Type"]
	w.sniff = !has && len(w.header["Content-Encoding"]) == 0
	w.bodyAt = len(w.buf)
}

// end announces that the connection ends with the response.
func (w *response) end() {
	if !w.last {
		w.last = true
		w.buf = append(w.buf, "Connection: close\r\n"...)
	}
}

// Write adds to the body. What does not fit the buffer is sent.
func (w *response) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case len(b) == 0:
		return 0, nil
	case !bodyAllowed(w.status):
		return 0, http.ErrBodyNotAllowed
	case w.length >= 0 && w.written+int64(len(b)) > w.length:
		return 0, http.ErrContentLength
	case w.err != nil:
		return 0, w.err
	}
	if w.written == 0 && w.sniff && !w.complete {
		w.buf = append(append(append(w.buf, "Content-Type: "...), http.DetectContentType(b)...), "\r\n"...)
		w.bodyAt = len(w.buf)
	}
	if w.length >= 0 {
		w.completeHead()
	}
	w.written += int64(len(b))
	if len(w.buf)+len(b) <= cap(w.buf) {
		w.buf = append(w.buf, b...)
		return len(b), nil
	}
	if err := w.FlushError(); err != nil {
		return 0, err
	}
	if w.send(b); w.err != nil {
		return 0, w.err
	}
	return len(b), nil
}

// WriteString implements io.StringWriter.
func (w *response) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// completeHead ends the head.
func (w *response) completeHead() {
	if w.complete {
		return
	}
	w.complete = true
	w.insert("\r\n")
}

// insert adds to the head, of which nothing was sent.
func (w *response) insert(s string) {
	if w.bodyAt == len(w.buf) {
		w.buf = append(w.buf, s...)
	} else {
		w.buf = slices.Insert(w.buf, w.bodyAt, []byte(s)...)
	}
	w.bodyAt += len(s)
}

// Flush implements http.Flusher.
func (w *response) Flush() { _ = w.FlushError() } // the next call returns it

// FlushError sends what there is. A body whose length was not declared ends with the connection then.
func (w *response) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.complete {
		if w.length < 0 && bodyAllowed(w.status) && !w.last {
			w.last = true
			w.insert("Connection: close\r\n")
		}
		w.completeHead()
	}
	w.send(w.buf)
	w.buf = w.buf[:0]
	return w.err
}

// finish sends the rest. An error means that the connection cannot go on.
func (w *response) finish() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.complete && w.length < 0 && bodyAllowed(w.status) {
		w.length = w.written
		w.insert("Content-Length: " + strconv.FormatInt(w.length, 10) + "\r\n")
	}
	if err := w.FlushError(); err != nil {
		return err
	}
	if w.length > w.written && bodyAllowed(w.status) {
		return errShort
	}
	return nil
}

// release gives the buffer back. What is written from now on, by a handler that has returned, fails.
func (w *response) release() {
	if w.err == nil {
		w.err = errAnswered
	}
	if w.pooled != nil {
		bufpool.Put(w.pooled)
		w.pooled, w.buf = nil, nil
	}
}

// send writes to the connection.
func (w *response) send(b []byte) {
	if w.err == nil && len(b) > 0 {
		w.err = w.conn.write(b, w.deadline)
	}
}

// SetReadDeadline is for http.ResponseController.
func (w *response) SetReadDeadline(t time.Time) error {
	w.conn.readUntil(w, t)
	return nil
}

// SetWriteDeadline is for http.ResponseController.
func (w *response) SetWriteDeadline(t time.Time) error {
	w.deadline = t
	return nil
}

// EnableFullDuplex is for http.ResponseController: the body can be read at any time.
func (w *response) EnableFullDuplex() error { return nil }

// ends tells whether the connection is to end behind the answer.
func (c *conn) ends() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing || c.x.body.missing > maxSkipped
}

// readUntil sets the deadline for reading the body of the request that w answers.
func (c *conn) readUntil(w *response, t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.x == nil || &c.x.response != w {
		return // it has been answered
	}
	c.x.body.deadline = t
	if c.x.body.missing > 0 {
		c.x.body.arrived.Broadcast() // Read looks at it
	}
}

// write writes everything, until a deadline if it has to wait.
func (c *conn) write(b []byte, deadline time.Time) error {
	n, err := c.loop.TryWrite(b)
	if err != nil || n == len(b) {
		return err
	}
	within := c.server.WriteTimeout
	if !deadline.IsZero() {
		within = time.Until(deadline)
	}
	cut := &cutOff{conn: c}
	c.server.Wheel.Schedule(&cut.timer, within, cut)
	err = c.loop.Write(b[n:])
	c.server.Wheel.Stop(&cut.timer)
	if cut.late.Load() {
		err = os.ErrDeadlineExceeded
	}
	return err
}

// cutOff is the deadline of a write.
type cutOff struct {
	conn  *conn
	late  atomic.Bool
	timer wheel.Timer
}

// Expired ends the write together with the connection.
func (o *cutOff) Expired(*wheel.Timer) {
	o.late.Store(true)
	o.conn.loop.Close()
}

// appendStatus appends a status line.
func appendStatus(b []byte, status int) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	text := http.StatusText(status)
	if text == "" {
		text = "status code " + strconv.Itoa(status)
	}
	return append(append(append(b, ' '), text...), "\r\n"...)
}

// appendHeader appends the lines of a header, but for those about the body.
func appendHeader(b []byte, h http.Header) []byte {
	for name, values := range h {
		switch name {
		case "Content-Length", "Transfer-Encoding", "Trailer":
			continue
		}
		if !httpfield.IsToken(name) {
			continue // as net/http does; a http.TrailerPrefix has a colon
		}
		for _, v := range values {
			if strings.ContainsAny(v, "\r\n") {
				v = strings.NewReplacer("\r", " ", "\n", " ").Replace(v)
			}
			b = append(append(append(append(b, name...), ": "...), strings.Trim(v, " \t")...), "\r\n"...)
		}
	}
	return b
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

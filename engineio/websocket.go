package engineio

import (
	"errors"
	"math"
	"runtime"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/refusal"
)

const (
	// closeWait is how long a peer may take to answer a close frame.
	closeWait = 30 * time.Second
	// drainBytes is how much a peer may send after a violation of the protocol.
	drainBytes = 4 << 20
)

var (
	errNoRoom  = errors.New("engineio: no room to write")
	errDrained = errors.New("engineio: the peer of a failed connection went on sending")
	// errExited: a function of the user's panicked or called runtime.Goexit.
	errExited = errors.New("engineio: an event handler did not return")
)

// wsConn is a WebSocket or a WebTransport stream: a session's transport, or the candidate of an
// upgrade. The two differ in the format of frames and in how they are closed.
type wsConn struct {
	session   *Session
	stream    stream
	transport Transport
	takes     form
	in        frameReader // this and the next five: the reading goroutine owns them

	candidate *candidate // nil once the session has moved here
	drain     int32      // above 0: drop what arrives, up to that many bytes
	renew     bool       // replace the reading goroutine
	opened    bool       // the first packet has come
	few       bool       // the event loop reads at most partBytes

	closePending bool          // the flusher has to send the close frame; Session.mu guards it
	closeCode    ws.StatusCode // of that close frame; Session.mu guards it
	ended        bool          // the reader has ended; Server.mu guards it
}

func newWSConn(s *Session, st stream, q query) *wsConn {
	return &wsConn{
		session:   s,
		stream:    st,
		transport: WebSocket,
		takes:     form{v3: s.protocol == 3, base64: q.b64 != "", deflate: q.deflate},
		in:        frameReader{deflate: q.deflate},
	}
}

// start starts reading. first are bytes that came with the request.
func (c *wsConn) start(first []byte) {
	loop, ok := c.stream.(loopStream)
	if !ok {
		go c.run(first)
		return
	}
	if c.few = !c.session.Trusted(); c.few {
		loop.conn.ReadAtMost(partBytes)
	}
	err := c.receive(first)
	if err == nil {
		err = c.readFailed(loop.conn.Start(c))
	}
	if err != nil {
		c.end()
	}
}

// run is the read loop of a connection without an event loop.
//
// Handling packets grows the stack of its goroutine for good. So a new goroutine, with the smallest
// stack, replaces it after the first packet and at each heartbeat.
func (c *wsConn) run(first []byte) {
	returned := false
	defer c.endUnless(&returned)
	var err error
	if len(first) > 0 { // else a packet that waits is for the loop, which looks whether reading is paused
		err = c.receive(first)
	}
	for err == nil {
		if c.renew {
			c.renew = false
			returned = true
			go c.run(nil)
			return
		}
		if c.candidate == nil { // back-pressure must not delay an upgrade
			if resume := c.session.paused(); resume != nil {
				<-resume
			}
		}
		if c.in.waiting() {
			err = c.receive(nil)
			continue
		}
		err = c.readOnce()
	}
	returned = true
	c.end()
}

// readOnce waits for bytes and handles them.
func (c *wsConn) readOnce() error {
	b, err := c.stream.read(c.in.inside(), !c.session.Trusted())
	if err != nil {
		return c.readFailed(err)
	}
	err = c.receive(b)
	c.stream.release()
	if len(b) != firstBytes || !c.in.inside() { // else TLS has the rest of a record
		runtime.Gosched() // let answers bring more bytes: reading at once would find none
	}
	return err
}

// Data implements netloop.Handler.
func (c *wsConn) Data(b []byte) bool {
	if c.candidate == nil { // the goroutines of POSTs deliver messages during an upgrade
		c.session.loop = c.stream.(loopStream).conn
		defer func() { c.session.loop = nil }()
	}
	if c.few && c.session.Trusted() {
		c.few = false
		c.stream.(loopStream).conn.ReadAtMost(0)
	}
	return c.receive(b) == nil
}

// End implements netloop.Handler.
func (c *wsConn) End(err error) {
	_ = c.readFailed(err)
	c.end()
}

// receive handles bytes that arrived. After an error the caller must end the connection.
func (c *wsConn) receive(b []byte) error {
	if c.drain > 0 {
		if c.drain -= int32(len(b)); c.drain <= 0 {
			return errDrained
		}
		return nil
	}
	c.in.limit = c.session.maxPayload()
	err := c.in.feed(b, c.handle)
	if x := c.candidate; x != nil && err == nil {
		if x.read += len(b); x.read > maxProbing {
			err = &refusal.Refusal{Err: errBadProbe, Rule: "bytes before an upgrade", Value: x.read, Limit: maxProbing}
		}
	}
	if err == nil {
		c.session.countBytes(len(b))
		if loop, ok := c.stream.(loopStream); ok && c.in.waiting() {
			loop.conn.Again()
		}
		return nil
	}
	if c.fail(err) {
		// Closing a connection with unread bytes resets it, and the peer may lose the close frame.
		// So it may send drainBytes more, and take closeWait to close.
		c.drain = drainBytes
		return nil
	}
	return err
}

// readFailed handles the error of a read, and returns it.
func (c *wsConn) readFailed(err error) error {
	if err != nil && c.drain == 0 {
		c.fail(err)
	}
	return err
}

// end closes the connection when its reader ends.
func (c *wsConn) end() { c.session.server.connEnded(c) }

// endUnless ends the connection unless *returned. Callers of the user's functions defer it.
func (c *wsConn) endUnless(returned *bool) {
	if !*returned {
		_ = c.readFailed(errExited)
		c.end()
	}
}

// handle handles a complete message or control frame.
func (c *wsConn) handle(op ws.OpCode, payload []byte) error {
	switch op {
	case ws.OpPing:
		return c.control(ws.OpPong, payload)
	case ws.OpPong:
		return nil
	case ws.OpClose:
		return closeFrame(payload)
	}
	p, err := c.decode(op, payload)
	if err != nil {
		return err
	}
	if c.candidate != nil {
		return c.probe(p)
	}
	c.renew = !c.opened || p.Type == wire.Pong || p.Type == wire.Ping
	c.opened = true
	if p.Type == wire.Pong && c.transport == WebTransport && c.session.closeConfirmed() {
		return errPeerClosed
	}
	c.session.owned = c.in.owned
	if err := c.session.receive(p); err != nil || c.session.flags.Load()&flagPaused == 0 {
		return err
	}
	return errPause
}

// decode decodes the packet in a message.
func (c *wsConn) decode(op ws.OpCode, payload []byte) (wire.Packet, error) {
	switch v3 := c.session.protocol == 3; {
	case v3 && op == ws.OpText:
		return wire.DecodeText3(payload)
	case v3:
		return wire.DecodeBinary3(payload)
	case op == ws.OpText:
		return wire.DecodeText(payload)
	}
	return wire.Packet{Type: wire.Message, Binary: true, Data: payload}, nil
}

// closeFrame returns the error for a peer's close frame (RFC 6455 sections 5.5.1 and 7.4).
func closeFrame(payload []byte) error {
	if len(payload) == 0 {
		return errPeerClosed
	}
	code, reason := ws.ParseCloseFrameData(payload)
	switch {
	case len(payload) == 1 || !usableCloseCode(code):
		return faultf(ws.StatusProtocolError, "bad close frame")
	case !utf8.ValidString(reason):
		return faultf(ws.StatusInvalidFramePayloadData, "close reason that is not UTF-8")
	}
	return &fault{code, errPeerClosed} // echo the code
}

// usableCloseCode reports whether a close frame may carry the code.
//
// Those are the codes that IANA has registered, except 1005, 1006 and 1015, which no frame carries,
// and 1004, which has no meaning; and the codes of libraries and applications.
func usableCloseCode(code ws.StatusCode) bool {
	switch {
	case code == 1004 || code == ws.StatusNoStatusRcvd || code == ws.StatusAbnormalClosure:
		return false
	case code >= 3000:
		return code < 5000
	}
	return code >= 1000 && code <= 1014
}

// control sends a control frame behind the outbox, so that it never lands within another frame.
func (c *wsConn) control(op ws.OpCode, payload []byte) error {
	frame := append([]byte{0x80 | byte(op), byte(len(payload))}, payload...)
	if c.candidate != nil {
		return c.writeDirect(frame)
	}
	err := c.session.write(stateClosing, Now, Message{Frames: frame, owned: true})
	if errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

// fail ends the session or the upgrade of the connection because of err.
//
// If it returns true, the peer gets a close frame, and the reader must drain the connection.
func (c *wsConn) fail(err error) (drain bool) {
	s := c.session
	_, isTransport := errors.AsType[*TransportError](err)
	var f *fault
	reason, cause, code, broke := ReasonTransportClose, error(nil), ws.StatusCode(0), false
	if errors.As(err, &f) {
		code = f.code
	}
	switch {
	case errors.Is(err, errPeerClosed):
	case errors.Is(err, wire.ErrPacket):
		reason, cause = ReasonParseError, err
	case f != nil:
		reason, cause = ReasonTransportError, f.err
	case isTransport, errors.Is(err, errBadProbe):
		reason, cause = ReasonTransportError, err
	default:
		cause, broke = err, true // the official reason is transport close
	}
	cause = s.nameLimit(cause, c.in.limit)
	answered := c.candidate == nil && s.answerTooLarge(err)
	drain = reason != ReasonTransportClose // a peer that closes waits for nothing more
	if c.candidate != nil {
		cancelled := s.cancelUpgrade(c.candidate)
		if cancelled {
			s.logUpgrade(s.server.ruleOf(reason, cause), err)
		}
		return c.finish(cancelled && !broke, code, drain)
	}
	s.mu.Lock()
	if s.ws != c || s.state == stateClosed {
		s.mu.Unlock()
		return false
	}
	mayWrite := !s.flushing && !broke && s.state != stateLingering // else it has its close frame
	if s.flushing && !broke {
		c.closeCode, c.closePending = code, true
		drain = true
	}
	s.flushing = true // no other write starts
	s.stopPauseLocked()
	s.ws = nil
	var answer []entry
	if answered && mayWrite {
		answer = s.out.take(nil, math.MaxInt)
	}
	s.closeLocked(reason, cause)
	s.mu.Unlock()
	if len(answer) > 0 {
		s.server.setDeadline(c, closeWait)
	}
	for _, e := range answer {
		_ = c.writeDirect(c.form(e)) // best effort: the peer may not read
	}
	release(answer)
	return c.finish(mayWrite, code, drain)
}

// finish sends the close frame, if mayWrite, and returns whether the connection has to be drained.
func (c *wsConn) finish(mayWrite bool, code ws.StatusCode, drain bool) bool {
	if c.transport == WebTransport { // it has no close frame
		return false
	}
	if drain || mayWrite && !c.stream.canTry() {
		c.session.server.setDeadline(c, closeWait)
	}
	switch {
	case mayWrite && drain:
		c.endWrite(code)
	case mayWrite:
		c.writeClose(code) // the caller closes the connection
	}
	return drain
}

// writeDirect writes a small frame that bypasses the outbox. It fails if the peer does not read.
func (c *wsConn) writeDirect(frame []byte) error {
	if !c.stream.canTry() {
		return c.stream.write(frame)
	}
	n, err := c.stream.tryWrite(frame)
	if err == nil && n < len(frame) {
		err = errNoRoom
	}
	return err
}

// endWrite writes a close frame and ends the outgoing half of the connection, as browsers require.
func (c *wsConn) endWrite(code ws.StatusCode) {
	c.writeClose(code)
	c.stream.closeWrite()
}

// writeClose writes a close frame. Code 0 means no status code, as in the official server.
func (c *wsConn) writeClose(code ws.StatusCode) {
	frame := []byte{0x88, 0}
	switch {
	case c.transport == WebTransport:
		frame = barePing
	case code != 0:
		frame = []byte{0x88, 2, byte(code >> 8), byte(code)}
	}
	_ = c.writeDirect(frame) // best effort: the peer may not read
}

// reject closes a WebSocket that has just been opened.
func (c *wsConn) reject() {
	e := c.session.server
	if !c.stream.canTry() {
		e.setDeadline(c, e.cfg.WriteTimeout)
	}
	c.writeClose(0)
	c.stream.close()
	e.clearDeadline(c)
}

// startClosing starts the closing handshake. It does not block.
//
// The reader goes on until the peer closes too, or closeWait has passed, so that no reset overtakes
// the close frame. midFrame means that a frame may be half-written: then the connection is closed
// at once.
func (c *wsConn) startClosing(midFrame bool) {
	if midFrame {
		c.stream.close()
		return
	}
	wait := closeWait
	if c.transport == WebTransport {
		wait = pongWait
	}
	c.session.server.setDeadline(c, wait)
	if c.stream.canTry() {
		c.writeClose(0)
		return
	}
	go c.writeClose(0) // ends with the reader at the latest
}

package engineio

import (
	"errors"
	"runtime"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio/wire"
)

// closeWait is how long a peer may take to answer a close frame.
const closeWait = 30 * time.Second

// wsConn is a WebSocket, or a WebTransport stream, that belongs to a session, as its transport or as the candidate of an
// upgrade. The two differ in how frames look and in how they are closed.
type wsConn struct {
	session *Session
	stream  stream
	in      frameReader
	// candidate is set until the session has moved here. The reading goroutine owns it.
	candidate    *candidate
	drain        int32         // above 0: what arrives is dropped, up to that many bytes; the reader's own
	closeCode    ws.StatusCode // of the close frame that the session owes; Session.mu guards it
	transport    Transport
	takes        form
	closePending bool // the session's flusher is to say closeCode; Session.mu guards it
	fresh        bool // replace the reading goroutine; its own
	greeted      bool // the first packet has come
	ended        bool // its reader has; Server.mu guards it
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

// start begins to read. first are bytes that came with the request.
func (c *wsConn) start(first []byte) {
	loop, ok := c.stream.(loopStream)
	if !ok {
		go c.run(first)
		return
	}
	// Nobody else reads before the loop does: until then the bytes are ours.
	err := c.arrived(first)
	if err == nil {
		err = c.lost(loop.conn.Start(c))
	}
	if err != nil {
		c.gone()
	}
}

// run reads until the connection ends. It is the one goroutine of a connection that no event loop watches.
//
// The goroutine that is parked here for most of the time should have the smallest stack there is, and handling packets
// makes it grow for good: so it is replaced by a fresh one after the handshake of the layer above and at each heartbeat.
func (c *wsConn) run(first []byte) {
	returned := false
	defer c.unlessReturned(&returned)
	err := c.arrived(first)
	for err == nil {
		if c.fresh {
			c.fresh = false
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
			err = c.arrived(nil)
			continue
		}
		err = c.readOnce()
		// Others first: what they answer brings more bytes, and reading now would only find that there are none.
		runtime.Gosched()
	}
	returned = true
	c.gone()
}

// readOnce waits for bytes and acts on them.
func (c *wsConn) readOnce() error {
	b, err := c.stream.read(c.in.inside())
	if err != nil {
		return c.lost(err)
	}
	err = c.arrived(b)
	c.stream.release()
	return err
}

// Data is arrived, for an event loop.
func (c *wsConn) Data(b []byte) bool {
	if c.candidate == nil { // while it is one, other goroutines deliver messages
		c.session.loop = c.stream.(loopStream).conn
		defer func() { c.session.loop = nil }()
	}
	return c.arrived(b) == nil
}

// End is told by the event loop that the connection ends.
func (c *wsConn) End(err error) {
	_ = c.lost(err)
	c.gone()
}

// arrived acts on bytes. Its error means that the connection is at its end.
func (c *wsConn) arrived(b []byte) error {
	if c.drain > 0 {
		if c.drain -= int32(len(b)); c.drain <= 0 {
			return errDrained
		}
		return nil
	}
	c.in.limit = c.session.maxPayload()
	err := c.in.feed(b, c.handle)
	if err == nil {
		if loop, ok := c.stream.(loopStream); ok && c.in.waiting() {
			loop.conn.Again()
		}
		return nil
	}
	if c.fail(err) {
		// Closing on bytes that have not been read resets the connection, and the peer would lose the close frame that tells
		// it why: it may send drainBytes more, and take closeWait to close too.
		c.drain = drainBytes
		return nil
	}
	return err
}

// lost acts on the end of what can be read, and returns err.
func (c *wsConn) lost(err error) error {
	if err != nil && c.drain == 0 {
		c.fail(err)
	}
	return err
}

// gone is the end of the connection.
func (c *wsConn) gone() { c.session.server.gone(c) }

// errExited: a function of the user's panicked or ended its goroutine (runtime.Goexit) where something goes on without it.
var errExited = errors.New("engineio: an event handler did not return")

// unlessReturned is deferred by what may call functions of the user's: a connection does not outlive its reader.
func (c *wsConn) unlessReturned(returned *bool) {
	if !*returned {
		_ = c.lost(errExited)
		c.gone()
	}
}

// handle takes a complete message or control frame.
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
	c.fresh = !c.greeted || p.Type == wire.Pong || p.Type == wire.Ping
	c.greeted = true
	if p.Type == wire.Pong && c.transport == WebTransport && c.session.echoed() {
		return errPeerClosed
	}
	if err := c.session.receive(p); err != nil || c.session.flags.Load()&flagPaused == 0 {
		return err
	}
	return errPause
}

// decode makes a packet of a message.
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

// closeFrame returns the error that ends a connection whose peer sent a close frame (RFC 6455 sections 5.5.1 and 7.4).
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
	return &fault{code, errPeerClosed} // answered with its own code
}

// usableCloseCode reports whether a close frame may carry the code: one that IANA has registered, 1012 to 1014 included, or
// one for libraries and applications. 1004 has no meaning yet; 1005, 1006 and 1015 only report what no frame said.
func usableCloseCode(code ws.StatusCode) bool {
	switch {
	case code == 1004 || code == ws.StatusNoStatusRcvd || code == ws.StatusAbnormalClosure:
		return false
	case code >= 3000:
		return code < 5000
	}
	return code >= 1000 && code <= 1014
}

// control sends a control frame behind what waits, so that it never lands within another frame.
func (c *wsConn) control(op ws.OpCode, payload []byte) error {
	frame := append([]byte{0x80 | byte(op), byte(len(payload))}, payload...)
	if c.candidate != nil {
		return c.writeDirect(frame)
	}
	s := c.session
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return nil
	}
	return s.put(entry{frames: frame}, Shared)
}

// fail ends what depends on the connection, because of err. It returns true when the peer broke a rule and is to be told.
func (c *wsConn) fail(err error) (told bool) {
	s := c.session
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
	case isTransportError(err), errors.Is(err, errBadProbe):
		reason, cause = ReasonTransportError, err
	default:
		cause, broke = err, true // how the connection broke; the official reason is transport close
	}
	s.nameLimit(cause, c.in.limit)
	drain := reason != ReasonTransportClose // a peer that closes itself waits for nothing more
	if c.candidate != nil {
		failed := s.forget(c.candidate)
		if failed {
			s.logUpgrade(s.server.ruleOf(reason, cause), err)
		}
		return c.leave(failed && !broke, code, drain)
	}
	s.mu.Lock()
	if s.ws != c || s.state == stateClosed {
		s.mu.Unlock()
		return false
	}
	mayWrite := !s.flushing && !broke
	if s.flushing && !broke {
		c.closeCode, c.closePending = code, true // whoever is writing says it
		drain = true
	}
	s.flushing = true // nobody else writes from here on
	s.resumeLocked()
	s.ws = nil
	s.closeLocked(reason, cause)
	s.mu.Unlock()
	return c.leave(mayWrite, code, drain)
}

// leave says, or not, that the connection ends. It returns drain: whether the peer is to be waited for.
func (c *wsConn) leave(say bool, code ws.StatusCode, drain bool) bool {
	if c.transport == WebTransport { // closing says enough
		return false
	}
	if drain || say && !c.stream.canTry() {
		c.session.server.await(c, closeWait)
	}
	switch {
	case say && drain:
		c.endWrite(code)
	case say:
		c.writeClose(code) // the end of TCP follows at once
	}
	return drain
}

// drainBytes is what a peer that broke a rule may still send before it is cut off.
const drainBytes = 4 << 20

// errDrained: the peer sent that much.
var errDrained = errors.New("engineio: a peer that broke a rule went on sending")

func isTransportError(err error) bool {
	var t *TransportError
	return errors.As(err, &t)
}

// writeDirect writes a few bytes that cannot wait behind others. A peer that has no room for them does not read.
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

// errNoRoom: the peer reads nothing.
var errNoRoom = errors.New("engineio: no room to write")

// endWrite writes a close frame and ends the outgoing half of the connection, for a browser waits for that.
func (c *wsConn) endWrite(code ws.StatusCode) {
	c.writeClose(code)
	c.stream.closeWrite()
}

// writeClose writes a close frame, with no status code when code is 0 as the official server does.
func (c *wsConn) writeClose(code ws.StatusCode) {
	frame := []byte{0x88, 0}
	switch {
	case c.transport == WebTransport:
		frame = barePing
	case code != 0:
		frame = []byte{0x88, 2, byte(code >> 8), byte(code)}
	}
	_ = c.writeDirect(frame) // a peer that does not read cannot be told
}

// refuse closes a WebSocket that has only just been opened.
func (c *wsConn) refuse() {
	e := c.session.server
	if !c.stream.canTry() {
		e.await(c, e.cfg.WriteTimeout)
	}
	c.writeClose(0)
	c.stream.close()
	e.parted(c)
}

// part closes the connection from this side. The reader goes on until the peer closes too, so that the close frame is not
// lost to a reset, but only for closeWait. It does not block. within tells that a frame may be half-written: then only the end of TCP helps.
func (c *wsConn) part(within bool) {
	if within {
		c.stream.close()
		return
	}
	wait := closeWait
	if c.transport == WebTransport {
		wait = echoWait
	}
	c.session.server.await(c, wait)
	if c.stream.canTry() {
		c.writeClose(0)
		return
	}
	go c.writeClose(0) // ends with the reader, at the latest
}

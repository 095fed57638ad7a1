package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Conn is one client over WebSocket that has joined the target's namespace. One goroutine may use it at a time, but for Close.
type Conn struct {
	// Pid and Offset are what the client recovers its state by, once the server has said it.
	Pid, Offset string
	// Sid is the id of its socket.
	Sid string

	t    *Target
	conn net.Conn
	in   frames
	out  []byte
}

var (
	pongFrame = newFrame(opText, []byte("3"))
	pingFrame = newFrame(opText, []byte("2"))
)

// pingEvery is how often a client of protocol 3 pings.
const pingEvery = 10 * time.Second

// errEnded: the server closed the connection.
var errEnded = errors.New("load: the server closed the connection")

// refusedError is an HTTP answer other than 101.
type refusedError struct {
	status int
	text   string
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("load: the server answered %d: %s", e.status, e.text)
}

// turnedAway tells whether a server refused a client because it takes no more for the moment.
func turnedAway(err error) bool {
	refused := (*refusedError)(nil)
	return errors.As(err, &refused) && refused.status == http.StatusServiceUnavailable
}

// Dial connects and joins the namespace. auth is the JSON sent to join, or "". missed, if not nil, is called with each message
// that comes before the server says that the client has joined: what it missed, when its state was recovered.
func (t *Target) Dial(ctx context.Context, auth string, missed func(message []byte)) (*Conn, error) {
	conn, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &Conn{t: t, conn: conn}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	_ = conn.SetDeadline(time.Now().Add(t.Timeout))
	err = c.handshake(auth, missed)
	if stop() && err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	if t.EIO == 3 {
		t.ping(c)
	}
	return c, nil
}

func (c *Conn) handshake(auth string, missed func([]byte)) error {
	t := c.t
	extensions := ""
	if t.Deflate {
		extensions = "Sec-WebSocket-Extensions: " + deflateOffer + "\r\n"
	}
	_, err := fmt.Fprintf(c.conn, "GET %s?EIO=%d&transport=websocket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
		t.path, t.EIO, t.host, extensions)
	if err != nil {
		return err
	}
	head := bufio.NewReaderSize(c.conn, 1024)
	res, err := http.ReadResponse(head, nil)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		text := make([]byte, 200)
		n, _ := res.Body.Read(text)
		_ = res.Body.Close()
		return &refusedError{res.StatusCode, string(text[:n])}
	}
	if t.Deflate {
		for parameter := range strings.SplitSeq(deflateOffer, "; ") {
			if !strings.Contains(res.Header.Get("Sec-WebSocket-Extensions"), parameter) {
				return errDeclined
			}
		}
		c.in.inflater = new(inflater)
	}
	c.in.from = c.conn
	rest, _ := head.Peek(head.Buffered())
	c.in.buf = append(make([]byte, 0, max(smallBuffer, len(rest))), rest...)
	c.in.end = len(c.in.buf)
	c.in.buf = c.in.buf[:cap(c.in.buf)]

	op, open, err := c.in.next()
	if err != nil {
		return err
	}
	if op != opText || !bytes.HasPrefix(open, []byte("0{")) {
		return fmt.Errorf("load: the server began with %.60q instead of an open packet", open)
	}
	return c.join(auth, missed)
}

// join joins the namespace; a client of protocol 3 is in "/" without asking.
func (c *Conn) join(auth string, missed func([]byte)) error {
	if c.t.EIO == 4 || c.t.Namespace != "/" {
		if _, err := c.conn.Write(c.t.event("0", auth)); err != nil {
			return err
		}
	}
	for {
		_, m, err := c.Next()
		if err != nil {
			return err
		}
		if rest, ok := bytes.CutPrefix(m, []byte("0"+c.t.namespace())); ok {
			var reply struct{ Sid, Pid string }
			if len(rest) > 0 {
				if err := json.Unmarshal(rest, &reply); err != nil {
					return fmt.Errorf("load: the server answered CONNECT with %.60q", rest)
				}
			}
			c.Sid, c.Pid = reply.Sid, reply.Pid
			return nil
		}
		if bytes.HasPrefix(m, []byte("4")) {
			return fmt.Errorf("load: the namespace %s refuses: %.200s", c.t.Namespace, m[1:])
		}
		c.note(m)
		if missed != nil {
			missed(m)
		}
	}
}

// Next returns the next message of the layer above: text without the engine's type, or an attachment. It answers pings. The
// message is valid until the following call.
func (c *Conn) Next() (binary bool, message []byte, err error) {
	for {
		op, p, err := c.in.next()
		if err != nil {
			return false, nil, err
		}
		switch {
		case op == opBinary && c.t.EIO == 3 && len(p) > 0:
			return true, p[1:], nil
		case op == opBinary:
			return true, p, nil
		case op == opText && len(p) > 0 && p[0] == '4':
			return false, p[1:], nil
		case op == opText && len(p) == 1 && p[0] == '2':
			c.t.beats.Add(1)
			_, err = c.conn.Write(pongFrame)
		case op == opText && len(p) == 1 && p[0] == '3':
			c.t.beats.Add(1)
		case op == opPing:
			_, err = c.conn.Write(newFrame(opPong, p))
		case op == opClose || op == opText && len(p) == 1 && p[0] == '1':
			err = errEnded
		}
		if err != nil {
			return false, nil, err
		}
	}
}

// Write sends frames.
func (c *Conn) Write(frames []byte) error {
	_, err := c.conn.Write(frames)
	return err
}

// Queue keeps frames for Flush.
func (c *Conn) Queue(frames []byte) { c.out = append(c.out, frames...) }

// Flush sends what was queued, unless another whole frame has arrived already, whose answer can go with it.
func (c *Conn) Flush() error {
	if len(c.out) == 0 || c.in.has() && len(c.out) < 32<<10 {
		return nil
	}
	_, err := c.conn.Write(c.out)
	c.out = c.out[:0]
	// A server that is fast enough has answered by now. Without this, one connection would talk to it until the runtime
	// interrupts that, after 10 ms, while the others wait.
	runtime.Gosched()
	return err
}

// Close ends the connection without a word, as a link that breaks does.
func (c *Conn) Close() {
	if c.t.EIO == 3 {
		c.t.pinging.Lock()
		delete(c.t.pinged, c)
		c.t.pinging.Unlock()
	}
	_ = c.conn.Close()
}

// interrupt makes reads and writes of the connection fail from now on.
func (c *Conn) interrupt() { _ = c.conn.SetDeadline(time.Unix(1, 0)) }

// ping has the target's pinger look after a connection of protocol 3.
func (t *Target) ping(c *Conn) {
	t.pinging.Lock()
	defer t.pinging.Unlock()
	t.pinged[c] = struct{}{}
}

// keepAlive pings the connections of protocol 3 until ctx ends.
func (t *Target) keepAlive(ctx context.Context) {
	if t.EIO != 3 {
		return
	}
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		t.pinging.Lock()
		conns := slices.Collect(maps.Keys(t.pinged))
		t.pinging.Unlock()
		for _, c := range conns {
			_, _ = c.conn.Write(pingFrame) // its reader sees that it is gone
		}
	}
}

// note remembers the offset of an event, if it has one.
func (c *Conn) note(message []byte) {
	if s := offset(message); s != "" {
		c.Offset = s
	}
}

// offset returns the last argument of an event if it is a string: what a client that recovers gives back.
func offset(message []byte) string {
	if len(message) == 0 || message[0] != '2' && message[0] != '5' || !bytes.HasSuffix(message, []byte(`"]`)) {
		return ""
	}
	message = message[:len(message)-2]
	return string(message[bytes.LastIndexByte(message, '"')+1:])
}

// recoveryAuth is what a client sends to join again where it was.
func (c *Conn) recoveryAuth() string {
	if c.Pid == "" {
		return ""
	}
	b, _ := json.Marshal(struct { // strings always encode
		Pid    string `json:"pid"`
		Offset string `json:"offset,omitempty"`
	}{c.Pid, c.Offset})
	return strings.TrimSpace(string(b))
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

package rawclient

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// Conn is a WebSocket connection to an engine.
type Conn struct {
	// Sid is the session's id.
	Sid string

	t        testing.TB
	patience time.Duration
	conn     net.Conn
	r        *bufio.Reader
}

// WebSocket opens a session over WebSocket. query, such as "token=1", is added to the URL.
func (e *Endpoint) WebSocket(query ...string) *Conn {
	e.t.Helper()
	c, err := e.upgrade(strings.Join(append([]string{"EIO=4&transport=websocket"}, query...), "&"))
	if err != nil {
		e.t.Fatalf("open a websocket: %v", err)
	}
	open := c.Read()
	var data struct{ Sid string }
	if !strings.HasPrefix(open, "0") || json.Unmarshal([]byte(open[1:]), &data) != nil {
		e.t.Fatalf("first packet is %q, want the open packet", open)
	}
	c.Sid = data.Sid
	return c
}

// TryWebSocket is WebSocket that returns the error instead of failing the test. It does not read the open packet.
func (e *Endpoint) TryWebSocket() (*Conn, error) { return e.upgrade("EIO=4&transport=websocket") }

// upgrade opens a WebSocket and reads nothing.
func (e *Endpoint) upgrade(query string) (*Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), e.patience)
	defer cancel()
	c, err := e.Dial(ctx, query, nil)
	if err != nil {
		return nil, err
	}
	e.t.Cleanup(c.Close)
	c.patience = e.patience
	return c, nil
}

// Dial opens a WebSocket, reads nothing, and leaves the rest to the caller: it is not closed with the test, and neither reads nor
// writes have a deadline.
func (e *Endpoint) Dial(ctx context.Context, query string, header http.Header) (*Conn, error) {
	var refusal error
	d := ws.Dialer{
		NetDial: func(ctx context.Context, _, _ string) (net.Conn, error) { return e.dial(ctx) },
		Header:  ws.HandshakeHeaderHTTP(header),
		OnStatusError: func(status int, _ []byte, response io.Reader) {
			if res, err := http.ReadResponse(bufio.NewReader(response), nil); err == nil {
				body, _ := io.ReadAll(res.Body)
				_ = res.Body.Close()
				refusal = fmt.Errorf("status %d: %s", status, body)
			}
		},
	}
	conn, r, _, err := d.Dial(ctx, "ws"+strings.TrimPrefix(e.URL, "http")+e.Path+"?"+query)
	if refusal != nil {
		return nil, refusal
	}
	if err != nil {
		return nil, err
	}
	if r == nil {
		r = bufio.NewReader(conn)
	}
	return &Conn{t: e.t, conn: conn, r: r}, nil
}

// deadline is the end of the patience that begins now; none without.
func (c *Conn) deadline() (t time.Time) {
	if c.patience > 0 {
		t = time.Now().Add(c.patience)
	}
	return t
}

// Send sends packets, each as a text message.
func (c *Conn) Send(packets ...string) {
	c.t.Helper()
	for _, p := range packets {
		if err := c.TrySend(p); err != nil {
			c.t.Fatalf("send: %v", err)
		}
	}
}

// TrySend sends a text packet and returns the error instead of failing the test.
func (c *Conn) TrySend(packet string) error { return c.write(ws.NewTextFrame([]byte(packet))) }

// SendTogether sends packets in one write, so that they arrive together.
func (c *Conn) SendTogether(packets ...string) {
	c.t.Helper()
	var frames []ws.Frame
	for _, p := range packets {
		frames = append(frames, ws.NewTextFrame([]byte(p)))
	}
	if err := c.write(frames...); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// SendBinary sends a binary message.
func (c *Conn) SendBinary(data []byte) {
	c.t.Helper()
	if err := c.TrySendBinary(data); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// TrySendBinary sends a binary message and returns the error instead of failing the test.
func (c *Conn) TrySendBinary(data []byte) error { return c.write(ws.NewBinaryFrame(data)) }

// write sends frames in one write, so that goroutines may send at the same time.
func (c *Conn) write(frames ...ws.Frame) error {
	var all []byte
	for _, f := range frames {
		data, err := ws.CompileFrame(ws.MaskFrame(f))
		if err != nil {
			return err
		}
		all = append(all, data...)
	}
	_ = c.conn.SetWriteDeadline(c.deadline())
	_, err := c.conn.Write(all)
	return err
}

// Next returns the next message that is not a ping, which it answers. An error means that the connection ended.
func (c *Conn) Next() (text string, binary []byte, err error) {
	for {
		_ = c.conn.SetReadDeadline(c.deadline())
		f, err := ws.ReadFrame(c.r)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
			return "", nil, io.EOF
		case err != nil:
			return "", nil, err
		case f.Header.OpCode == ws.OpClose:
			return "", nil, io.EOF
		case f.Header.OpCode == ws.OpBinary:
			return "", append([]byte{}, f.Payload...), nil
		case string(f.Payload) == "2":
			if err := c.TrySend("3"); err != nil {
				return "", nil, err
			}
		default:
			return string(f.Payload), nil, nil
		}
	}
}

// Read returns the next text packet.
func (c *Conn) Read() string {
	c.t.Helper()
	text, binary, err := c.Next()
	if err != nil || binary != nil {
		c.t.Fatalf("got binary %q, error %v; want a text packet", binary, err)
	}
	return text
}

// Want fails the test unless exactly these text packets come next.
func (c *Conn) Want(packets ...string) {
	c.t.Helper()
	for _, want := range packets {
		text, binary, err := c.Next()
		if err != nil {
			c.t.Fatalf("got error %v, want %q", err, want)
		}
		if binary != nil || text != want {
			c.t.Fatalf("got %q (binary %q), want %q", text, binary, want)
		}
	}
}

// WantBinary fails the test unless these binary messages come next.
func (c *Conn) WantBinary(messages ...[]byte) {
	c.t.Helper()
	for _, want := range messages {
		text, binary, err := c.Next()
		if err != nil || binary == nil || string(binary) != string(want) {
			c.t.Fatalf("got %q (binary %q), error %v; want binary %q", text, binary, err, want)
		}
	}
}

// WantClose fails the test unless the server closes the connection next.
func (c *Conn) WantClose() {
	c.t.Helper()
	text, binary, err := c.Next()
	if err == nil {
		c.t.Fatalf("got %q (binary %q), want the connection to be closed", text, binary)
	}
	if !errors.Is(err, io.EOF) && !isReset(err) {
		c.t.Fatalf("got error %v, want the connection to be closed", err)
	}
}

func isReset(err error) bool {
	return strings.Contains(err.Error(), "connection reset")
}

// Raw returns the connection below, for tests that count allocations. What it has already read ahead is lost.
func (c *Conn) Raw() net.Conn { return c.conn }

// Frame returns the bytes of a text message, to be written to Raw.
func (c *Conn) Frame(packet string) []byte {
	c.t.Helper()
	frame, err := ws.CompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(packet))))
	if err != nil {
		c.t.Fatal(err)
	}
	return frame
}

// Close cuts the connection.
func (c *Conn) Close() { _ = c.conn.Close() }

// Join joins a namespace and returns the socket's id. auth is a JSON object or empty.
func (c *Conn) Join(namespace, auth string) (id string) {
	c.t.Helper()
	c.Send("40" + prefix(namespace) + auth)
	return c.Joined(namespace)
}

// Joined reads the reply to a CONNECT and returns the socket's id.
func (c *Conn) Joined(namespace string) (id string) {
	c.t.Helper()
	return socketID(c.t, namespace, c.Read())
}

func prefix(namespace string) string {
	if namespace == "/" {
		return ""
	}
	return namespace + ","
}

func socketID(t testing.TB, namespace, packet string) string {
	t.Helper()
	var data map[string]string
	payload, ok := strings.CutPrefix(packet, "40"+prefix(namespace))
	if !ok || json.Unmarshal([]byte(payload), &data) != nil || len(data) != 1 || len(data["sid"]) != 20 {
		t.Fatalf("got %q, want the reply to a CONNECT to %s", packet, namespace)
	}
	return data["sid"]
}

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// plain is a WebSocket client that is no Socket.IO client.
type plain struct {
	t    *testing.T
	conn net.Conn
}

func dial(t *testing.T, url string) *plain {
	t.Helper()
	conn, _, _, err := ws.Dial(t.Context(), "ws"+strings.TrimPrefix(url, "http")+chatPath)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &plain{t, conn}
}

func (p *plain) send(frames ...ws.Frame) {
	p.t.Helper()
	for _, f := range frames {
		if _, err := p.conn.Write(ws.MustCompileFrame(ws.MaskFrame(f))); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *plain) want(op ws.OpCode, payload string) {
	p.t.Helper()
	f, err := ws.ReadFrame(p.conn)
	if err != nil || f.Header.OpCode != op || string(f.Payload) != payload {
		p.t.Fatalf("got opcode %d, %d bytes, %v; want opcode %d, %d bytes", f.Header.OpCode, len(f.Payload), err, op, len(payload))
	}
}

func (p *plain) wantClose(status ws.StatusCode) {
	p.t.Helper()
	f, err := ws.ReadFrame(p.conn)
	if err != nil || f.Header.OpCode != ws.OpClose {
		p.t.Fatalf("got opcode %d %q, %v; want a close frame", f.Header.OpCode, f.Payload, err)
	}
	if code, _ := ws.ParseCloseFrameData(f.Payload); code != status {
		p.t.Errorf("closed with %d, want %d", code, status)
	}
	if n, err := p.conn.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		p.t.Errorf("after the close frame: %d bytes, %v", n, err)
	}
}

func serveEcho(t *testing.T, origins ...string) (*echo, string) {
	t.Helper()
	e := newEcho(origins)
	server := httptest.NewServer(e)
	t.Cleanup(func() {
		if err := e.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return e, server.URL
}

func TestEcho(t *testing.T) {
	_, url := serveEcho(t)
	c := dial(t, url)
	for _, text := range []string{"hi", "", "grüße 👋", strings.Repeat("x", echoLimit)} {
		c.send(ws.NewTextFrame([]byte(text)))
		c.want(ws.OpText, text)
	}
	c.send(ws.NewBinaryFrame([]byte{0, 1, 255}))
	c.want(ws.OpBinary, "\x00\x01\xff")
}

func TestEchoJoinsFragments(t *testing.T) {
	_, url := serveEcho(t)
	c := dial(t, url)
	c.send(ws.NewFrame(ws.OpText, false, []byte("a")), ws.NewPingFrame([]byte("still there?")), ws.NewFrame(ws.OpContinuation, true, []byte("b")))
	c.want(ws.OpPong, "still there?")
	c.want(ws.OpText, "ab")
}

func TestEchoEndsWithTheRightStatus(t *testing.T) {
	for name, c := range map[string]struct {
		frames []ws.Frame
		status ws.StatusCode
	}{
		"goodbye":             {[]ws.Frame{ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))}, ws.StatusNormalClosure},
		"no UTF-8":            {[]ws.Frame{ws.NewTextFrame([]byte{0xff})}, ws.StatusInvalidFramePayloadData},
		"reserved opcode":     {[]ws.Frame{ws.NewFrame(3, true, nil)}, ws.StatusProtocolError},
		"stray continuation":  {[]ws.Frame{ws.NewFrame(ws.OpContinuation, true, nil)}, ws.StatusProtocolError},
		"fragmented ping":     {[]ws.Frame{ws.NewFrame(ws.OpPing, false, nil)}, ws.StatusProtocolError},
		"too big":             {[]ws.Frame{ws.NewTextFrame(bytes.Repeat([]byte("x"), echoLimit+1))}, ws.StatusMessageTooBig},
		"too big in the end":  {[]ws.Frame{ws.NewFrame(ws.OpText, false, bytes.Repeat([]byte("x"), echoLimit)), ws.NewFrame(ws.OpContinuation, true, []byte("x"))}, ws.StatusMessageTooBig},
		"and more behind it ": {[]ws.Frame{ws.NewTextFrame([]byte{0xff}), ws.NewBinaryFrame(make([]byte, echoLimit))}, ws.StatusInvalidFramePayloadData},
	} {
		t.Run(name, func(t *testing.T) {
			_, url := serveEcho(t)
			conn := dial(t, url)
			conn.send(c.frames...)
			conn.wantClose(c.status)
		})
	}
}

func TestEchoUnmaskedFrame(t *testing.T) {
	_, url := serveEcho(t)
	c := dial(t, url)
	if err := ws.WriteFrame(c.conn, ws.NewTextFrame([]byte("unmasked"))); err != nil {
		t.Fatal(err)
	}
	c.wantClose(ws.StatusProtocolError)
}

func TestEchoOrigins(t *testing.T) {
	e := newEcho([]string{"https://a.example", "https://*.b.example"})
	for origin, want := range map[string]bool{
		"": true, "http://example.com": true, "https://EXAMPLE.com": true, "https://a.example": true, "https://x.b.example": true,
		"https://evil.example": false, "null": false, "//example.com": false, "http://u@example.com": false, "https://example.com.evil.example": false, "%": false, "https://b.example": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "http://example.com/chat", nil)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		if got := e.origins.Check(r) == nil; got != want {
			t.Errorf("origin %q: %t, want %t", origin, got, want)
		}
	}
	if r := httptest.NewRequest(http.MethodGet, "/", nil); newEcho([]string{"*"}).origins.Check(r) != nil {
		t.Error("* does not allow")
	}
}

func TestEchoRefusesWhatIsNoHandshake(t *testing.T) {
	_, url := serveEcho(t)
	for name, c := range map[string]struct {
		header http.Header
		status int
	}{
		"no upgrade":   {http.Header{}, http.StatusUpgradeRequired},
		"other origin": {http.Header{"Upgrade": {"websocket"}, "Origin": {"https://evil.example"}}, http.StatusForbidden},
		"no key":       {http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"}}, http.StatusBadRequest},
	} {
		status, _, _ := fetch(t, url, c.header)
		if status != c.status {
			t.Errorf("%s: status %d, want %d", name, status, c.status)
		}
	}
}

func TestEchoShutdown(t *testing.T) {
	e, url := serveEcho(t)
	idle, busy := dial(t, url), dial(t, url)
	busy.send(ws.NewFrame(ws.OpText, false, []byte("never finished"))) // and waits for the rest of it
	idle.send(ws.NewTextFrame([]byte("hi")))
	idle.want(ws.OpText, "hi")

	ended := make(chan error, 1)
	go func() { ended <- e.Shutdown(t.Context()) }()
	idle.wantClose(ws.StatusGoingAway)
	_ = idle.conn.Close()
	_ = busy.conn.Close()
	if err := next(t, "end", ended); err != nil {
		t.Error(err)
	}
	// Who comes later is not kept.
	late := dial(t, url)
	if _, err := ws.ReadFrame(late.conn); err == nil {
		t.Error("a late connection is answered")
	}
}

func TestEchoShutdownWithoutTime(t *testing.T) {
	e, url := serveEcho(t)
	c := dial(t, url)
	c.send(ws.NewTextFrame([]byte("hi")))
	c.want(ws.OpText, "hi")
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("no time")
	cancel(reason)
	if err := e.Shutdown(ctx); err != nil && !errors.Is(err, reason) {
		t.Error(err)
	}
}

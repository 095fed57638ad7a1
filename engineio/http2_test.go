package engineio_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
)

// A WebSocket over HTTP/2 (RFC 8441). net/http allows it in a process that was started with a variable: so this one starts another.
func TestHTTP2WebSocket(t *testing.T) {
	const allowed = "http2xconnect=1"
	if os.Getenv("GODEBUG") != allowed {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
		child.Env = append(os.Environ(), "GODEBUG="+allowed)
		out, err := child.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Logf("%s", out)
		return
	}
	for name, test := range map[string]func(*testing.T){
		"messages": http2Messages, "upgrade": http2Upgrade, "refusals": http2Refusals, "ends": http2Ends, "slow peer": http2SlowPeer,
	} {
		t.Run(name, test)
	}
}

// http2Server is a server that speaks HTTP/2.
func http2Server(t *testing.T, c engineio.Config) *server {
	t.Helper()
	return startOn(t, c, httptest.NewUnstartedServer, func(h *httptest.Server) { h.EnableHTTP2 = true; h.StartTLS() })
}

// tunnelled is the client's end of a stream of HTTP/2.
type tunnelled struct {
	net.Conn // nil: what is not defined here does not exist

	in  io.ReadCloser
	out *io.PipeWriter
}

func (c *tunnelled) Read(b []byte) (int, error)      { return c.in.Read(b) }
func (c *tunnelled) Close() error                    { return c.in.Close() } // resets the stream
func (c *tunnelled) SetReadDeadline(time.Time) error { return nil }          // the test's own deadline holds

// Write takes what the stream does not take any more: the answer to a close frame may come too late.
func (c *tunnelled) Write(b []byte) (int, error) {
	n, err := c.out.Write(b)
	if errors.Is(err, io.ErrClosedPipe) {
		return len(b), nil
	}
	return n, err
}

// http2Transport returns what the client sends requests over HTTP/2 with: http.Transport itself would refuse the header :protocol.
func (s *server) http2Transport() http.RoundTripper {
	s.Helper()
	host := strings.Split(s.url, "/")[2]
	t, _ := s.client.Transport.(*http.Transport)
	res, err := s.client.Get("https://" + host)
	if err != nil {
		s.Fatal(err)
	}
	_ = res.Body.Close()
	conn, err := tls.Dial("tcp", host, t.TLSClientConfig) // closed at once, for there is one
	if err != nil {
		s.Fatal(err)
	}
	return t.TLSNextProto["h2"](host, conn)
}

// connect sends an extended CONNECT. The socket's bytes are the response's body, whatever its status.
func (s *server) connect(q string, header ...string) (reply, *socket) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	s.Cleanup(cancel)
	body, out := io.Pipe()
	r, err := http.NewRequestWithContext(ctx, http.MethodConnect, s.url+"?"+q, body)
	if err != nil {
		s.Fatal(err)
	}
	r.Header = http.Header{":protocol": {"websocket"}, "Sec-Websocket-Version": {"13"}}
	for _, h := range header {
		k, v, _ := strings.Cut(h, "=")
		r.Header.Set(k, v)
	}
	res, err := s.http2Transport().RoundTrip(r)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = res.Body.Close() })
	if res.ProtoMajor != 2 {
		s.Fatal(res.Proto)
	}
	return reply{status: res.StatusCode, header: res.Header}, wrap(s.T, &tunnelled{in: res.Body, out: out}, bufio.NewReader(res.Body))
}

// openTunnel opens a WebSocket.
func (s *server) openTunnel(q string, header ...string) (reply, *socket) {
	s.Helper()
	got, conn := s.connect(q, header...)
	if got.status != http.StatusOK {
		s.Fatalf("%+v", got)
	}
	return got, conn
}

func http2Messages(t *testing.T) {
	s := http2Server(t, deflate())
	answer, conn := s.openTunnel(direct, "Sec-WebSocket-Protocol=chat, other", "Sec-WebSocket-Extensions="+offer)
	for name, want := range map[string]string{"Sec-Websocket-Protocol": "chat", "Sec-Websocket-Extensions": accepted, "Connection": "", "Upgrade": ""} {
		if got := answer.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	conn.open()
	x := next(t, s.sessions)
	if h := x.Handshake(); !h.Secure || h.Header().Get(":protocol") != "" || h.Query().Get("transport") != "websocket" || h.RemoteAddr == "" {
		t.Errorf("handshake: %+v", h)
	}
	long := "4" + strings.Repeat("long", 100_000)
	for _, text := range []string{"4hi", "4"} {
		conn.send(text)
		conn.want(text)
	}
	conn.send(long)
	conn.wantFrame(ws.OpText, long, true)
	conn.raw(compressedFrame(t, ws.OpBinary, long))
	conn.wantFrame(ws.OpBinary, long, true)
	conn.raw(ws.MustCompileFrame(ws.MaskFrame(ws.NewPingFrame([]byte("ping")))))
	conn.wantFrame(ws.OpPong, "ping", false)
	// Other requests share the connection.
	q := s.polling()
	s.request("POST", q, "4polled")
	if got := s.request("GET", q, ""); got.body != "4polled" {
		t.Errorf("polled %q", got.body)
	}
}

func http2Upgrade(t *testing.T) {
	s := http2Server(t, engineio.Config{})
	q := s.polling()
	x := next(t, s.sessions)
	_, conn := s.openTunnel(direct + q[strings.Index(q, "&sid="):])
	conn.send("2probe")
	conn.want("3probe")
	conn.send("5")
	conn.send("4hi")
	conn.want("4hi")
	if x.Transport() != engineio.WebSocket {
		t.Error("the session did not move")
	}
	_, second := s.openTunnel(direct + q[strings.Index(q, "&sid="):])
	if code := second.wantEnd(); code != ws.StatusNoStatusRcvd {
		t.Errorf("the second one ended with %d", code)
	}
	conn.send("4still")
	conn.want("4still")
}

func http2Refusals(t *testing.T) {
	s := http2Server(t, engineio.Config{AllowRequest: func(r *http.Request) error {
		if r.URL.Query().Get("token") == "bad" {
			return errors.New("no")
		}
		return nil
	}})
	for _, c := range []struct {
		name, query, header string
		status              int
		body                string
	}{
		{"transport", "EIO=4&transport=x", "", 400, "Transport unknown"},
		{"session", direct + "&sid=x", "", 400, "Session ID unknown"},
		{"AllowRequest", direct + "&token=bad", "", 400, "no"},
		{"origin", direct, "Origin=https://evil.test", 400, `Origin "https://evil.test" is not allowed (see CORS.Origins)`},
		{"version", direct, "Sec-WebSocket-Version=8", 400, "Missing or invalid Sec-WebSocket-Version header"},
		{"protocol", direct, ":protocol=connect-udp", 501, "Invalid :protocol"},
		{"subprotocol", direct, "Sec-WebSocket-Protocol=(", 400, "Invalid Sec-WebSocket-Protocol header"},
		{"polling", handshake, "", 200, "\x88\x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.T = t
			got, conn := s.connect(c.query, strings.Fields(c.header)...)
			b, err := io.ReadAll(conn.r)
			if err != nil || got.status != c.status || string(b) != c.body {
				t.Errorf("%d, %q, %v", got.status, b, err)
			}
		})
	}
	s.T = t
	if got := s.request("GET", handshake, ""); got.status != 200 {
		t.Error("the connection is not there any more")
	}
}

func http2Ends(t *testing.T) {
	c := engineio.Config{MaxPayload: 1000}
	t.Run("a broken rule", func(t *testing.T) {
		s := http2Server(t, c)
		_, conn := s.openTunnel(direct)
		conn.open()
		conn.send(strings.Repeat("4", 1001))
		if code := conn.wantEnd(); code != ws.StatusMessageTooBig {
			t.Errorf("close code %d", code)
		}
		if got := next(t, s.closings); !errors.Is(got.cause, engineio.ErrPayloadTooLarge) {
			t.Errorf("%+v", got)
		}
	})
	t.Run("the peer's close frame", func(t *testing.T) {
		s := http2Server(t, c)
		_, conn := s.openTunnel(direct)
		conn.open()
		conn.raw(ws.MustCompileFrame(ws.MaskFrame(ws.NewCloseFrame(nil))))
		conn.wantEnd()
		if got := next(t, s.closings); got.reason != engineio.ReasonTransportClose {
			t.Errorf("%+v", got)
		}
	})
	t.Run("the peer's reset", func(t *testing.T) {
		s := http2Server(t, c)
		_, conn := s.openTunnel(direct)
		conn.open()
		_ = conn.Close()
		if got := next(t, s.closings); got.reason != engineio.ReasonTransportClose {
			t.Errorf("%+v", got)
		}
	})
	t.Run("our close", func(t *testing.T) {
		s := http2Server(t, c)
		_, conn := s.openTunnel(direct)
		conn.open()
		x := next(t, s.sessions)
		if err := x.Send([]byte("last"), false); err != nil {
			t.Fatal(err)
		}
		x.Close()
		conn.want("4last")
		if code := conn.wantEnd(); code != ws.StatusNoStatusRcvd {
			t.Errorf("close code %d", code)
		}
		if got := next(t, s.closings); got.reason != engineio.ReasonForcedClose {
			t.Errorf("%+v", got)
		}
	})
}

// A peer that does not open its window is cut off like one that does not read from TCP.
func http2SlowPeer(t *testing.T) {
	s := http2Server(t, engineio.Config{WriteTimeout: 200 * time.Millisecond, MaxBufferedBytes: 64 << 20})
	_, conn := s.openTunnel(direct)
	conn.open()
	x := next(t, s.sessions)
	if err := x.Send(make([]byte, 32<<20), true); err != nil {
		t.Fatal(err)
	}
	if got := next(t, s.closings); !errors.Is(got.cause, engineio.ErrSlowPeer) {
		t.Errorf("%+v", got)
	}
	if got := s.request("GET", handshake, ""); got.status != 200 {
		t.Error("the connection is not there any more")
	}
}

// A connection of HTTP/2 carries other requests too: one that is refused does not end it.
func TestHTTP2ConnectionStays(t *testing.T) {
	s := http2Server(t, engineio.Config{MaxPayload: 10, Admission: engineio.Admission{MaxSessions: 1}})
	q := s.polling()
	for _, c := range []struct {
		method, query, body string
		status              int
	}{
		{"POST", q, strings.Repeat("4", 11), 413},
		{"GET", handshake, "", 503},
		{"GET", "EIO=4&transport=x", "", 400},
		{"POST", q, "4hi", 200},
	} {
		reused := false
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
		r, err := http.NewRequestWithContext(ctx, c.method, s.url+"?"+c.query, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.do(r); err != nil || got.status != c.status || !reused {
			t.Errorf("%s %s: %+v, %v; on the same connection: %t", c.method, c.query, got, err, reused)
		}
	}
}

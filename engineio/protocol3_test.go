package engineio_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gosocketio/socketio/engineio"
)

// v3 starts a server that serves protocol 3 too.
func v3(t *testing.T, c engineio.Config) *server {
	t.Helper()
	c.AllowEIO3 = true
	return start(t, c)
}

// polling3 opens a polling session of protocol 3 and returns the query for its later requests.
func (s *server) polling3(query string) (q string) {
	s.Helper()
	got := s.request("GET", "transport=polling&"+query, "")
	length, packet, _ := strings.Cut(got.body, ":")
	if got.status != 200 || length != fmt.Sprint(len(packet)) {
		s.Fatalf("got %d %q", got.status, got.body)
	}
	return "transport=polling&" + query + "&sid=" + sid(s.T, packet[1:])
}

// post uploads a body of the given type.
func (s *server) post(q, contentType, body string) reply {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), "POST", s.url+"?"+q, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	got, err := s.do(r)
	if err != nil {
		s.Fatal(err)
	}
	return got
}

func (s *server) wantReply(got reply, status int, body string) {
	s.Helper()
	if got.status != status || got.body != body {
		s.Errorf("got %d %q, want %d %q", got.status, got.body, status, body)
	}
}

// Protocol 3 has to be allowed; everything but EIO=4 is taken for it.
func TestProtocol3IsRefusedByDefault(t *testing.T) {
	t.Attr("covers", "engine/server/handshake/30 easy/1 socketio/v2-compatibility/3")
	s := start(t, engineio.Config{})
	for _, q := range []string{"EIO=3&", "", "EIO=abc&", "EIO=5&"} {
		s.wantReply(s.request("GET", q+"transport=polling", ""), 400, `{"code":5,"message":"Unsupported protocol version"}`)
	}
	allowed := v3(t, engineio.Config{})
	for _, q := range []string{"EIO=3", "x=1", "EIO=abc"} {
		allowed.polling3(q)
		if x := next(t, allowed.sessions); x.Protocol() != 3 {
			t.Errorf("%s: protocol %d", q, x.Protocol())
		}
	}
}

func TestPolling3(t *testing.T) {
	t.Attr("covers", "suite/engine-v3/1 suite/engine-v3/2 suite/engine-v3/3 easy/18")
	s := v3(t, engineio.Config{})
	s.wantReply(s.request("GET", "EIO=3&transport=abc", ""), 400, `{"code":0,"message":"Transport unknown"}`)
	s.wantReply(s.request("POST", "EIO=3&transport=polling", ""), 400, `{"code":2,"message":"Bad handshake method"}`)
	t.Run("echo", func(t *testing.T) {
		t.Attr("covers", "suite/engine-v3/7 suite/engine-v3/8")
		q := s.polling3("EIO=3")
		s.wantReply(s.request("POST", q, "6:4hello"), 200, "ok")
		s.wantReply(s.request("GET", q, ""), 200, "6:4hello")
		s.wantReply(s.request("POST", q, "6:4test16:4test26:4t€st3"), 200, "ok")
		s.wantReply(s.request("GET", q, ""), 200, "6:4test16:4test26:4t€st3")
	})
	t.Run("base64", func(t *testing.T) {
		t.Attr("covers", "suite/engine-v3/9")
		q := s.polling3("EIO=3&b64=1")
		s.wantReply(s.request("POST", q, "6:4hello10:b4AQIDBA=="), 200, "ok")
		s.wantReply(s.request("GET", q, ""), 200, "6:4hello10:b4AQIDBA==")
	})
	t.Run("binary", func(t *testing.T) {
		t.Attr("covers", "suite/engine-v3/10")
		q := s.polling3("EIO=3")
		const binary = "\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04"
		s.wantReply(s.request("POST", q, "6:4hello10:b4AQIDBA=="), 200, "ok")
		got := s.request("GET", q, "")
		s.wantReply(got, 200, binary)
		if ct := got.header.Get("Content-Type"); ct != "application/octet-stream" {
			t.Errorf("Content-Type %q", ct)
		}
		s.wantReply(s.post(q, "application/octet-stream", binary), 200, "ok")
		s.wantReply(s.request("GET", q, ""), 200, binary)
	})
	t.Run("heartbeat", func(t *testing.T) {
		t.Attr("covers", "suite/engine-v3/16 easy/23")
		q := s.polling3("EIO=3")
		for range 3 {
			s.wantReply(s.request("POST", q, "1:2"), 200, "ok")
			s.wantReply(s.request("GET", q, ""), 200, "1:3")
		}
	})
	t.Run("parse error", func(t *testing.T) {
		t.Attr("covers", "suite/engine-v3/11")
		q := s.polling3("EIO=3")
		r, _ := http.NewRequest("POST", s.url+"?"+q, strings.NewReader("abc"))
		if _, err := s.do(r); err == nil {
			t.Error("the POST was answered")
		}
		s.wantReply(s.request("GET", q, ""), 400, `{"code":1,"message":"Session ID unknown"}`)
	})
	t.Run("close", func(t *testing.T) {
		t.Attr("covers", "suite/engine-v3/20")
		for range len(s.sessions) {
			<-s.sessions
		}
		q := s.polling3("EIO=3")
		x := next(t, s.sessions)
		parked := s.poll(q)
		s.parked(x)
		s.wantReply(s.request("POST", q, "1:16:4after"), 200, "ok")
		s.wantReply(next(t, parked), 200, "1:6")
		s.wantReply(s.request("GET", q, ""), 400, `{"code":1,"message":"Session ID unknown"}`)
	})
	t.Run("second GET", func(t *testing.T) {
		t.Attr("covers", "suite/engine-v3/12")
		for range len(s.sessions) {
			<-s.sessions
		}
		q := s.polling3("EIO=3")
		parked := s.poll(q)
		s.parked(next(t, s.sessions))
		s.wantReply(s.request("GET", q, ""), 400, "")
		s.wantReply(next(t, parked), 200, "1:1")
		s.wantReply(s.request("GET", q, ""), 400, `{"code":1,"message":"Session ID unknown"}`)
	})
	t.Run("closed by the server", func(t *testing.T) {
		q := s.polling3("EIO=3")
		x := next(t, s.sessions)
		x.Close()
		s.wantReply(s.request("GET", q, ""), 200, "1:61:1")
	})
	t.Run("limit", func(t *testing.T) {
		s := v3(t, engineio.Config{MaxPayload: 100})
		for _, kind := range []string{"text/plain", "application/octet-stream"} {
			for n, status := range map[int]int{100: 200, 101: 413, 100_000: 413} {
				q := s.polling3("EIO=3")
				body := map[int]string{100: "97:4", 101: "98:4", 100_000: "99994:4"}[n]
				if kind != "text/plain" {
					body = map[int]string{100: "\x00\x09\x06\xff4", 101: "\x00\x09\x07\xff4", 100_000: "\x00\x09\x09\x09\x09\x03\xff4"}[n]
				}
				body += strings.Repeat("x", n-len(body))
				if got := s.post(q, kind, body); got.status != status {
					t.Errorf("%s, %d bytes: %d", kind, n, got.status)
				}
			}
		}
	})
}

func TestWebSocket3(t *testing.T) {
	s := v3(t, engineio.Config{})
	t.Run("echo", func(t *testing.T) {
		t.Attr("covers", "suite/engine-v3/4 suite/engine-v3/13 suite/engine-v3/14 suite/engine-v3/18")
		c := s.dial("EIO=3&transport=websocket")
		c.open()
		c.send("4hello")
		c.want("4hello")
		if err := wsutil.WriteClientBinary(c.Conn, []byte{4, 1, 2, 3, 4}); err != nil {
			t.Fatal(err)
		}
		if got, op, err := c.read(); got != "\x04\x01\x02\x03\x04" || op != ws.OpBinary || err != nil {
			t.Errorf("got %q, %v, %v", got, op, err)
		}
		c.send("b4AQIDBA==")
		if got, op, err := c.read(); got != "\x04\x01\x02\x03\x04" || op != ws.OpBinary || err != nil {
			t.Errorf("got %q, %v, %v", got, op, err)
		}
		for range 3 {
			c.send("2")
			c.want("3")
		}
		if err := wsutil.WriteClientBinary(c.Conn, []byte{9}); err != nil {
			t.Fatal(err)
		}
		c.wantEnd()
	})
	t.Run("base64", func(t *testing.T) {
		for version, want := range map[string]string{"3": "b4AQIDBA==", "4": "bAQIDBA=="} {
			c := s.dial("transport=websocket&b64=1&EIO=" + version)
			c.open()
			c.send(want)
			c.want(want)
		}
	})
	t.Run("rules", func(t *testing.T) {
		t.Attr("covers", "suite/engine-v3/6 suite/engine-v3/15 suite/engine-v3/21")
		if _, err := s.tryDial("EIO=3&transport=abc"); err == nil {
			t.Error("the transport abc was accepted")
		}
		for _, packet := range []string{"abc", "1", "3"} { // 3: only the server sends pongs
			c := s.dial("EIO=3&transport=websocket")
			c.open()
			c.send(packet)
			c.wantEnd()
		}
	})
	t.Run("mixed with protocol 4", func(t *testing.T) {
		t.Attr("covers", "later/2")
		q := s.polling3("EIO=3")
		four := strings.Replace(q, "EIO=3", "EIO=4", 1)
		s.wantReply(s.request("GET", four, ""), 400, `{"code":3,"message":"Bad request"}`)
		if _, err := s.tryDial(strings.Replace(four, "polling", "websocket", 1)); err == nil {
			t.Error("the upgrade was accepted")
		}
	})
	t.Run("limit", func(t *testing.T) {
		s := v3(t, engineio.Config{MaxPayload: 100})
		for n, ok := range map[int]bool{100: true, 101: false, 100_000: false} {
			c := s.dial("EIO=3&transport=websocket")
			c.open()
			data := append([]byte{4}, make([]byte, n-1)...)
			_ = wsutil.WriteClientBinary(c.Conn, data)
			if ok {
				if got, _, err := c.read(); got != string(data) {
					t.Errorf("%q, %v", got, err)
				}
			} else if code := c.wantEnd(); code != ws.StatusMessageTooBig {
				t.Errorf("%d bytes: close code %d", n, code)
			}
		}
	})
}

func TestUpgrade3(t *testing.T) {
	t.Attr("covers", "suite/engine-v3/22 suite/engine-v3/23 suite/engine-v3/24")
	s := v3(t, engineio.Config{})
	q := s.polling3("EIO=3")
	x := next(t, s.sessions)
	up := strings.Replace(q, "polling", "websocket", 1)
	c := s.dial(up)
	c.send("2probe")
	c.want("3probe")
	parked := s.poll(q)
	s.wantReply(next(t, parked), 200, "1:6")
	c.send("5")
	c.send("4hello")
	c.want("4hello")
	c.send("2")
	c.want("3")
	if x.Transport() != engineio.WebSocket {
		t.Errorf("transport %s", x.Transport())
	}
	s.wantReply(s.request("GET", q, ""), 400, `{"code":3,"message":"Bad request"}`)
	s.dial(up).wantEnd()
	c.send("4still")
	c.want("4still")
}

// The client's pings keep a session alive, and nothing else does; the deadline outlives an upgrade.
func TestHeartbeat3(t *testing.T) {
	t.Attr("covers", "suite/engine-v3/17 suite/engine-v3/19 easy/24")
	s := v3(t, engineio.Config{PingInterval: 50 * time.Millisecond, PingTimeout: time.Second}) // time to upgrade
	q := s.polling3("EIO=3")
	c := s.dial("EIO=3&transport=websocket")
	c.open()
	up := s.polling3("EIO=3")
	moved := s.dial(strings.Replace(up, "polling", "websocket", 1))
	moved.send("2probe")
	moved.want("3probe")
	moved.send("5")
	c.wantEnd()
	moved.wantEnd()
	for range 3 {
		if got := next(t, s.closings); got.reason != engineio.ReasonPingTimeout {
			t.Errorf("closed with %+v", got)
		}
	}
	s.wantReply(s.request("POST", q, "1:2"), 400, `{"code":1,"message":"Session ID unknown"}`)
}

func TestInitialPacket3(t *testing.T) {
	s := v3(t, engineio.Config{InitialPacket: "€"})
	if got := s.request("GET", "EIO=3&transport=polling", ""); !strings.HasSuffix(got.body, "2:4€") {
		t.Errorf("got %q", got.body)
	}
}

// Text in the binary form that is no UTF-8 would reach handlers, and others, as it is.
func TestBinary3TextMustBeUTF8(t *testing.T) {
	s := v3(t, engineio.Config{})
	q := s.polling3("EIO=3")
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"?"+q, strings.NewReader("\x00\x03\xff4\xff\xfe"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/octet-stream")
	if got, err := s.do(r); err == nil {
		t.Errorf("answered %+v", got)
	}
	if got := next(t, s.closings); got.reason != engineio.ReasonParseError {
		t.Errorf("closed with %+v", got)
	}
}

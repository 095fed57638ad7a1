package webtransport_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/gosocketio/socketio/engineio"
)

func TestDirect(t *testing.T) {
	t.Attr("covers", "engine/webtransport/1")
	s := start(t, engineio.Config{})
	c := s.dial()
	c.open("0")
	if b := c.raw(108); b[0] != 107 || !strings.HasPrefix(string(b[1:]), `0{"sid":"`) || !strings.Contains(string(b), `"upgrades":[]`) {
		t.Errorf("opened with %q", b)
	}
	x := next(t, s.sessions)
	if got := x.Transport().String(); got != "webtransport" {
		t.Errorf("transport %q", got)
	}
	if h := x.Handshake(); h.URL != engineio.DefaultPath || !h.Secure || !h.ClientIP().IsLoopback() {
		t.Errorf("handshake %+v", h)
	}
	if got := s.engine.Stats(); got.WebTransport != 1 {
		t.Errorf("%+v", got)
	}
}

func TestMessages(t *testing.T) {
	s := start(t, engineio.Config{})
	c, x := s.direct()
	t.Run("text from the client", func(t *testing.T) {
		t.Attr("covers", "engine/webtransport/12")
		c.write([]byte("\x064hello"))
		if got := next(t, s.messages); got != (message{"hello", false}) {
			t.Errorf("%+v", got)
		}
	})
	t.Run("text from the server", func(t *testing.T) {
		t.Attr("covers", "engine/webtransport/13")
		if err := x.Send([]byte("hello"), false); err != nil {
			t.Fatal(err)
		}
		if got := c.raw(7); string(got) != "\x064hello" {
			t.Errorf("%q", got)
		}
	})
	t.Run("large", func(t *testing.T) {
		large := strings.Repeat("large ", 3<<20)
		for _, binary := range []bool{false, true} {
			if err := x.Send([]byte(large), binary); err != nil {
				t.Fatal(err)
			}
		}
		c.want("4"+large, "binary "+large)
	})
	t.Run("binary from the client", func(t *testing.T) {
		t.Attr("covers", "engine/webtransport/15")
		c.write([]byte{0x83, 1, 2, 3})
		if got := next(t, s.messages); got != (message{"\x01\x02\x03", true}) {
			t.Errorf("%+v", got)
		}
	})
	t.Run("binary from the server", func(t *testing.T) {
		t.Attr("covers", "engine/webtransport/16")
		if err := x.Send([]byte{1, 2, 3}, true); err != nil {
			t.Fatal(err)
		}
		if got := c.raw(4); !bytes.Equal(got, []byte{0x83, 1, 2, 3}) {
			t.Errorf("%x", got)
		}
	})
	million := bytes.Repeat([]byte("a"), 1_000_000)
	head := []byte{0xff, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40}
	t.Run("a million bytes from the client", func(t *testing.T) {
		t.Attr("covers", "engine/webtransport/17")
		c.write(head)
		c.write(million)
		if got := next(t, s.messages); got != (message{string(million), true}) {
			t.Errorf("%d bytes, binary: %v", len(got.data), got.binary)
		}
	})
	t.Run("a million bytes from the server", func(t *testing.T) {
		t.Attr("covers", "engine/webtransport/18")
		if err := x.Send(million, true); err != nil {
			t.Fatal(err)
		}
		if got := c.raw(9); !bytes.Equal(got, head) {
			t.Errorf("header %x", got)
		}
		if got := c.raw(len(million)); !bytes.Equal(got, million) {
			t.Error("the bytes differ")
		}
	})
}

func TestHeartbeat(t *testing.T) {
	t.Run("five rounds", func(t *testing.T) {
		t.Attr("covers", "engine/webtransport/8")
		s := start(t, engineio.Config{PingInterval: 20 * time.Millisecond, PingTimeout: patience})
		c, _ := s.direct()
		for range 5 {
			c.want("2")
			c.send("3")
		}
	})
	t.Run("no pong", func(t *testing.T) {
		t.Attr("covers", "engine/webtransport/9")
		s := start(t, engineio.Config{PingInterval: 20 * time.Millisecond, PingTimeout: 500 * time.Millisecond})
		c, _ := s.direct()
		_ = s.wantClosing(engineio.ReasonPingTimeout)
		c.wantClosed()
	})
}

func TestClose(t *testing.T) {
	t.Run("by the server", func(t *testing.T) {
		t.Attr("covers", "engine/webtransport/10")
		s := start(t, engineio.Config{})
		c, _ := s.direct()
		if err := s.engine.Shutdown(s.context()); err != nil {
			t.Error(err)
		}
		_ = s.wantClosing(engineio.ReasonForcedClose)
		c.wantClosed()
	})
	t.Run("by the client", func(t *testing.T) {
		t.Attr("covers", "engine/webtransport/11")
		s := start(t, engineio.Config{})
		c, _ := s.direct()
		_ = c.session.CloseWithError(0, "")
		_ = s.wantClosing(engineio.ReasonTransportClose)
	})
	t.Run("the stream only", func(t *testing.T) {
		s := start(t, engineio.Config{})
		c, _ := s.direct()
		if err := c.stream.Close(); err != nil {
			t.Fatal(err)
		}
		_ = s.wantClosing(engineio.ReasonTransportClose)
		c.wantClosed()
	})
	// What was sent before Close arrives, though the end of a session drops what is on its way.
	t.Run("after a large message", func(t *testing.T) {
		s := start(t, engineio.Config{})
		c, x := s.direct()
		large := strings.Repeat("x", 900_000)
		if err := x.Send([]byte(large), false); err != nil {
			t.Fatal(err)
		}
		x.Close()
		c.want("4"+large, "2")
		c.send("3")
		c.wantClosed()
		_ = s.wantClosing(engineio.ReasonForcedClose)
	})
}

func TestGreeting(t *testing.T) {
	t.Run("no stream", func(t *testing.T) {
		t.Attr("covers", "engine/webtransport/3")
		s := start(t, engineio.Config{UpgradeTimeout: 500 * time.Millisecond}) // time to dial
		s.dial().wantClosed()
	})
	for _, c := range []struct{ name, covers, packet string }{
		{"a message", "engine/webtransport/4", "4test"},
		{"an unknown session", "engine/webtransport/5", `0{"sid":"abcde"}`},
		{"__proto__", "engine/webtransport/6", `0{"sid":"__proto__"}`},
		{"bad JSON", "", `0{"sid"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.covers != "" {
				t.Attr("covers", c.covers)
			}
			s := start(t, engineio.Config{})
			x := s.dial()
			x.open(c.packet)
			x.wantClosed()
			if n := s.engine.Sessions(); n != 0 {
				t.Errorf("%d sessions", n)
			}
		})
	}
}

// h3 returns a client for HTTP/3 requests.
func (s *server) h3() *http.Client {
	transport := &http3.Transport{TLSClientConfig: s.tls()}
	s.Cleanup(func() { _ = transport.Close() })
	return &http.Client{Transport: transport, Timeout: patience}
}

func TestUpgrade(t *testing.T) {
	t.Attr("covers", "engine/webtransport/2")
	told := make(chan engineio.Transport, 2)
	tell := func(_ *engineio.Session, to engineio.Transport) { told <- to }
	s := start(t, engineio.Config{
		Transports: []engineio.Transport{engineio.Polling, engineio.WebSocket, engineio.WebTransport},
		Events:     engineio.Events{Upgrading: tell, Upgrade: tell},
	})
	polling := s.h3() // polling over HTTP/3 is served as well
	get := func(query string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(s.context(), http.MethodGet, "https://"+s.addr+engineio.DefaultPath+"?EIO=4&transport=polling"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := polling.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var b bytes.Buffer
		if _, err := b.ReadFrom(res.Body); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	first := get("")
	if !strings.Contains(first, `"upgrades":["websocket","webtransport"]`) {
		t.Errorf("opened with %q", first)
	}
	x := next(t, s.sessions)
	c := s.dial()
	c.open(`0{"sid":"` + x.ID() + `"}`)
	c.send("2probe")
	c.want("3probe")
	if to := next(t, told); to != engineio.WebTransport {
		t.Errorf("upgrading to %v", to)
	}
	if got := get("&sid=" + x.ID()); got != "6" {
		t.Errorf("GET %q", got)
	}
	c.send("5")
	if to := next(t, told); to != engineio.WebTransport || x.Transport() != engineio.WebTransport {
		t.Errorf("upgraded to %v", to)
	}
	c.send("4one")
	if got := next(t, s.messages); got.data != "one" {
		t.Errorf("%+v", got)
	}
	if err := x.Send([]byte("two"), false); err != nil {
		t.Fatal(err)
	}
	c.want("4two")
}

func TestRequests(t *testing.T) {
	refuse := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Cookie") == "" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(struct{ http.ResponseWriter }{w}, r) // as logging middleware wraps it
		})
	}
	s := start(t, engineio.Config{Middleware: []func(http.Handler) http.Handler{refuse}})
	for _, c := range []struct {
		name, path string
		header     http.Header
		status     int
	}{
		{"refused by middleware", engineio.DefaultPath, nil, http.StatusUnauthorized},
		{"taken by middleware", engineio.DefaultPath, http.Header{"Cookie": {"a=b"}}, http.StatusOK},
		{"foreign origin", engineio.DefaultPath, http.Header{"Cookie": {"a=b"}, "Origin": {"https://evil.test"}}, http.StatusForbidden},
		{"own origin", engineio.DefaultPath, http.Header{"Cookie": {"a=b"}, "Origin": {"https://" + s.addr}}, http.StatusOK},
		{"elsewhere", "/elsewhere", nil, http.StatusTeapot},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, session, err := s.tryDial(c.path, c.header)
			if status != c.status || (err == nil) != (c.status == http.StatusOK) {
				t.Fatalf("status %d, %v", status, err)
			}
			if session == nil {
				return
			}
			x := &client{TB: t, session: session}
			x.open("0")
			x.handshake()
			next(t, s.sessions)
		})
	}
}

package engineio_test

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/engineio"
)

// Each refusal of behaviour 1.4, and each pair of reasons in the official order.
func TestRefusals(t *testing.T) {
	t.Attr("covers", "easy/2 easy/3 easy/5 engine/server/verification/1 engine/server/verification/2 engine/server/verification/3 engine/server/verification/4 engine/server/verification/9 engine/server/handshake/24 engine/server/handshake/29 engine/server/handshake/30 engine/engine.io/8")
	refused := make(chan *engineio.ConnectionError, 1)
	s := start(t, engineio.Config{
		Events: engineio.Events{ConnectionError: func(e *engineio.ConnectionError) { refused <- e }},
		AllowRequest: func(r *http.Request) error {
			if r.Header.Get("X-No") != "" {
				return errors.New("Thou shall not pass")
			}
			return nil
		},
	})
	q := s.polling()
	for _, c := range []struct {
		name, method, query, header string
		status, code                int
		body, key, value            string
	}{
		{"no query", "GET", "", "", 400, 0, "Transport unknown", "transport", ""},
		{"unknown transport", "GET", "EIO=4&transport=tobi", "", 400, 0, "Transport unknown", "transport", "tobi"},
		{"constructor", "GET", "EIO=4&transport=constructor", "", 400, 0, "Transport unknown", "transport", "constructor"},
		{"__proto__", "GET", "EIO=4&transport=__proto__", "", 400, 0, "Transport unknown", "transport", "__proto__"},
		{"case", "GET", "EIO=4&transport=Polling", "", 400, 0, "Transport unknown", "transport", "Polling"},
		{"webtransport", "GET", "EIO=4&transport=webtransport", "", 400, 0, "Transport unknown", "transport", "webtransport"},
		{"unknown sid", "GET", "EIO=4&transport=polling&sid=__proto__", "", 400, 1, "Session ID unknown", "sid", "__proto__"},
		{"transport before sid", "GET", "transport=x&sid=y", "", 400, 0, "Transport unknown", "transport", "x"},
		{"origin before sid", "GET", "transport=polling&sid=y", "Origin: http://evil.test", 403, 4, `Origin \"http://evil.test\" is not allowed: the server's log says why`, "origin", "http://evil.test"},
		{"transport before origin", "GET", "transport=x", "Origin: http://evil.test", 400, 0, "Transport unknown", "transport", "x"},
		{"sid before method", "PUT", "transport=polling&sid=y", "", 400, 1, "Session ID unknown", "sid", "y"},
		{"method before websocket", "POST", "transport=websocket", "", 400, 2, "Bad handshake method", "method", "POST"},
		{"POST", "POST", "EIO=4&transport=polling", "", 400, 2, "Bad handshake method", "method", "POST"},
		{"OPTIONS", "OPTIONS", "EIO=4&transport=polling", "", 400, 2, "Bad handshake method", "method", "OPTIONS"},
		{"method before allowRequest", "PUT", "EIO=4&transport=polling", "X-No: 1", 400, 2, "Bad handshake method", "method", "PUT"},
		{"websocket without upgrade", "GET", "EIO=4&transport=websocket", "X-No: 1", 400, 3, "Bad request", "name", "TRANSPORT_HANDSHAKE_ERROR"},
		{"allowRequest before version", "GET", "EIO=3&transport=polling", "X-No: 1", 403, 4, "Thou shall not pass", "message", "Thou shall not pass"},
		{"version 3", "GET", "EIO=3&transport=polling", "", 400, 5, "Unsupported protocol version", "", ""},
		{"no version", "GET", "transport=polling", "", 400, 5, "Unsupported protocol version", "", ""},
		{"last duplicate wins", "GET", "EIO=4&EIO=abc&transport=polling", "", 400, 5, "Unsupported protocol version", "", ""},
		{"mismatch", "GET", strings.Replace(q, "polling", "websocket", 1), "", 400, 3, "Bad request", "name", "TRANSPORT_MISMATCH"},
		{"other version", "GET", strings.Replace(q, "EIO=4", "EIO=3", 1), "", 400, 3, "Bad request", "name", "PROTOCOL_MISMATCH"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), c.method, s.url+"?"+c.query, nil)
			if err != nil {
				t.Fatal(err)
			}
			if k, v, ok := strings.Cut(c.header, ": "); ok {
				r.Header.Set(k, v)
			}
			got, err := s.do(r)
			want := `{"code":` + string(rune('0'+c.code)) + `,"message":"` + c.body + `"}`
			if err != nil || got.status != c.status || got.body != want || got.header.Get("Content-Type") != "application/json" {
				t.Errorf("got %+v, %v; want %d %s", got, err, c.status, want)
			}
			e := next(t, refused)
			if official := [...]string{"Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request", "Forbidden", "Unsupported protocol version"}[c.code]; e.Code != c.code || e.Message != official {
				t.Errorf("event has code %d and message %q, want %d and %q", e.Code, e.Message, c.code, official)
			}
			switch c.name {
			case "mismatch":
				if e.Context["transport"] != "websocket" || e.Context["previousTransport"] != "polling" {
					t.Errorf("event's context is %v", e.Context)
				}
			case "version 3":
				if e.Context["protocol"] != 3 {
					t.Errorf("event's context is %v", e.Context)
				}
			}
			if v, _ := e.Context[c.key].(string); v != c.value {
				t.Errorf("event's %s is %q, want %q", c.key, v, c.value)
			}
		})
	}
	if got := s.request("POST", q, "4x"); got.body != "ok" {
		t.Errorf("the session did not survive: %+v", got)
	}
}

func TestUpgradeRefusals(t *testing.T) {
	t.Attr("covers", "easy/2 engine/server/verification/5 engine/server/verification/10")
	refused := make(chan *engineio.ConnectionError, 100)
	s := start(t, engineio.Config{Events: engineio.Events{ConnectionError: func(e *engineio.ConnectionError) { refused <- e }}, AllowRequest: func(r *http.Request) error {
		if r.URL.Query().Get("no") != "" {
			return errors.New("not you")
		}
		return nil
	}})
	good := map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-Websocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-Websocket-Version": "13",
	}
	const direct = "EIO=4&transport=websocket"
	for _, c := range []struct {
		name, method, query, key, value string
		status                          int
		body                            string
	}{
		{"unknown transport", "GET", "EIO=4&transport=x", "", "", 400, "Transport unknown"},
		{"__proto__", "GET", "EIO=4&transport=__proto__", "", "", 400, "Transport unknown"},
		{"unknown sid", "GET", direct + "&sid=x", "", "", 400, "Session ID unknown"},
		{"version", "GET", "EIO=2&transport=websocket", "", "", 400, "Unsupported protocol version"},
		{"allowRequest", "GET", direct + "&no=1", "", "", 400, "not you"},
		{"origin", "GET", direct, "Origin", "https://evil.test", 400, `Origin "https://evil.test" is not allowed: the server's log says why`},
		{"other protocol", "GET", direct, "Upgrade", "h2c", 400, "Invalid Upgrade header"},
		{"key", "GET", direct, "Sec-Websocket-Key", "short", 400, "Missing or invalid Sec-WebSocket-Key header"},
		{"ws version", "GET", direct, "Sec-Websocket-Version", "12", 400, "Missing or invalid Sec-WebSocket-Version header"},
		{"subprotocol", "GET", direct, "Sec-Websocket-Protocol", "a b", 400, "Invalid Sec-WebSocket-Protocol header"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), c.method, s.url+"?"+c.query, nil)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range good {
				r.Header.Set(k, v)
			}
			if c.key != "" {
				r.Header.Set(c.key, c.value)
			}
			got, err := s.do(r)
			if err != nil || got.status != c.status || got.body != c.body {
				t.Errorf("got %+v, %v; want %d %q", got, err, c.status, c.body)
			}
			if c.status == 400 && !strings.HasPrefix(c.body, "Invalid") && !strings.HasPrefix(c.body, "Missing") { // of the engine, not of WebSocket
				e := next(t, refused)
				if c.name == "__proto__" && (e.Code != engineio.CodeUnknownTransport || e.Context["transport"] != "__proto__") {
					t.Errorf("event %+v", e)
				}
			}
		})
	}
	if n := s.engine.Sessions(); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

// brokenConn is a ResponseWriter whose connection is gone by the time it is taken over.
type brokenConn struct {
	http.ResponseWriter
	written bool
}

func (b *brokenConn) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	server, client := net.Pipe()
	_ = client.Close()
	return server, bufio.NewReadWriter(bufio.NewReader(server), bufio.NewWriter(server)), nil
}

func (b *brokenConn) WriteHeader(int) { b.written = true }

// A connection that breaks during the handshake leaves nothing behind, and nobody tries to answer on it.
func TestConnectionBreaksDuringHandshake(t *testing.T) {
	s := start(t, engineio.Config{})
	q := s.polling()
	next(t, s.sessions)
	for _, query := range []string{direct, strings.Replace(q, "polling", "websocket", 1)} {
		r := httptest.NewRequest("GET", engineio.DefaultPath+"?"+query, nil)
		for k, v := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket",
			"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13",
		} {
			r.Header.Set(k, v)
		}
		w := &brokenConn{ResponseWriter: httptest.NewRecorder()}
		s.engine.ServeHTTP(w, r)
		if w.written {
			t.Errorf("%s: a response was written to a connection that had been taken over", query)
		}
	}
	if n := s.engine.Sessions(); n != 1 {
		t.Errorf("%d sessions, want the polling one", n)
	}
	if got := s.request("POST", q, "4x"); got.body != "ok" {
		t.Errorf("the polling session did not survive: %+v", got)
	}
}

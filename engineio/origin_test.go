package engineio_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/engineio"
)

// page sends a request with a Host of its own.
func (s *server) page(query, host string, header ...string) reply {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.url+"?"+query, nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Host = host
	for _, h := range header {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Add(k, v)
	}
	got, err := s.do(r)
	if err != nil {
		s.Fatal(err)
	}
	return got
}

// The same pages are served over polling and WebSocket; package internal/origin tests the rules one
// by one.
func TestOrigins(t *testing.T) {
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	for _, c := range []struct {
		name   string
		config engineio.Config
		host   string
		header string // several are separated by newlines
		served bool
	}{
		{"own page", engineio.Config{}, "example.com:443", "Origin: https://example.com", true},
		{"another port", engineio.Config{}, "example.com", "Origin: http://example.com:8080", false},
		{"another page", engineio.Config{}, "example.com", "Origin: https://evil.test", false},
		{"no scheme", engineio.Config{}, "x", "Origin: //x", false},
		{"user", engineio.Config{}, "x", "Origin: http://u@x", false},
		{"path", engineio.Config{}, "x", "Origin: http://x/evil", false},
		{"path, all allowed", engineio.Config{CORS: engineio.CORS{Origins: []string{"*"}}}, "x",
			"Origin: http://x/evil", false},
		{"here", engineio.Config{}, "127.0.0.1:3000", "Origin: http://localhost:5173", true},
		{"here, rebound", engineio.Config{}, "evil.test", "Origin: http://localhost:5173", false},
		{"here, for somebody elsewhere", engineio.Config{}, "127.0.0.1:3000",
			"Origin: http://localhost:5173\nX-Forwarded-For: 192.0.2.1", false},
		{"hidden host", engineio.Config{}, "127.0.0.1:3000", "Origin: https://example.com", false},
		{"hidden host, nobody trusted", engineio.Config{}, "127.0.0.1:3000",
			"Origin: https://example.com\nX-Forwarded-Host: example.com", false},
		{"hidden host, trusted proxy", engineio.Config{TrustedProxies: local}, "127.0.0.1:3000",
			"Origin: https://example.com\nX-Forwarded-Host: example.com", true},
		{"hidden host, Forwarded", engineio.Config{TrustedProxies: local}, "127.0.0.1:3000",
			"Origin: https://example.com\nForwarded: for=192.0.2.1;host=example.com", true},
		{"hidden host, the browser knows", engineio.Config{}, "127.0.0.1:3000",
			"Origin: https://example.com\nSec-Fetch-Site: same-origin", true},
		{"script of another page", engineio.Config{}, "example.com", "Sec-Fetch-Site: cross-site", false},
		{"script, all allowed", engineio.Config{CORS: engineio.CORS{Origins: []string{"*"}}}, "example.com",
			"Sec-Fetch-Site: cross-site", true},
		{"app", engineio.Config{CORS: engineio.CORS{Origins: []string{"capacitor://localhost"}}},
			"example.com", "Origin: capacitor://localhost", true},
		{"local file", engineio.Config{CORS: engineio.CORS{Origins: []string{"null", "file://"}}},
			"example.com", "Origin: null", true},
		{"local file of another browser", engineio.Config{CORS: engineio.CORS{Origins: []string{"null",
			"file://"}}}, "example.com", "Origin: file://", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, c.config)
			header := strings.Split(c.header, "\n")
			status := map[bool]int{true: 200, false: 403}[c.served]
			if got := s.page(handshake, c.host, header...); got.status != status {
				t.Errorf("polling: %+v, want %d", got, status)
			}
			status = map[bool]int{true: 101, false: 400}[c.served]
			if got, _ := s.upgradeAt(c.host, direct, header...); got.status != status {
				t.Errorf("WebSocket: %+v, want %d", got, status)
			}
		})
	}
}

// A refusal tells an operator what to change.
func TestRefusedOriginTellsWhatToChange(t *testing.T) {
	refused := make(chan *engineio.ConnectionError, 1)
	s := start(t, engineio.Config{Events: engineio.Events{
		ConnectionError: func(e *engineio.ConnectionError) { refused <- e },
	}})
	s.page(handshake, "127.0.0.1:3000", "Origin: https://example.com", "X-Forwarded-Host: example.com")
	got := next(t, refused).Context
	for key, want := range map[string]string{
		"origin": "https://example.com", "host": "127.0.0.1:3000", "rule": "foreign origin",
		"field":   "Config.TrustedProxies",
		"message": `Origin "https://example.com" is not allowed: the server's log says why`,
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	remedy, _ := got["remedy"].(string)
	if !strings.Contains(remedy, "add the proxy's address 127.0.0.1 to Config.TrustedProxies") {
		t.Errorf("the remedy is %q", remedy)
	}
}

// A page of this machine may read what it is answered, on whatever port it is; its own page needs
// no header for that.
func TestPageOfThisMachineMayRead(t *testing.T) {
	s := start(t, engineio.Config{})
	own := strings.TrimSuffix(s.url, engineio.DefaultPath)
	host := strings.TrimPrefix(own, "http://")
	const local = "http://localhost:5173"
	for origin, want := range map[string]string{local: local, own: "", "https://evil.test": ""} {
		if got := s.page(handshake, host, "Origin: "+origin); got.header.Get("Access-Control-Allow-Origin") != want {
			t.Errorf("%s: %v", origin, got.header)
		}
	}
	const ask = "Access-Control-Request-Headers: x-token"
	if got := s.with("OPTIONS", handshake, "Origin: "+local, ask); got.status != 204 ||
		got.header.Get("Access-Control-Allow-Headers") != "x-token" {
		t.Errorf("preflight: %+v", got)
	}
	if got := s.with("OPTIONS", handshake, "Origin: https://evil.test", ask); got.status != 403 {
		t.Errorf("preflight of another page: %+v", got)
	}
}

// Behind a proxy that hides the Host, a browser that calls a page same-origin over polling does not
// say it of a WebSocket.
func TestUpgradeOfASessionOpenedSameOrigin(t *testing.T) {
	s := start(t, engineio.Config{})
	upgrade := func(sid, origin string) int {
		got, _ := s.upgradeAt("127.0.0.1:3000", direct+"&sid="+sid, "Origin: "+origin)
		return got.status
	}
	open := func(header string) string {
		return sid(t, s.page(handshake, "127.0.0.1:3000", header).body[1:])
	}
	if got := upgrade(open("Sec-Fetch-Site: same-origin"), "https://example.com"); got != 101 {
		t.Errorf("status %d", got)
	}
	for id, origin := range map[string]string{
		open("X-Not-A-Browser: 1"):          "https://example.com",
		"unknown":                           "https://example.com",
		"":                                  "https://example.com",
		open("Sec-Fetch-Site: same-origin"): "https://example.com/",
	} {
		if got := upgrade(id, origin); got != 400 {
			t.Errorf("session %q, origin %s: status %d", id, origin, got)
		}
	}
}

// A foreign page that loads polls as scripts gets nothing of its visitor's session.
func TestForeignScripts(t *testing.T) {
	s := v3(t, engineio.Config{CORS: engineio.CORS{Origins: []string{"https://friend.test"}}})
	const policy = "Cross-Origin-Resource-Policy"
	for _, query := range []string{"EIO=3&transport=polling&j=0", "EIO=4&transport=polling&%6A=0"} {
		for header, want := range map[string]int{
			"Sec-Fetch-Site: cross-site":                                  403,
			"Sec-Fetch-Site: cross-site\nReferer: https://evil.test/":     403,
			"Sec-Fetch-Site: same-site\nReferer: https://a.example.com/":  403,
			"Referer: https://evil.test/page":                             403,
			"Referer: https://example.com/page":                           200,
			"Referer: https://friend.test/":                               200,
			"Sec-Fetch-Site: cross-site\nReferer: https://friend.test/":   200,
			"Sec-Fetch-Site: same-origin\nReferer: https://example.com/x": 200,
		} {
			got := s.page(query, "example.com", strings.Split(header, "\n")...)
			if got.status != want || got.header.Get(policy) != "" {
				t.Errorf("%s, %q: %+v, want %d", query, header, got, want)
			}
		}
		if got := s.page(query, "example.com"); got.status != 200 || got.header.Get(policy) != "same-origin" {
			t.Errorf("%s: a page that hides itself can read %+v", query, got)
		}
	}
	if got := s.page(handshake, "example.com"); got.header.Get(policy) != "" {
		t.Errorf("no script: %v", got.header)
	}
}

// A proxy on a Unix socket is trusted as one at 127.0.0.1 is.
func TestTrustedProxyOnUnixSocket(t *testing.T) {
	s := start(t, engineio.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	listener, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s.engine}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	s.client = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", listener.Addr().String())
		},
	}}
	forwarded := []string{"Origin: https://example.com", "X-Forwarded-Host: example.com", "X-Forwarded-For: 192.0.2.1"}
	if got := s.page(handshake, "localhost", forwarded...); got.status != 200 {
		t.Fatalf("%+v", got)
	}
	if got := next(t, s.sessions).Handshake().ClientIP(); got != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("the client is %v", got)
	}
}

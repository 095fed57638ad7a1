package engineio_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// dialDeflate opens a WebSocket that may be sent compressed messages.
func (s *server) dialDeflate(q string) *socket {
	s.Helper()
	got, conn := s.upgradeWith(q, "Sec-WebSocket-Extensions: "+offer)
	if got.status != 101 || got.header.Get("Sec-WebSocket-Extensions") != accepted {
		s.Fatalf("status %d, headers %v", got.status, got.header)
	}
	return conn
}

// upgradeWith sends an upgrade request with more headers. The connection means something when the status is 101.
func (s *server) upgradeWith(q string, header ...string) (reply, *socket) {
	s.Helper()
	return s.upgradeAt("x", q, header...)
}

// upgradeAt is upgradeWith for a Host.
func (s *server) upgradeAt(host, q string, header ...string) (reply, *socket) {
	s.Helper()
	conn, err := net.Dial("tcp", strings.Split(s.url, "/")[2])
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = conn.Close() })
	c := wrap(s.T, conn, nil)
	c.raw([]byte("GET " + engineio.DefaultPath + "?" + q + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + strings.Join(append(header[:len(header):len(header)], "\r\n"), "\r\n")))
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	got := reply{status: res.StatusCode, header: res.Header}
	if res.StatusCode != http.StatusSwitchingProtocols {
		b, err := io.ReadAll(res.Body)
		if err != nil {
			s.Fatal(err)
		}
		got.body = string(b)
	}
	return got, c
}

// What a client offers is accepted or declined as RFC 7692 says, and never worth more than one look at the header.
func TestDeflateNegotiation(t *testing.T) {
	t.Attr("covers", "abuse/GHSA-5v72-xg48-5rpm")
	const bad = "400"
	for offer, want := range map[string]string{
		"permessage-deflate": accepted,
		offer:                accepted,
		"permessage-deflate;client_no_context_takeover ; server_no_context_takeover": accepted,
		"permessage-deflate; client_max_window_bits=10":                              accepted,
		`permessage-deflate; client_max_window_bits="15"`:                            accepted,
		"permessage-deflate; server_max_window_bits=15, permessage-deflate":          accepted + "; server_max_window_bits=15",
		"permessage-deflate, permessage-deflate; server_max_window_bits=15":          accepted,
		"permessage-deflate; server_max_window_bits=15":                              accepted + "; server_max_window_bits=15", // RFC 7692, section 7.1.2.1
		"x-webkit-deflate-frame, permessage-deflate":                                 accepted,
		"permessage-deflate; server_max_window_bits=9, permessage-deflate":           accepted,
		"x; y=1; z, permessage-deflate; unknown, permessage-deflate":                 accepted,

		"x-webkit-deflate-frame":                                                              "",
		"permessage-deflate; server_max_window_bits=9":                                        "", // ours are compressed once for everybody
		"permessage-deflate; server_max_window_bits":                                          "",
		"permessage-deflate; server_max_window_bits=16":                                       "",
		"permessage-deflate; server_max_window_bits=015":                                      "",
		"permessage-deflate; client_max_window_bits=7":                                        "",
		"permessage-deflate; client_max_window_bits=16":                                       "",
		"permessage-deflate; client_max_window_bits=1e1":                                      "",
		"permessage-deflate; client_no_context_takeover=1":                                    "",
		"permessage-deflate; server_no_context_takeover=true":                                 "",
		"permessage-deflate; client_no_context_takeover; client_no_context_takeover":          "",
		"permessage-deflate; client_max_window_bits; client_max_window_bits=10":               "",
		"permessage-deflate; unknown":                                                         "",
		"permessage-deflate; constructor=1":                                                   "",
		"PERMESSAGE-DEFLATE":                                                                  "",
		"__proto__":                                                                           "",
		strings.Repeat("x; y=z, ", 10_000) + "permessage-deflate":                             accepted,
		"permessage-deflate" + strings.Repeat("; client_no_context_takeover", 10_000) + ", x": "",

		"permessage-deflate;":                               bad,
		"permessage-deflate,":                               bad,
		",permessage-deflate":                               bad,
		"permessage-deflate; client_max_window_bits=":       bad,
		`permessage-deflate; client_max_window_bits=""`:     bad,
		`permessage-deflate; client_max_window_bits="1\0"`:  bad,
		`permessage-deflate; client_max_window_bits="10`:    bad,
		"permessage deflate":                                bad,
		"permessage-deflate; =1":                            bad,
		"permessage-deflate; client_max_window_bits=10 10":  bad,
		"permessage-deflate; cl\u00efent":                   bad,
		"permessage-deflate" + strings.Repeat(";", 100_000): bad,
	} {
		name := offer[:min(len(offer), 70)]
		t.Run(name, func(t *testing.T) {
			config := deflate()
			config.MaxHeaderBytes = 1 << 20
			s := start(t, config)
			got, _ := s.upgradeWith(direct, "Sec-WebSocket-Extensions: "+offer)
			if want == bad {
				if got.status != 400 || got.body != "Invalid or unacceptable Sec-WebSocket-Extensions header" {
					t.Errorf("status %d, %q", got.status, got.body)
				}
				return
			}
			if v := got.header.Values("Sec-WebSocket-Extensions"); got.status != 101 || strings.Join(v, "|") != want {
				t.Errorf("status %d, %q; want 101 and %q", got.status, v, want)
			}
		})
	}
	t.Run("in several lines", func(t *testing.T) {
		s := start(t, deflate())
		got, _ := s.upgradeWith(direct, "Sec-WebSocket-Extensions: x", "Sec-WebSocket-Extensions: permessage-deflate")
		if v := got.header.Values("Sec-WebSocket-Extensions"); len(v) != 1 || v[0] != accepted {
			t.Errorf("%q", v)
		}
	})
	t.Run("not configured", func(t *testing.T) {
		s := start(t, engineio.Config{})
		got, _ := s.upgradeWith(direct, "Sec-WebSocket-Extensions: permessage-deflate;;;")
		if v := got.header.Values("Sec-WebSocket-Extensions"); got.status != 101 || v != nil {
			t.Errorf("status %d, %q", got.status, v)
		}
	})
}

package engineio_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gosocketio/socketio/engineio"
)

// The URL and the headers of a request may have MaxHeaderBytes, 16 KiB by default, wherever the bytes are. A longer
// request gets status 431 and does no harm to its session.
func TestLimitMaxHeaderBytes(t *testing.T) {
	const byDefault = 16 << 10
	size := func(r *http.Request) (n int) {
		n = len(r.URL.Path) + len(r.URL.RawQuery) + len(r.Host)
		for k, values := range r.Header {
			n += len(k) + len(": \n") + len(values[0])
		}
		return n
	}
	for name, limit := range map[string]int{"default": 0, "own": 1000} {
		most := limit
		if limit == 0 {
			most = byDefault
		}
		var last int // size of the latest request that went through
		s := start(t, engineio.Config{MaxHeaderBytes: limit, Events: engineio.Events{
			Headers: func(_ http.Header, r *http.Request) { last = size(r) },
		}})
		session := s.polling()
		for where, send := range map[string]func(pad string) int{
			"handshake, header": func(pad string) int { return s.with("GET", handshake, "Cookie: a="+pad).status },
			"handshake, query":  func(pad string) int { return s.with("GET", handshake+"&a="+pad).status },
			"POST":              func(pad string) int { return s.request("POST", session+"&a="+pad, "4x").status },
			"upgrade": func(pad string) int {
				got, _ := s.upgradeWith(direct, "Cookie: a="+pad)
				return got.status
			},
		} {
			t.Run(name+", "+where, func(t *testing.T) {
				ok := send("x")
				pad := most - last + 1
				if ok != http.StatusOK && ok != http.StatusSwitchingProtocols {
					t.Fatalf("status %d", ok)
				}
				for what, c := range map[string]struct{ pad, status int }{
					"at the limit": {pad, ok}, "one above": {pad + 1, 431}, "far above": {pad + 900_000, 431},
				} {
					if status := send(strings.Repeat("x", c.pad)); status != c.status {
						t.Errorf("%s: status %d, want %d", what, status, c.status)
					}
				}
			})
		}
		if got := s.request("POST", session, "4x"); got.status != http.StatusOK {
			t.Errorf("the session is gone: %+v", got)
		}
	}
	t.Run("WebTransport", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := startWT(t, engineio.Config{MaxHeaderBytes: 1000})
			_, got := s.stream(func(r *http.Request) { r.Header = http.Header{"Cookie": {strings.Repeat("x", 1000)}} })
			synctest.Wait()
			if got.Code != 431 {
				body, _ := io.ReadAll(got.Body)
				t.Errorf("status %d %s", got.Code, body)
			}
		})
	})
}

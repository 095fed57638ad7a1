package engineio_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/engineio"
)

// http2Server is a server that speaks HTTP/2.
func http2Server(t *testing.T, c engineio.Config) *server {
	t.Helper()
	return startOn(t, c, httptest.NewUnstartedServer, func(h *httptest.Server) { h.EnableHTTP2 = true; h.StartTLS() })
}

// A connection of HTTP/2 carries other requests too: one that is refused does not end it.
func TestHTTP2ConnectionStays(t *testing.T) {
	s := http2Server(t, engineio.Config{MaxPayload: 10, Admission: engineio.Admission{MaxSessions: 1}})
	q := s.polling()
	for _, c := range []struct {
		method, query, body string
		status              int
	}{
		{"GET", handshake, "", 503},
		{"GET", "EIO=4&transport=x", "", 400},
		{"POST", q, "4hi", 200},
		{"POST", q, strings.Repeat("4", 11), 413},
		{"POST", q, "4hi", 400},
	} {
		reused := false
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused },
		})
		r, err := http.NewRequestWithContext(ctx, c.method, s.url+"?"+c.query, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.do(r); err != nil || got.status != c.status || !reused {
			t.Errorf("%s %s: %+v, %v; on the same connection: %t", c.method, c.query, got, err, reused)
		}
	}
}

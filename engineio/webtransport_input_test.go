package engineio_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

func TestWebTransportBadInput(t *testing.T) {
	const limit = 1000
	for name, input := range map[string]string{
		"no packet":                  "\x00",
		"one byte above the limit":   "\x7e\x03\xe9",
		"far above the limit":        "\x7f\x00\x00\x00\x01\x00\x00\x00\x00",
		"more than JavaScript holds": "\xff\x00\x20\x00\x00\x00\x00\x00\x00",
		"more than memory":           "\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"no UTF-8":                   "\x024\xff",
		"unknown type":               "\x017",
	} {
		t.Run(name, func(t *testing.T) {
			for _, config := range []engineio.Config{{MaxPayload: limit}, {MaxUntrustedPayload: limit}} {
				synctest.Test(t, func(t *testing.T) {
					s := startWT(t, config)
					c, _ := s.direct()
					c.send(input)
					c.wantEnd()
					cause := s.wantClosing(engineio.ReasonParseError)
					if large := strings.Contains(name, "above") || strings.Contains(name, "more"); large != errors.Is(cause, engineio.ErrPayloadTooLarge) {
						t.Errorf("cause %v", cause)
					}
				})
			}
		})
	}
	t.Run("at the limit", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := startWT(t, engineio.Config{MaxPayload: limit, MaxUntrustedPayload: 1})
			c, x := s.direct()
			engineio.LinkOf(x).Trust()
			c.send("\x7e\x03\xe84" + strings.Repeat("x", limit-1))
			c.send("\xfe\x03\xe8" + strings.Repeat("x", limit))
			if n := len(<-s.messages) + len(<-s.messages); n != limit-1+len("false")+limit+len("true") {
				t.Errorf("%d bytes", n)
			}
		})
	})
	t.Run("ping", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := startWT(t, engineio.Config{})
			c, _ := s.direct()
			c.send("\x012")
			c.wantEnd()
			_ = s.wantClosing(engineio.ReasonTransportError)
		})
	})
}

func TestWebTransportGreeting(t *testing.T) {
	for name, input := range map[string]string{
		"message":         "\x054test",
		"binary":          "\x810",
		"no packet":       "\x00",
		"unknown type":    "\x017",
		"large":           "\x7e\x10\x01",
		"unknown session": "\x100{\"sid\":\"abcde\"}",
		"__proto__":       "\x140{\"sid\":\"__proto__\"}",
		"no string":       "\x0a0{\"sid\":1}",
		"no JSON":         "\x0e0{\"sid\":\"abcde\"",
		"no sid":          "\x030{}",
		"no object":       "\x04012[",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startWT(t, engineio.Config{})
				c, _ := s.stream(nil)
				begun := time.Now()
				go func() { _, _ = io.WriteString(c.conn, input) }()
				c.wantEnd()
				if d := time.Since(begun); d > 0 {
					t.Errorf("the session stayed open for %v", d)
				}
				if n := s.engine.Sessions(); n != 0 {
					t.Errorf("%d sessions", n)
				}
			})
		})
	}
	for name, input := range map[string]string{"nothing": "", "half a header": "\x7e\x10", "half a packet": "\x100{\"sid\""} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startWT(t, engineio.Config{UpgradeTimeout: 3 * time.Second})
				c, _ := s.stream(nil)
				begun := time.Now()
				c.send(input)
				c.wantEnd()
				if d := time.Since(begun); d < 2*time.Second || d > 4*time.Second {
					t.Errorf("the session was closed after %v", d)
				}
			})
		})
	}
}

// What net/http middleware, CORS and AllowRequest say holds for WebTransport too.
func TestWebTransportRequest(t *testing.T) {
	t.Run("foreign origin", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := startWT(t, engineio.Config{CORS: engineio.CORS{Origins: []string{"https://friend.test"}}})
			for _, origin := range []string{"https://evil.test", "//example.com", "https://example.com:444", "http://localhost:5173", "null"} {
				if _, w := s.stream(func(r *http.Request) { r.Header.Set("Origin", origin) }); w.Code != http.StatusForbidden {
					t.Errorf("%s: status %d", origin, w.Code)
				}
			}
			own, _ := s.stream(func(r *http.Request) { r.Host = "example.com:443"; r.Header.Set("Origin", "https://example.com") })
			own.send("\x010")
			own.read()
			c, w := s.stream(func(r *http.Request) { r.Header.Set("Origin", "https://friend.test") })
			c.send("\x010")
			c.read()
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != "https://friend.test" {
				t.Errorf("CORS header %q", got)
			}
		})
	})
	t.Run("middleware", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := startWT(t, engineio.Config{Middleware: []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Cookie") == "" {
						w.WriteHeader(http.StatusTeapot)
						return
					}
					next.ServeHTTP(w, r)
				})
			}}})
			if _, w := s.stream(nil); w.Code != http.StatusTeapot {
				t.Errorf("status %d", w.Code)
			}
			c, _ := s.stream(func(r *http.Request) { r.Header.Set("Cookie", "a=b") })
			c.send("\x010")
			c.read()
			if got := (<-s.sessions).Handshake().Header().Get("Cookie"); got != "a=b" {
				t.Errorf("the session's cookie is %q", got)
			}
		})
	})
	t.Run("AllowRequest", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			refused := make(chan *engineio.ConnectionError, 1)
			s := startWT(t, engineio.Config{
				AllowRequest: func(r *http.Request) error {
					if r.Proto == "webtransport" {
						return errors.New("no")
					}
					return nil
				},
				Events: engineio.Events{ConnectionError: func(e *engineio.ConnectionError) { refused <- e }},
			})
			c, _ := s.stream(nil)
			c.send("\x010")
			c.wantEnd()
			if got := <-refused; got.Code != engineio.CodeForbidden || got.Context["message"] != "no" {
				t.Errorf("%+v", got)
			}
		})
	})
	t.Run("other path", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := startWT(t, engineio.Config{})
			if _, w := s.stream(func(r *http.Request) { r.URL.Path = "/" }); w.Code != http.StatusNotFound {
				t.Errorf("status %d", w.Code)
			}
		})
	})
	t.Run("transport=webtransport by HTTP", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := startWT(t, engineio.Config{Transports: []engineio.Transport{engineio.Polling, engineio.WebTransport}})
			if got := s.poll("&transport=webtransport"); got != `{"code":0,"message":"Transport unknown"}` {
				t.Errorf("answered %q", got)
			}
		})
	})
}

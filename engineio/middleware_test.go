package engineio_test

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gosocketio/socketio/engineio"
)

type middleware = func(http.Handler) http.Handler

// through is a middleware that calls f and goes on if that returns true.
func through(f func(w http.ResponseWriter, r *http.Request) bool) middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if f(w, r) {
				next.ServeHTTP(w, r)
			}
		})
	}
}

// bothWays runs a test with the handshake over polling and over WebSocket.
func bothWays(t *testing.T, polling, websocket string, test func(t *testing.T, shake func(*server) reply)) {
	t.Helper()
	t.Run("polling", func(t *testing.T) {
		if polling != "" {
			t.Attr("covers", polling)
		}
		test(t, func(s *server) reply { return s.request("GET", handshake, "") })
	})
	t.Run("WebSocket", func(t *testing.T) {
		if websocket != "" {
			t.Attr("covers", websocket)
		}
		test(t, func(s *server) reply {
			got, _ := s.upgradeWith(direct)
			if got.status == http.StatusSwitchingProtocols {
				got.status = http.StatusOK
			}
			return got
		})
	})
}

func TestMiddlewareRunsInOrder(t *testing.T) {
	bothWays(t, "engine/middlewares/1 engine/middlewares/3", "engine/middlewares/2", func(t *testing.T, shake func(*server) reply) {
		var order []string
		mark := func(name string) middleware {
			return through(func(w http.ResponseWriter, _ *http.Request) bool {
				order = append(order, name)
				w.Header().Set("X-"+name, "yes")
				return true
			})
		}
		s := start(t, engineio.Config{Middleware: []middleware{mark("A"), mark("B"), mark("C")}})
		got := shake(s)
		if got.status != 200 || got.header.Get("X-A") != "yes" || got.header.Get("X-C") != "yes" || !slices.Equal(order, []string{"A", "B", "C"}) {
			t.Errorf("order %v, headers %v", order, got.header)
		}
	})
}

// A middleware may answer by itself: then there is no session, and no error of ours.
func TestMiddlewareAnswers(t *testing.T) {
	bothWays(t, "engine/middlewares/4", "engine/middlewares/5", func(t *testing.T, shake func(*server) reply) {
		s := start(t, engineio.Config{
			Middleware: []middleware{through(func(w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(http.StatusServiceUnavailable)
				return false
			})},
			Events: engineio.Events{ConnectionError: func(e *engineio.ConnectionError) { t.Error(e) }},
		})
		if got := shake(s); got.status != 503 || s.engine.Sessions() != 0 {
			t.Errorf("got %+v with %d sessions", got, s.engine.Sessions())
		}
	})
}

// What is an error for a middleware is one for the client; ours answer it themselves.
func TestMiddlewareFails(t *testing.T) {
	bothWays(t, "engine/middlewares/10", "engine/middlewares/11", func(t *testing.T, shake func(*server) reply) {
		s := start(t, engineio.Config{Middleware: []middleware{through(func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "will always fail", http.StatusBadRequest)
			return false
		})}})
		if got := shake(s); got.status != 400 || !strings.Contains(got.body, "will always fail") || s.engine.Sessions() != 0 {
			t.Errorf("got %+v with %d sessions", got, s.engine.Sessions())
		}
	})
}

// A middleware that panics costs its request only.
func TestMiddlewarePanics(t *testing.T) {
	bothWays(t, "", "", func(t *testing.T, shake func(*server) reply) {
		var panicked atomic.Bool
		s := start(t, engineio.Config{Middleware: []middleware{through(func(http.ResponseWriter, *http.Request) bool {
			if !panicked.Swap(true) {
				panic(http.ErrAbortHandler) // net/http logs every other value
			}
			return true
		})}})
		if got, err := s.do(mustRequest(t, s.url+"?"+handshake)); err == nil {
			t.Errorf("got %+v", got)
		}
		if got := shake(s); got.status != 200 {
			t.Errorf("got %+v", got)
		}
	})
}

func mustRequest(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Security headers, set before the request is handled.
func TestMiddlewareOfSecurityHeaders(t *testing.T) {
	bothWays(t, "engine/middlewares/6", "engine/middlewares/7", func(t *testing.T, shake func(*server) reply) {
		want := map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Download-Options": "noopen", "Cross-Origin-Resource-Policy": "same-origin",
			"Strict-Transport-Security": "max-age=31536000; includeSubDomains", "Content-Security-Policy": "default-src 'self'",
		}
		s := start(t, engineio.Config{Middleware: []middleware{through(func(w http.ResponseWriter, _ *http.Request) bool {
			for k, v := range want {
				w.Header().Set(k, v)
			}
			return true
		})}})
		got := shake(s)
		for k, v := range want {
			if got.header.Get(k) != v {
				t.Errorf("%s is %q, want %q", k, got.header.Get(k), v)
			}
		}
	})
}

// lateWriter sets a cookie when the response is about to leave, as session middleware does.
type lateWriter struct {
	http.ResponseWriter
	told bool
}

func (l *lateWriter) tell() {
	if !l.told {
		l.told = true
		http.SetCookie(l.ResponseWriter, &http.Cookie{Name: "session", Value: "s1"})
	}
}

func (l *lateWriter) WriteHeader(status int) {
	l.tell()
	l.ResponseWriter.WriteHeader(status)
}

func (l *lateWriter) Write(b []byte) (int, error) {
	l.tell()
	return l.ResponseWriter.Write(b)
}

func (l *lateWriter) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// The cookie of a session middleware, which is set at the last moment.
func TestMiddlewareOfSessions(t *testing.T) {
	bothWays(t, "engine/middlewares/8", "engine/middlewares/9", func(t *testing.T, shake func(*server) reply) {
		s := start(t, engineio.Config{Middleware: []middleware{func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(&lateWriter{ResponseWriter: w}, r) })
		}}})
		if got := shake(s); got.status != 200 || strings.Join(got.header["Set-Cookie"], "|") != "session=s1" {
			t.Errorf("got %d %v", got.status, got.header)
		}
	})
	t.Run("the WebSocket works", func(t *testing.T) {
		s := start(t, engineio.Config{Middleware: []middleware{func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(&lateWriter{ResponseWriter: w}, r) })
		}}})
		c := s.dial(direct)
		c.open()
		c.send("4hi")
		c.want("4hi")
	})
}

// A middleware that lets everything pass takes no limit away.
func TestMiddlewareKeepsLimits(t *testing.T) {
	t.Attr("covers", "engine/middlewares/12")
	s := start(t, engineio.Config{
		MaxPayload: 5,
		Middleware: []middleware{through(func(http.ResponseWriter, *http.Request) bool { return true })},
		Events:     engineio.Events{Message: func(_ *engineio.Session, data []byte, _ bool) { t.Errorf("got %q", data) }},
	})
	q := s.polling()
	if got := s.request("POST", q, "4toolong"); got.status != 413 {
		t.Errorf("got %+v", got)
	}
}

// Package middleware has no recipe of its own: its test holds that Socket.IO works behind the middlewares that people use.
package middleware

import (
	"context"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-contrib/gzip"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimw "github.com/go-chi/chi/v5/middleware"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/gorilla/handlers"
	"github.com/labstack/echo/v4"
	echomw "github.com/labstack/echo/v4/middleware"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/lockedbuffer"
)

// wrap puts middlewares around the Socket.IO server.
type wrap = func(http.Handler) http.Handler

func chiUse(mw ...func(http.Handler) http.Handler) wrap {
	return func(h http.Handler) http.Handler {
		r := chi.NewRouter()
		r.Use(mw...)
		r.Handle("/socket.io/*", h)
		return r
	}
}

func ginUse(mw ...gin.HandlerFunc) wrap {
	return func(h http.Handler) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		r := gin.New()
		r.Use(mw...)
		r.Any("/socket.io/*any", gin.WrapH(h))
		return r
	}
}

func echoUse(mw ...echo.MiddlewareFunc) wrap {
	return func(h http.Handler) http.Handler {
		e := echo.New()
		e.Use(mw...)
		e.Any("/socket.io/*", echo.WrapHandler(h))
		return e
	}
}

func timeout(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Minute, "timeout") }

func nested(outer, inner wrap) wrap {
	return func(h http.Handler) http.Handler { return outer(inner(h)) }
}

// plain hides everything of a ResponseWriter but its three methods.
func plain(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	})
}

func gorillaLogging(h http.Handler) http.Handler { return handlers.LoggingHandler(io.Discard, h) }
func gorillaCombined(h http.Handler) http.Handler {
	return handlers.CombinedLoggingHandler(io.Discard, h)
}

var (
	chiLogger  = chimw.RequestLogger(&chimw.DefaultLogFormatter{Logger: log.New(io.Discard, "", 0), NoColor: true})
	ginLogger  = gin.LoggerWithWriter(io.Discard)
	echoLogger = echomw.RequestLoggerWithConfig(echomw.RequestLoggerConfig{
		LogStatus:     true,
		LogValuesFunc: func(echo.Context, echomw.RequestLoggerValues) error { return nil },
	})
	echoTimeout = echomw.TimeoutWithConfig(echomw.TimeoutConfig{Timeout: time.Minute}) //nolint:staticcheck // people use it, and its writer cannot flush
)

// table lists middlewares. noHijack says that they keep a WebSocket from taking its connection.
var table = []struct {
	name     string
	wrap     wrap
	noHijack bool
}{
	{"net/http: none", func(h http.Handler) http.Handler { return h }, false},
	{"net/http: TimeoutHandler", timeout, true},
	{"net/http: MaxBytesHandler", func(h http.Handler) http.Handler { return http.MaxBytesHandler(h, 1<<20) }, false},
	{"net/http: StripPrefix", func(h http.Handler) http.Handler { return http.StripPrefix("", h) }, false},
	{"a writer of three methods", plain, true},
	{"chi: Logger", chiUse(chiLogger), false},
	{"chi: Recoverer", chiUse(chimw.Recoverer), false},
	{"chi: Timeout", chiUse(chimw.Timeout(time.Minute)), false},
	{"chi: Throttle", chiUse(chimw.Throttle(10)), false},
	{"chi: Compress", chiUse(chimw.Compress(5)), false},
	{"chi: all", chiUse(chimw.RequestID, chiLogger, chimw.Recoverer, chimw.Timeout(time.Minute), chimw.Throttle(10), chimw.Compress(5)), false},
	{"chi behind TimeoutHandler", nested(timeout, chiUse(chiLogger, chimw.Compress(5))), true},
	{"gin: Logger", ginUse(ginLogger), false},
	{"gin: Recovery", ginUse(gin.Recovery()), false},
	{"gin: gzip", ginUse(gzip.Gzip(gzip.DefaultCompression)), false},
	{"gin: all", ginUse(ginLogger, gin.Recovery(), gzip.Gzip(gzip.DefaultCompression)), false},
	{"gin behind TimeoutHandler", nested(timeout, ginUse(gin.Recovery())), true},
	{"gin with gzip behind TimeoutHandler", nested(timeout, ginUse(gin.Recovery(), gzip.Gzip(gzip.BestSpeed))), true},
	{"echo: Logger", echoUse(echoLogger), false},
	{"echo: Recover", echoUse(echomw.Recover()), false},
	{"echo: BodyLimit", echoUse(echomw.BodyLimit("1M")), false},
	{"echo: Gzip", echoUse(echomw.Gzip()), false},
	{"echo: Timeout", echoUse(echoTimeout), true},
	{"echo: ContextTimeout", echoUse(echomw.ContextTimeout(time.Minute)), false},
	{"echo: BodyDump", echoUse(echomw.BodyDump(func(echo.Context, []byte, []byte) {})), false},
	{"echo: Gzip, Timeout, Recover", echoUse(echomw.Gzip(), echoTimeout, echomw.Recover()), true},
	{"echo: Recover, Timeout, Gzip", echoUse(echomw.Recover(), echoTimeout, echomw.Gzip()), true},
	{"echo: all but Timeout", echoUse(echoLogger, echomw.Recover(), echomw.BodyLimit("1M"), echomw.Gzip()), false},
	{"gorilla: LoggingHandler", gorillaLogging, false},
	{"gorilla: CombinedLoggingHandler", gorillaCombined, false},
	{"gorilla: CompressHandler", handlers.CompressHandler, false},
	{"gorilla: RecoveryHandler", handlers.RecoveryHandler(), false},
	{"gorilla: all", nested(gorillaLogging, nested(handlers.CompressHandler, handlers.RecoveryHandler())), false},
	{"gorilla behind TimeoutHandler", nested(timeout, nested(gorillaLogging, handlers.CompressHandler)), true},
}

// served is a Socket.IO server behind middlewares.
type served struct {
	*testing.T
	url    string
	client *http.Client
	ours   *lockedbuffer.Buffer // of the Socket.IO server
}

func serve(t *testing.T, w wrap, acceptGzip bool) *served {
	t.Helper()
	ours, theirs := new(lockedbuffer.Buffer), new(lockedbuffer.Buffer)
	server := socketio.New(socketio.Config{Logger: slog.New(slog.NewTextHandler(ours, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	socketio.On(server, "echo", func(e *socketio.Event, text string) error { return e.Socket().Emit("echo", text) })
	server.OnConnection(func(s *socketio.Socket) { s.Join("all") })
	socketio.On(server, "all", func(_ *socketio.Event, text string) error { return server.To("all").Emit("all", text) })
	h := httptest.NewUnstartedServer(w(server))
	h.Config.ErrorLog = log.New(theirs, "", 0)
	h.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		h.Close()
		for _, text := range []string{ours.String(), theirs.String()} {
			if strings.Contains(text, "panic") || strings.Contains(text, "superfluous") {
				t.Errorf("log:\n%s", text)
			}
		}
	})
	tr := &http.Transport{DisableCompression: !acceptGzip}
	t.Cleanup(tr.CloseIdleConnections)
	return &served{t, h.URL + "/socket.io/?EIO=4&transport=", &http.Client{Transport: tr, Timeout: 20 * time.Second}, ours}
}

func (s *served) do(method, query, body string) string {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+query, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	res, err := s.client.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.Fatalf("%s %s: %d %q, %v", method, query, res.StatusCode, b, err)
	}
	return string(b)
}

// session opens a session over polling and joins the main namespace. It returns the session's query.
func (s *served) session() string {
	s.Helper()
	open := s.do(http.MethodGet, "polling", "")
	_, rest, ok := strings.Cut(open, `{"sid":"`)
	id, _, _ := strings.Cut(rest, `"`)
	if !ok || open[0] != '0' {
		s.Fatalf("got %q, want an open packet", open)
	}
	q := "polling&sid=" + id
	s.send(q, "40")
	s.want(q, `40{"sid":"`)
	return q
}

func (s *served) send(query, packets string) {
	s.Helper()
	if got := s.do(http.MethodPost, query, packets); got != "ok" {
		s.Fatalf("POST got %q", got)
	}
}

func (s *served) want(query, prefix string) {
	s.Helper()
	if got := s.do(http.MethodGet, query, ""); !strings.HasPrefix(got, prefix) {
		s.Fatalf("GET got %.60q (%d bytes), want %.60q", got, len(got), prefix)
	}
}

// dial opens a WebSocket; status is that of a refusal.
func (s *served) dial(query string) (conn wsConn, status int, err error) {
	d := ws.Dialer{OnStatusError: func(code int, _ []byte, _ io.Reader) { status = code }}
	c, br, _, err := d.Dial(s.Context(), "ws"+strings.TrimPrefix(s.url, "http")+query)
	if err != nil {
		return wsConn{}, status, err
	}
	s.Cleanup(func() { _ = c.Close() })
	var r io.Reader = c
	if br != nil {
		r = br
	}
	return wsConn{s.T, c, r}, status, nil
}

type wsConn struct {
	*testing.T
	io.Writer
	r io.Reader
}

func (c wsConn) send(text string) {
	c.Helper()
	if err := wsutil.WriteClientText(c, []byte(text)); err != nil {
		c.Fatal(err)
	}
}

func (c wsConn) want(prefix string) {
	c.Helper()
	got, err := wsutil.ReadServerText(struct {
		io.Reader
		io.Writer
	}{c.r, c})
	if err != nil || !strings.HasPrefix(string(got), prefix) {
		c.Fatalf("got %.60q, %v; want %.60q", got, err, prefix)
	}
}

func TestBehindMiddleware(t *testing.T) {
	large := strings.Repeat("large ", 50_000) // more than any buffer on the way
	for _, test := range table {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for name, acceptGzip := range map[string]bool{"polling": false, "polling with gzip": true} {
				t.Run(name, func(t *testing.T) {
					s := serve(t, test.wrap, acceptGzip)
					q := s.session()
					for _, text := range []string{"hi", large} {
						s.send(q, `42["echo","`+text+`"]`)
						s.want(q, `42["echo","`+text+`"]`)
					}
					// A GET that waits is answered, too.
					other := s.session()
					got := make(chan string)
					go func() { got <- s.do(http.MethodGet, q, "") }()
					s.send(other, `42["all","news"]`)
					if text := <-got; text != `42["all","news"]` {
						t.Errorf("a parked GET got %q", text)
					}
				})
			}
			t.Run("WebSocket", func(t *testing.T) {
				s := serve(t, test.wrap, true)
				c, status, err := s.dial("websocket")
				if test.noHijack {
					wantRefused(t, s, status, err)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				c.want("0{")
				c.send("40")
				c.want("40{")
				c.send(`42["echo","hi"]`)
				c.want(`42["echo","hi"]`)
			})
			t.Run("upgrade", func(t *testing.T) {
				s := serve(t, test.wrap, true)
				q := s.session()
				c, status, err := s.dial("websocket" + strings.TrimPrefix(q, "polling"))
				if test.noHijack {
					wantRefused(t, s, status, err)
					s.send(q, `42["echo","still polling"]`)
					s.want(q, `42["echo","still polling"]`)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				c.send("2probe")
				c.want("3probe")
				c.send("5")
				c.send(`42["echo","moved"]`)
				c.want(`42["echo","moved"]`)
			})
		})
	}
}

// wantRefused fails the test unless a WebSocket was refused with a status, and the log says that it was.
func wantRefused(t *testing.T, s *served, status int, err error) {
	t.Helper()
	if err == nil || status != http.StatusBadRequest {
		t.Errorf("got status %d, %v; want %d", status, err, http.StatusBadRequest)
	}
	if text := s.ours.String(); !strings.Contains(text, "upgrade refused: connection can") {
		t.Errorf("the log does not say it: %q", text)
	}
}

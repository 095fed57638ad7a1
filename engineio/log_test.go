package engineio_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
)

// logLines is a slog.Handler that keeps the lines.
type logLines struct {
	mu    sync.Mutex
	lines []logLine
}

// logLine is one line.
type logLine struct {
	level slog.Level
	text  string
	attrs map[string]string
}

func (l *logLines) Enabled(context.Context, slog.Level) bool { return true }
func (l *logLines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logLines) WithGroup(string) slog.Handler            { return l }

func (l *logLines) Handle(_ context.Context, r slog.Record) error {
	line := logLine{r.Level, r.Message, make(map[string]string)}
	r.Attrs(func(a slog.Attr) bool {
		line.attrs[a.Key] = a.Value.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

// refusals returns the lines, but for those of sessions that Shutdown ended.
func (l *logLines) refusals() (found []logLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if line.attrs["error"] != engineio.ErrServerClosed.Error() {
			found = append(found, line)
		}
	}
	return found
}

// Each refusal, and each end of a session, is exactly one line with what an operator needs.
func TestLog(t *testing.T) {
	const short = 50 * time.Millisecond
	upgrade := func(header ...string) []string {
		return append([]string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, header...)
	}
	get := func(query string, header ...string) func(*server) {
		return func(s *server) { s.with("GET", query, header...) }
	}
	on := func(then func(c *socket)) func(*server) {
		return func(s *server) {
			c := s.dial(direct)
			c.open()
			then(c)
		}
	}
	for _, c := range []struct {
		name   string
		config engineio.Config
		do     func(s *server)
		want   string // level, and attributes
		in     string // in the text of a warning
	}{
		// Requests.
		{"transport", engineio.Config{}, get("EIO=4&transport=tobi"), "DEBUG rule=unknown transport|value=tobi|limit=polling, websocket|field=Config.Transports", ""},
		{"session id", engineio.Config{}, get("EIO=4&transport=polling&sid=abcdefghijklmnopqrst"), "DEBUG rule=unknown session id|id=abcdefgh|value=abcdefgh", ""},
		{"method", engineio.Config{}, func(s *server) { s.request("PUT", handshake, "") }, "DEBUG rule=handshake method|value=PUT|limit=GET", ""},
		{"method of a session", engineio.Config{}, func(s *server) { s.request("PUT", s.polling(), "") }, "DEBUG rule=method|value=PUT|limit=GET, POST", ""},
		{"websocket without upgrade", engineio.Config{}, get("EIO=4&transport=websocket"), "DEBUG rule=TRANSPORT_HANDSHAKE_ERROR", ""},
		{"AllowRequest", engineio.Config{AllowRequest: func(*http.Request) error { return errors.New("no") }}, get(handshake), "DEBUG rule=AllowRequest|value=no|field=Config.AllowRequest", ""},
		{"EIO3", engineio.Config{}, get("EIO=3&transport=polling"), "WARN rule=protocol version|value=3|limit=4|field=Config.AllowEIO3", "set Config.AllowEIO3 to true"},
		{"origin", engineio.Config{}, get(handshake, "Origin: https://app.test"), "WARN rule=foreign origin|value=https://app.test|field=Config.CORS.Origins", `set Config.CORS.Origins to []string{"https://app.test"}`},
		{"preflight of a foreign origin", engineio.Config{CORS: engineio.CORS{Origins: []string{"https://mine.test"}}}, func(s *server) {
			s.with("OPTIONS", handshake, "Origin: https://app.test", "Access-Control-Request-Method: GET")
		}, "WARN rule=foreign origin|value=https://app.test", "Config.CORS.Origins"},
		{"origin of a WebSocket", engineio.Config{}, get(direct, upgrade("Origin: https://app.test")...), "WARN rule=foreign origin|value=https://app.test", "upgrade refused"},
		{"other transport", engineio.Config{}, func(s *server) { s.with("GET", strings.Replace(s.polling(), "polling", "websocket", 1)) }, "DEBUG rule=TRANSPORT_MISMATCH|value=websocket|limit=polling", ""},
		{"other protocol", engineio.Config{}, func(s *server) { s.with("GET", strings.Replace(s.polling(), "EIO=4", "EIO=3", 1)) }, "DEBUG rule=PROTOCOL_MISMATCH|value=3|limit=4", ""},
		{"GenerateID", engineio.Config{GenerateID: func(*http.Request) (string, error) { return "", errors.New("none left") }}, get(handshake), "DEBUG rule=ID_GENERATION_ERROR|value=none left|field=Config.GenerateID", ""},
		{"rate", engineio.Config{Admission: engineio.Admission{Rate: 1e-9, Burst: 1}}, func(s *server) { s.polling(); s.with("GET", handshake) }, "DEBUG rule=admission|limit=1e-09|field=Config.Admission.Rate", ""},
		{"pending", engineio.Config{Admission: engineio.Admission{MaxPending: 1}}, func(s *server) { s.polling(); s.with("GET", handshake) }, "DEBUG rule=admission|limit=1|field=Config.Admission.MaxPending", ""},
		{"sessions", engineio.Config{Admission: engineio.Admission{MaxSessions: 1}}, func(s *server) { s.polling(); s.with("GET", handshake) }, "DEBUG rule=admission|limit=1|field=Config.Admission.MaxSessions", ""},
		{"shutting down", engineio.Config{}, func(s *server) {
			if err := s.engine.Shutdown(s.Context()); err != nil {
				s.Error(err)
			}
			s.with("GET", handshake)
		}, "DEBUG rule=shutting down", ""},
		{"path", engineio.Config{Path: "/engine.io/v2/"}, get(handshake), "WARN rule=path|value=/engine.io/|limit=/engine.io/v2/|field=Config.Path|error=the request is for /engine.io/ but the server answers at /engine.io/v2/", "mount the server at Config.Path"},
		{"path of no client", engineio.Config{Path: "/engine.io/v2/"}, get(""), "DEBUG rule=path", ""},

		{"headers", engineio.Config{MaxHeaderBytes: 300}, get(handshake, "Cookie: "+strings.Repeat("x", 300)), "WARN rule=size of the headers|limit=300|field=Config.MaxHeaderBytes", "such as a large token or many cookies"},

		// Upgrades.
		{"upgrade without its header", engineio.Config{}, get(direct, upgrade()[1:]...), "DEBUG rule=TRANSPORT_HANDSHAKE_ERROR", ""},
		{"key", engineio.Config{}, get(direct, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: short"), "DEBUG rule=WebSocket handshake|value=Missing or invalid Sec-WebSocket-Key header", ""},
		{"transport of an upgrade", engineio.Config{}, get(handshake, upgrade()...), "DEBUG rule=WebSocket handshake|value=polling|limit=websocket", ""},
		{"no upgrades", engineio.Config{NoUpgrades: true}, func(s *server) { s.dial(candidate(s.polling())).wantEnd() }, "DEBUG rule=no upgrades|field=Config.NoUpgrades", ""},
		{"upgraded already", engineio.Config{}, func(s *server) {
			q := candidate(s.polling())
			c := s.dial(q)
			c.send("2probe")
			c.want("3probe")
			c.send("5")
			c.send("4x")
			c.want("4x")
			s.dial(q).wantEnd()
		}, "DEBUG rule=upgraded already|value=websocket", ""},
		{"another upgrade", engineio.Config{}, func(s *server) {
			q := candidate(s.polling())
			s.dial(q)
			s.dial(q).wantEnd()
		}, "DEBUG rule=another upgrade is under way", ""},
		{"bad probe", engineio.Config{}, func(s *server) {
			c := s.dial(candidate(s.polling()))
			c.send("4x")
			c.wantEnd()
		}, "DEBUG rule=transport error|error=engineio: unexpected packet on a transport that is being upgraded to", ""},
		{"upgrade timeout", engineio.Config{UpgradeTimeout: short}, func(s *server) { s.dial(candidate(s.polling())).wantEnd() }, "DEBUG rule=upgrade timeout|limit=50ms|field=Config.UpgradeTimeout", ""},

		// Sessions.
		{"overlap", engineio.Config{}, func(s *server) {
			q := s.polling()
			s.poll(q)
			s.parked(next(s.T, s.sessions))
			s.with("GET", q)
		}, "DEBUG rule=transport error|error=engineio: overlap from client", ""},
		{"parse error", engineio.Config{}, on(func(c *socket) { c.send("x") }), "DEBUG rule=parse error", ""},
		{"heartbeat", engineio.Config{}, on(func(c *socket) { c.send("2") }), "DEBUG rule=transport error|error=engineio: invalid heartbeat direction", ""},
		{"close", engineio.Config{}, on(func(c *socket) { c.send("1") }), "DEBUG rule=transport close", ""},
		{"payload", engineio.Config{MaxPayload: 100}, on(func(c *socket) { c.send("4" + strings.Repeat("x", 100)) }), "DEBUG rule=payload size|value=101|limit=100|field=Config.MaxPayload", ""},
		{"payload of a POST", engineio.Config{MaxPayload: 100}, func(s *server) {
			q := s.polling()
			s.request("POST", q, "4"+strings.Repeat("x", 100))
		}, "DEBUG rule=payload size|value=101|limit=100|field=Config.MaxPayload", ""},
		{"untrusted payload", engineio.Config{MaxUntrustedPayload: 100}, on(func(c *socket) { c.send("4" + strings.Repeat("x", 100)) }), "WARN rule=payload size|value=101|limit=100|field=Config.MaxUntrustedPayload, until the client is trusted", "a client sent 101 bytes before it was trusted"},
		{"frames", engineio.Config{}, on(func(c *socket) {
			if err := ws.WriteFrame(c, ws.NewTextFrame([]byte("4x"))); err != nil { // without a mask
				c.Error(err)
			}
		}), "DEBUG rule=transport error", ""},
		{"ping timeout", engineio.Config{PingInterval: short, PingTimeout: short}, on(func(*socket) {}), "DEBUG rule=ping timeout|limit=50ms|field=Config.PingTimeout", ""},
		{"slow upload", engineio.Config{ReadTimeout: short}, func(s *server) { s.begin(s.polling()) }, "DEBUG rule=slow upload|limit=50ms|field=Config.ReadTimeout", ""},
		{"queue of bytes", engineio.Config{MaxBufferedBytes: 1000}, func(s *server) {
			s.polling()
			x := next(s.T, s.sessions)
			for x.Send(make([]byte, 500), true) == nil {
			}
		}, "WARN rule=queue full|limit=1000|field=Config.MaxBufferedBytes", "raise Config.MaxBufferedBytes"},
		{"queue of messages", engineio.Config{MaxBufferedPackets: 3}, func(s *server) {
			s.polling()
			x := next(s.T, s.sessions)
			for x.Send(nil, false) == nil {
			}
		}, "WARN rule=queue full|value=4|limit=3|field=Config.MaxBufferedPackets", "raise Config.MaxBufferedPackets"},
		{"slow WebSocket", engineio.Config{WriteTimeout: short, MaxBufferedBytes: 64 << 20}, func(s *server) {
			s.dial(direct)
			x := next(s.T, s.sessions)
			for range 32 {
				_ = x.Send(make([]byte, 1<<20), true)
			}
		}, "WARN rule=slow client|limit=50ms|field=Config.WriteTimeout", "raise Config.WriteTimeout"},
		{"slow poll", engineio.Config{WriteTimeout: short, MaxBufferedBytes: 64 << 20}, func(s *server) {
			q := s.polling()
			x := next(s.T, s.sessions)
			for range 32 {
				_ = x.Send(make([]byte, 1<<20), true)
			}
			s.tcp(fmt.Sprintf("GET %s?%s HTTP/1.1\r\nHost: x\r\n\r\n", engineio.DefaultPath, q))
		}, "WARN rule=slow client|limit=50ms|field=Config.WriteTimeout", "raise Config.WriteTimeout"},
		{"closed by the application", engineio.Config{}, func(s *server) {
			s.dial(direct)
			engineio.LinkOf(next(s.T, s.sessions)).Close(errors.New("enough"))
		}, "DEBUG rule=forced close|error=enough", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var log logLines
			c.config.Logger = slog.New(&log)
			s := start(t, c.config)
			c.do(s)
			eventually(t, "a line", func() bool { return len(log.refusals()) > 0 })
			if err := s.engine.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			lines := log.refusals()
			if len(lines) != 1 {
				t.Fatalf("%d lines: %+v", len(lines), lines)
			}
			lines[0].check(t, c.want, c.in)
		})
	}
}

// check compares a line with "LEVEL name=value|name=value" and a part of its text.
func (l logLine) check(t *testing.T, want, in string) {
	t.Helper()
	level, attrs, _ := strings.Cut(want, " ")
	if l.level.String() != level || !strings.Contains(l.text, in) {
		t.Errorf("%v %q, want %s and %q in it", l.level, l.text, level, in)
	}
	for pair := range strings.SplitSeq(attrs, "|") {
		name, value, _ := strings.Cut(pair, "=")
		if l.attrs[name] != value {
			t.Errorf("%s is %q, want %q", name, l.attrs[name], value)
		}
	}
	if _, err := netip.ParseAddrPort(l.attrs["remote"]); err != nil {
		t.Errorf("remote is %q", l.attrs["remote"])
	}
	if _, ok := l.attrs["id"]; !ok {
		t.Error("no id")
	}
}

// candidate returns the query of an upgrade.
func candidate(q string) string { return strings.Replace(q, "polling", "websocket", 1) }

// A connection that cannot be hijacked is a warning that names the wrapper.
func TestLogOfWrappedWriter(t *testing.T) {
	var log logLines
	s := start(t, engineio.Config{Logger: slog.New(&log), Middleware: []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(struct{ http.ResponseWriter }{w}, r) })
	}}})
	if _, err := s.tryDial(direct); err == nil {
		t.Error("connected")
	}
	lines := log.refusals()
	if len(lines) != 1 {
		t.Fatalf("%+v", lines)
	}
	lines[0].check(t, "WARN rule=connection cannot be hijacked|value=struct { http.ResponseWriter }", "give the wrapper an Unwrap or a Hijack method")
}

package engineio_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
)

// wtServer is an engine whose WebTransport streams are pipes. It runs in a bubble.
type wtServer struct {
	*testing.T
	engine   *engineio.Server
	sessions chan *engineio.Session
	closings chan closing
	messages chan string
}

func startWT(t *testing.T, c engineio.Config) *wtServer {
	t.Helper()
	s := &wtServer{t, nil, make(chan *engineio.Session, 10), make(chan closing, 10), make(chan string, 100)}
	c.Logger = slog.New(slog.DiscardHandler)
	if c.Events.Connection == nil {
		c.Events.Connection = func(x *engineio.Session) { s.sessions <- x }
	}
	c.Events.Message = func(_ *engineio.Session, data []byte, binary bool) { s.messages <- fmt.Sprint(binary, string(data)) }
	c.Events.Close = func(_ *engineio.Session, r engineio.Reason, cause error) { s.closings <- closing{r, cause} }
	e, err := engineio.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.engine = e
	t.Cleanup(func() {
		if err := e.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if n, timers := e.Sessions(), e.Wheel().Pending(); n != 0 || timers != 0 {
			t.Errorf("%d sessions and %d timers are left", n, timers)
		}
	})
	return s
}

// stream is the client's end of a WebTransport stream.
type stream struct {
	*testing.T
	conn net.Conn
}

// stream asks for a WebTransport session; change, if not nil, changes the request. It returns the answer when that is a refusal.
func (s *wtServer) stream(change func(*http.Request)) (stream, *httptest.ResponseRecorder) {
	s.Helper()
	r := httptest.NewRequestWithContext(s.Context(), http.MethodConnect, engineio.DefaultPath, nil)
	r.URL.Path, r.Proto = engineio.DefaultPath, "webtransport"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	client, server := net.Pipe()
	go s.engine.ServeWebTransport(w, r, func() (io.ReadWriteCloser, error) { return server, nil })
	synctest.Wait()
	return stream{s.T, client}, w
}

// direct opens a session.
func (s *wtServer) direct() (stream, *engineio.Session) {
	s.Helper()
	c, _ := s.stream(nil)
	c.send("\x010")
	if open := c.read(); !strings.HasPrefix(open, `0{"sid":"`) {
		s.Fatalf("opened with %q", open)
	}
	return c, <-s.sessions
}

func (s *wtServer) wantClosing(reason engineio.Reason) error {
	s.Helper()
	got := <-s.closings
	if got.reason != reason {
		s.Errorf("closed with %+v, want %q", got, reason)
	}
	return got.cause
}

// poll sends a request of a polling session.
func (s *wtServer) poll(query string) string {
	r := httptest.NewRequestWithContext(s.Context(), http.MethodGet, engineio.DefaultPath+"?EIO=4&transport=polling"+query, nil)
	w := httptest.NewRecorder()
	s.engine.ServeHTTP(w, r)
	return w.Body.String()
}

func (c stream) send(b string) {
	c.Helper()
	if _, err := io.WriteString(c.conn, b); err != nil {
		c.Fatalf("write: %v", err)
	}
}

// read reads one frame.
func (c stream) read() string {
	c.Helper()
	b := make([]byte, 9)
	_, err := io.ReadFull(c.conn, b[:1])
	n := uint64(b[0] & 0x7f)
	switch {
	case err != nil:
	case n == 126:
		_, err = io.ReadFull(c.conn, b[1:3])
		n = uint64(binary.BigEndian.Uint16(b[1:]))
	case n == 127:
		_, err = io.ReadFull(c.conn, b[1:9])
		n = binary.BigEndian.Uint64(b[1:])
	}
	payload := make([]byte, n)
	if err == nil {
		_, err = io.ReadFull(c.conn, payload)
	}
	if err != nil {
		c.Fatalf("read: %v", err)
	}
	if b[0]&0x80 != 0 {
		return "binary " + string(payload)
	}
	return string(payload)
}

func (c stream) want(packets ...string) {
	c.Helper()
	for _, p := range packets {
		if got := c.read(); got != p {
			c.Fatalf("received %.100q, want %.100q", got, p)
		}
	}
}

// wantEnd waits for the end of the stream, before which nothing comes.
func (c stream) wantEnd() {
	c.Helper()
	if b, err := io.ReadAll(c.conn); err != nil || len(b) > 0 {
		c.Errorf("received %q, %v, want the end", b, err)
	}
}

func TestWebTransport(t *testing.T) {
	run := func(name string, c engineio.Config, f func(t *testing.T, s *wtServer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, startWT(t, c)) })
		})
	}
	run("direct", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, _ := s.stream(nil)
		c.send("\x010")
		head := make([]byte, 1+107)
		if _, err := io.ReadFull(c.conn, head); err != nil || head[0] != 107 || !strings.Contains(string(head), `"upgrades":[]`) {
			t.Errorf("opened with %q, %v", head, err)
		}
		if x := <-s.sessions; x.Transport() != engineio.WebTransport || x.Stats().Transport.String() != "webtransport" || x.Protocol() != 4 {
			t.Errorf("%+v", x.Stats())
		}
		if got := s.engine.Stats(); got.WebTransport != 1 || got.WebSocket != 0 {
			t.Errorf("%+v", got)
		}
	})
	run("initial packet", engineio.Config{InitialPacket: "welcome"}, func(t *testing.T, s *wtServer) {
		c, _ := s.stream(nil)
		c.send("\x010")
		c.read()
		c.want("4welcome")
	})
	run("messages", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, x := s.direct()
		big := strings.Repeat("ü", 40_000)
		for _, m := range []string{"hello", big} {
			if err := x.Send([]byte(m), false); err != nil {
				t.Fatal(err)
			}
			c.want("4" + m)
			if err := x.Send([]byte(m), true); err != nil {
				t.Fatal(err)
			}
			c.want("binary " + m)
		}
		_ = x.Send(nil, true)
		c.want("b") // the form that official clients take
		if err := x.Write(wire.AppendBinary(wire.AppendText(nil, wire.Message, []byte("451-[]")), []byte{1}), 0); err != nil {
			t.Fatal(err)
		}
		c.want("4451-[]", "binary \x01")
		c.send("\x064hello\x83\x01\x02\x03\x80")
		for _, b := range append(binary.BigEndian.AppendUint64([]byte{127}, uint64(1+len(big))), "4"+big...) {
			c.send(string([]byte{b}))
		}
		for _, want := range []string{"falsehello", "true\x01\x02\x03", "true", "false" + big} {
			if got := <-s.messages; got != want {
				t.Errorf("message %.40q, want %.40q", got, want)
			}
		}
	})
	run("callbacks", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, x := s.direct()
		done := make(chan string, 4)
		for _, m := range []string{"a", "b", "c", "d"} {
			if err := x.SendFunc([]byte(m), false, func() { done <- m }); err != nil {
				t.Fatal(err)
			}
		}
		c.want("4a", "4b", "4c", "4d")
		if got := <-done + <-done + <-done + <-done; got != "abcd" {
			t.Errorf("callbacks %q", got)
		}
	})
	run("heartbeat", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, _ := s.direct()
		for range 5 {
			c.want("2")
			c.send("\x013")
		}
		c.want("2")
		c.want("2") // the last frame before the end, for nobody answered
		c.wantEnd()
		_ = s.wantClosing(engineio.ReasonPingTimeout)
	})
	run("the peer closes", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, _ := s.direct()
		c.conn.Close()
		_ = s.wantClosing(engineio.ReasonTransportClose)
		c, _ = s.direct()
		c.send("\x011")
		c.wantEnd()
		_ = s.wantClosing(engineio.ReasonTransportClose)
	})
	run("nothing is lost by closing", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, x := s.direct()
		for _, m := range []string{"a", "b"} {
			if err := x.Send([]byte(m), false); err != nil {
				t.Fatal(err)
			}
		}
		x.Close()
		c.want("4a", "4b", "2")
		begun := time.Now()
		c.send("\x013")
		c.wantEnd()
		if d := time.Since(begun); d > 0 {
			t.Errorf("the session stayed open for %v", d)
		}
		_ = s.wantClosing(engineio.ReasonForcedClose)
	})
	run("a peer that does not show what it has read", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, x := s.direct()
		c.want("2") // a heartbeat is under way
		x.Close()
		c.want("2")
		begun := time.Now()
		c.send("\x013") // that of the heartbeat
		c.wantEnd()
		if d := time.Since(begun); d < time.Second/2 || d > 2*time.Second {
			t.Errorf("the session was closed after %v", d)
		}
		_ = s.wantClosing(engineio.ReasonForcedClose)
	})
	run("a peer that does not read", engineio.Config{}, func(t *testing.T, s *wtServer) {
		_, x := s.direct()
		if err := x.Send([]byte("a"), false); err != nil {
			t.Fatal(err)
		}
		if cause := s.wantClosing(engineio.ReasonTransportError); !errors.Is(cause, engineio.ErrSlowPeer) {
			t.Error(cause)
		}
	})
	run("Shutdown", engineio.Config{}, func(t *testing.T, s *wtServer) {
		c, _ := s.direct()
		waiting, _ := s.stream(nil)
		begun := time.Now()
		go func() { // the pipe holds nothing
			c.want("2")
			c.wantEnd()
			waiting.wantEnd()
		}()
		if err := s.engine.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if d := time.Since(begun); d > 2*time.Second {
			t.Errorf("took %v", d)
		}
		if _, w := s.stream(nil); w.Code != http.StatusServiceUnavailable {
			t.Errorf("status %d after Shutdown", w.Code)
		}
		_ = s.wantClosing(engineio.ReasonForcedClose)
	})
}

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
			x.Trust()
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
			if _, w := s.stream(func(r *http.Request) { r.Header.Set("Origin", "https://evil.test") }); w.Code != http.StatusForbidden {
				t.Errorf("status %d", w.Code)
			}
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

func TestWebTransportUpgrade(t *testing.T) {
	all := engineio.Config{Transports: []engineio.Transport{engineio.WebTransport, engineio.Polling, engineio.WebSocket}}
	offer := func(sid string) string { return fmt.Sprintf("%c0{\"sid\":%q}", len(sid)+11, sid) }
	open := func(s *wtServer) (sid string, c stream) {
		first := s.poll("")
		if !strings.Contains(first, `"upgrades":["websocket","webtransport"]`) {
			t.Errorf("opened with %q", first)
		}
		sid = (<-s.sessions).ID()
		c, _ = s.stream(nil)
		return sid, c
	}
	run := func(name string, c engineio.Config, f func(t *testing.T, s *wtServer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, startWT(t, c)) })
		})
	}
	events := all
	told := make(chan engineio.Transport, 2)
	events.Events.Upgrading = func(_ *engineio.Session, to engineio.Transport) { told <- to }
	events.Events.Upgrade = events.Events.Upgrading
	run("from polling", events, func(t *testing.T, s *wtServer) {
		sid, c := open(s)
		x, _ := s.engine.Session(sid)
		c.send(offer(sid))
		c.send("\x062probe")
		c.want("3probe")
		if x.Transport() != engineio.Polling || !x.Stats().Upgrading {
			t.Errorf("%+v", x.Stats())
		}
		if got := s.poll("&sid=" + sid); got != "6" {
			t.Errorf("GET %q", got)
		}
		_ = x.Send([]byte("late"), false)
		c.send("\x015")
		c.want("4late")
		if x.Transport() != engineio.WebTransport {
			t.Errorf("%+v", x.Stats())
		}
		for range 2 {
			if got := <-told; got != engineio.WebTransport {
				t.Errorf("told of %v", got)
			}
		}
		c.send("\x054one!")
		if got := <-s.messages; got != "falseone!" {
			t.Error(got)
		}
		if got := s.poll("&sid=" + sid); !strings.Contains(got, "Bad request") {
			t.Errorf("GET %q", got)
		}
	})
	run("only one at a time, and only once", all, func(t *testing.T, s *wtServer) {
		sid, c := open(s)
		c.send(offer(sid))
		second, _ := s.stream(nil)
		second.send(offer(sid))
		second.wantEnd()
		c.send("\x062probe")
		c.want("3probe")
		c.send("\x015")
		third, _ := s.stream(nil)
		third.send(offer(sid))
		third.wantEnd()
		x, _ := s.engine.Session(sid)
		_ = x.Send([]byte("still here"), false)
		c.want("4still here")
		direct, y := s.direct()
		fourth, _ := s.stream(nil)
		fourth.send(offer(y.ID()))
		fourth.wantEnd()
		_ = y.Send([]byte("here too"), false)
		direct.want("4here too")
	})
	run("bad packet while probing", all, func(t *testing.T, s *wtServer) {
		sid, c := open(s)
		c.send(offer(sid))
		c.send("\x054oops")
		c.wantEnd()
		again, _ := s.stream(nil)
		again.send(offer(sid))
		again.send("\x062probe")
		again.want("3probe")
	})
	run("never probes", all, func(t *testing.T, s *wtServer) {
		sid, c := open(s)
		c.send(offer(sid))
		begun := time.Now()
		c.wantEnd()
		if d := time.Since(begun); d < 9*time.Second || d > 11*time.Second {
			t.Errorf("the candidate was closed after %v", d)
		}
		if s.engine.Sessions() != 1 {
			t.Error("the session is gone")
		}
	})
	run("the session closes while probing", all, func(t *testing.T, s *wtServer) {
		sid, c := open(s)
		c.send(offer(sid))
		c.send("\x062probe")
		c.want("3probe")
		x, _ := s.engine.Session(sid)
		x.Discard(nil)
		c.wantEnd()
	})
	refusing := all
	refusing.NoUpgrades = true
	run("NoUpgrades", refusing, func(t *testing.T, s *wtServer) {
		s.poll("")
		c, _ := s.stream(nil)
		c.send(offer((<-s.sessions).ID()))
		c.wantEnd()
	})
	run("not of protocol 3", engineio.Config{AllowEIO3: true, Transports: all.Transports}, func(t *testing.T, s *wtServer) {
		s.poll("&EIO=3")
		c, _ := s.stream(nil)
		c.send(offer((<-s.sessions).ID()))
		c.wantEnd()
	})
}

// A large message arrives whole at any chunking, and 1,000,000 bytes have a header of 9 bytes.
func TestWebTransportMillionBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startWT(t, engineio.Config{})
		c, x := s.direct()
		million := bytes.Repeat([]byte("a"), 1_000_000)
		go func() {
			_, _ = c.conn.Write(append([]byte{0xff, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40}, million...))
		}()
		if got := <-s.messages; got != "true"+string(million) {
			t.Errorf("%d bytes", len(got))
		}
		_ = x.Send(million, true)
		got := make([]byte, 9+len(million))
		if _, err := io.ReadFull(c.conn, got); err != nil || !bytes.Equal(got[:9], []byte{0xff, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40}) || !bytes.Equal(got[9:], million) {
			t.Errorf("%x, %v", got[:9], err)
		}
	})
}

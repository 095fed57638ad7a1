package engineio_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// One test for each kind of published vulnerability that servers of this sort have had, as far as it concerns the engine. Those
// that another test holds already are only labelled there.

// tcp opens a connection to the server and writes to it.
func (s *server) tcp(bytes string) *net.TCPConn {
	s.Helper()
	conn, err := net.Dial("tcp", strings.Split(s.url, "/")[2])
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, bytes); err != nil {
		s.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// alive fails the test unless the server still serves.
func (s *server) alive() {
	s.Helper()
	q := s.polling()
	s.wantReply(s.request("POST", q, "4alive"), 200, "ok")
	s.wantReply(s.request("GET", q, ""), 200, "4alive")
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); <-time.After(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// Session ids cannot be guessed: 120 bits, all of them random, and none of them in a log.
func TestAbuse_CVE_2017_16031_SessionIDs(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2017-16031")
	var log bytes.Buffer
	var ids []string
	c := engineio.Config{
		MaxPayload: 10,
		Logger:     slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Events:     engineio.Events{Connection: func(x *engineio.Session) { ids = append(ids, x.ID()) }},
	}
	e := newEngine(t, c)
	const n = 2000
	for range n {
		answer(t, e, engineio.DefaultPath+"?"+handshake)
	}
	seen := make(map[string]bool)
	var ones [120]int
	for _, id := range ids {
		b, err := base64.RawURLEncoding.DecodeString(id)
		if err != nil || len(b) != 15 || seen[id] {
			t.Fatalf("id %q, %v; twice: %t", id, err, seen[id])
		}
		seen[id] = true
		for i := range ones {
			ones[i] += int(b[i/8] >> (i % 8) & 1)
		}
	}
	for i, k := range ones { // 2,000 throws of a coin stay within these bounds but once in 10^18
		if k < n/2-200 || k > n/2+200 {
			t.Errorf("bit %d is set in %d of %d ids", i, k, n)
		}
	}
	// Mistakes of clients that know an id.
	for _, q := range []string{"EIO=3&transport=polling&sid=", "EIO=4&transport=websocket&sid=", "EIO=4&transport=x&sid="} {
		answer(t, e, engineio.DefaultPath+"?"+q+ids[0])
	}
	if strings.Contains(log.String(), ids[0]) {
		t.Errorf("a session's id is in the log: %s", &log)
	}
}

// Bodies of any length are refused before memory is taken for them, and end their sessions.
func TestAbuse_CVE_2020_36048_LargeBodies(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2020-36048")
	s := start(t, engineio.Config{Events: engineio.Events{Message: func(_ *engineio.Session, data []byte, _ bool) { t.Errorf("%d bytes were delivered", len(data)) }}})
	var sessions [51]string
	for i := range sessions {
		sessions[i] = s.polling()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, q := range sessions[1:] {
		conn := s.tcp(fmt.Sprintf("POST %s?%s HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n4aaaa", engineio.DefaultPath, q))
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		b := make([]byte, len("HTTP/1.1 413"))
		if _, err := io.ReadFull(conn, b); err != nil || string(b) != "HTTP/1.1 413" {
			t.Fatalf("%q, %v", b, err)
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 10<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
	// One whose length is not known before it ends.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"?"+sessions[0], io.LimitReader(endless{}, 100_000_000))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.do(r); err == nil && got.status != 413 { // or the connection ends while we are still sending
		t.Errorf("%+v", got)
	}
	for range sessions {
		if got := next(t, s.closings); got.reason != engineio.ReasonTransportError || !errors.Is(got.cause, engineio.ErrPayloadTooLarge) {
			t.Errorf("closed with %q, %v", got.reason, got.cause)
		}
	}
}

// endless is a body that never ends.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '4'
	}
	return len(b), nil
}

// A connection that is reset at any step of a handshake or an upgrade costs that connection.
func TestAbuse_CVE_2022_41940_Resets(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2022-41940")
	s := start(t, engineio.Config{})
	q := s.polling()
	x := next(t, s.sessions)
	reset := func(conn *net.TCPConn) {
		_ = conn.SetLinger(0)
		_ = conn.Close()
	}
	for _, query := range []string{direct, strings.Replace(q, "polling", "websocket", 1)} {
		request := "GET " + engineio.DefaultPath + "?" + query + upgradeRequest + "\r\n"
		frames := "\x81\x86\x00\x00\x00\x002probe\x81\x81\x00\x00\x00\x00"
		for _, n := range []int{0, 1, 10, len(request) - 1, len(request), len(request) + 1, len(request) + 7, len(request) + len(frames)} {
			conn := s.tcp((request + frames)[:n])
			if n > len(request) {
				_ = conn.SetReadDeadline(time.Now().Add(patience))
				if _, err := conn.Read(make([]byte, 1)); err != nil {
					t.Error(err)
				}
			}
			reset(conn)
			if strings.Contains(query, "sid") && n >= len(request) {
				eventually(t, "the candidate is given up", func() bool { return !x.Stats().Upgrading })
			}
		}
	}
	eventually(t, "the sessions of the connections are gone", func() bool { return s.engine.Sessions() == 1 })
	s.wantReply(s.request("POST", q, "4hi"), 200, "ok")
	s.wantReply(s.request("GET", q, ""), 200, "4hi")
}

// Any query: refused or served, never more.
func FuzzAbuse_CVE_2023_31125_Query(f *testing.F) {
	for _, q := range []string{
		handshake, direct, "EIO=&transport=&sid=&j=&b64=", "EIO=4&transport=constructor", "EIO=4&transport=polling&transport=websocket&sid=__proto__",
		"EIO=4&EIO=3&transport=polling&j=1", "%45IO=4&transport=%70olling&sid=%00", "EIO=%&transport=%zz", "=&==&&", "EIO=4;transport=polling", "transport=polling&EIO=4&b64=1&j=a&sid=" + strings.Repeat("x", 10_000),
	} {
		f.Add(q)
	}
	e, err := engineio.New(engineio.Config{AllowEIO3: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = e.Shutdown(context.Background()) })
	f.Fuzz(func(t *testing.T, q string) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := httptest.NewRequest(method, engineio.DefaultPath, nil)
			r.URL.RawQuery = q
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			if w.Code != 200 && w.Code != 400 {
				t.Errorf("%s %q: %d %s", method, q, w.Code, w.Body)
			}
		}
		if _, ok := e.Session(""); ok {
			t.Error("a session without an id")
		}
	})
}

func TestAbuse_CVE_2023_31125_Query(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2023-31125")
	e := newEngine(t, engineio.Config{AllowEIO3: true})
	odd := []string{"", "4", "3", "__proto__", "constructor", "polling", "websocket", "webtransport", "%00", "%", "a b", "null", "[object Object]"}
	for _, key := range []string{"EIO", "transport", "sid", "j", "b64", "t"} {
		for _, one := range odd {
			for _, two := range odd { // duplicates: the last one counts
				q := handshake + "&" + key + "=" + one + "&" + key + "=" + two
				r := httptest.NewRequest(http.MethodGet, engineio.DefaultPath, nil)
				r.URL.RawQuery = q
				w := httptest.NewRecorder()
				e.ServeHTTP(w, r)
				served := key == "EIO" || key == "j" || key == "b64" || key == "t" || key == "transport" && two == "polling" || key == "sid" && two == ""
				if served && w.Code != 200 || !served && w.Code != 400 {
					t.Errorf("%s: %d %s", q, w.Code, w.Body)
				}
			}
		}
	}
}

// Long and odd lists of subprotocols and extensions are looked at once.
func TestAbuse_GHSA_5v72_HandshakeHeaders(t *testing.T) {
	t.Attr("covers", "abuse/GHSA-5v72-xg48-5rpm")
	config := deflate()
	config.MaxHeaderBytes = 1 << 20
	s := start(t, config)
	many := make([]string, 100_000)
	for i := range many {
		many[i] = fmt.Sprint("p", i)
	}
	for name, c := range map[string]struct {
		header string
		status int
	}{
		"many subprotocols":     {"Sec-WebSocket-Protocol: " + strings.Join(many, ","), 101},
		"one of them twice":     {"Sec-WebSocket-Protocol: " + strings.Join(many, ",") + ",p0", 400},
		"spaces":                {"Sec-WebSocket-Protocol: a" + strings.Repeat(" ", 500_000) + "b", 400},
		"names of a prototype":  {"Sec-WebSocket-Protocol: __proto__, constructor, toString", 101},
		"extensions of a proto": {"Sec-WebSocket-Extensions: __proto__; constructor=1, toString; __proto__", 101},
		"spaces in extensions":  {"Sec-WebSocket-Extensions: permessage-deflate" + strings.Repeat(" ", 500_000) + "x", 400},
		"backslashes":           {`Sec-WebSocket-Extensions: a; b="` + strings.Repeat(`\`, 500_000), 400},
		"more than may be":      {"Sec-WebSocket-Protocol: " + strings.Repeat("a", 2_000_000), 431},
	} {
		t.Run(name, func(t *testing.T) {
			s.T = t
			if got, _ := s.upgradeWith(direct, c.header); got.status != c.status {
				t.Errorf("status %d, want %d", got.status, c.status)
			}
		})
	}
	s.T = t
	s.alive()
}

// More headers than some servers count.
func TestAbuse_CVE_2024_37890_ManyHeaders(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2024-37890")
	s := start(t, engineio.Config{MaxHeaderBytes: 1 << 20})
	header := make([]string, 2000)
	for i := range header {
		header[i] = fmt.Sprintf("X-Header-%d: %d", i, i)
	}
	got, c := s.upgradeWith(direct, header...)
	if got.status != 101 {
		t.Fatalf("status %d", got.status)
	}
	c.open()
	if v := next(t, s.sessions).Handshake().Header().Get("X-Header-1999"); v != "1999" {
		t.Errorf("the last header is %q", v)
	}
	s.alive()
}

// Streams of HTTP/2 that are opened and reset at once, thousands of them.
func TestAbuse_CVE_2023_39325_RapidResets(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2023-39325")
	s := http2Server(t, engineio.Config{})
	q := s.polling()
	var all sync.WaitGroup
	for range 500 {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"?"+q, nil)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if got, err := s.do(r); err != nil && !errors.Is(err, context.Canceled) {
				t.Logf("%+v, %v", got, err) // the server may end a connection that does this
			}
		})
		cancel()
	}
	all.Wait()
	s.alive()
	eventually(t, "the session that was played with is gone, or polls", func() bool { return s.engine.Sessions() <= 2 })
}

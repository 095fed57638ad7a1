package engineio_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
)

// wantClosing checks what the Close event said, and that the session is unknown from then on.
func (s *server) wantClosing(q string, reason engineio.Reason, cause string) {
	s.Helper()
	got := next(s.T, s.closings)
	text := ""
	if got.cause != nil {
		text = got.cause.Error()
	}
	if got.reason != reason || !strings.Contains(text, cause) {
		s.Errorf("closed with %q, %v; want %q, %q", got.reason, got.cause, reason, cause)
	}
	if got := s.request("GET", q, ""); got.status != 400 || got.body != `{"code":1,"message":"Session ID unknown"}` {
		s.Errorf("a later poll got %+v", got)
	}
}

// The rows of behaviour 1.7.

func TestSecondGETClosesSession(t *testing.T) {
	t.Attr("covers", "easy/8 abuse/extra/4")
	s := start(t, engineio.Config{})
	q := s.polling()
	parked := s.poll(q)
	s.parked(next(t, s.sessions))
	if got := s.request("GET", q, ""); got.status != 400 || got.body != "" {
		t.Errorf("2nd GET: %+v", got)
	}
	if got := next(t, parked); got.status != 200 || got.body != "1" {
		t.Errorf("parked GET: %+v", got)
	}
	s.wantClosing(q, engineio.ReasonTransportError, "overlap from client")
}

// begin sends a POST whose body is not complete.
func (s *server) begin(q string, header ...string) (conn net.Conn) {
	s.Helper()
	conn, err := new(net.Dialer).DialContext(s.Context(), "tcp", strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), engineio.DefaultPath))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "POST %s?%s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n%s\r\n4first", engineio.DefaultPath, q, strings.Join(append(header, ""), "\r\n")); err != nil {
		s.Fatal(err)
	}
	return conn
}

// beginRead is begin that waits until the server reads the body.
func (s *server) beginRead(q string) net.Conn {
	s.Helper()
	conn := s.begin(q, "Expect: 100-continue")
	if b, err := io.ReadAll(io.LimitReader(conn, 25)); err != nil || string(b) != "HTTP/1.1 100 Continue\r\n\r\n" {
		s.Fatalf("%q, %v", b, err)
	}
	return conn
}

func TestSecondPOSTClosesSession(t *testing.T) {
	t.Attr("covers", "easy/8")
	s := start(t, engineio.Config{})
	q := s.polling()
	first := s.beginRead(q)
	if got := s.request("POST", q, "4second"); got.status != 400 || got.body != "" {
		t.Errorf("2nd POST: %+v", got)
	}
	if b, err := io.ReadAll(first); err != nil && errors.Is(err, os.ErrDeadlineExceeded) || len(b) > 0 {
		t.Errorf("the 1st POST was answered %q, %v; want its connection destroyed", b, err)
	}
	s.wantClosing(q, engineio.ReasonTransportError, "data request overlap from client")
}

func TestAbortedGETClosesSession(t *testing.T) {
	t.Attr("covers", "easy/9 engine/server/close/15")
	s := start(t, engineio.Config{})
	q := s.polling()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", s.url+"?"+q, nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		_, err := s.do(r)
		gone <- err
	}()
	s.parked(next(t, s.sessions))
	cancel()
	if err := next(t, gone); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	s.wantClosing(q, engineio.ReasonTransportError, "poll connection closed prematurely")
}

func TestAbortedPOSTClosesSession(t *testing.T) {
	s := start(t, engineio.Config{})
	q := s.polling()
	conn := s.begin(q)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	s.wantClosing(q, engineio.ReasonTransportError, "data request connection closed prematurely")
}

func TestPOSTThatNeverEndsIsCutOff(t *testing.T) {
	t.Attr("covers", "abuse/extra/6")
	s := start(t, engineio.Config{ReadTimeout: 20 * time.Millisecond})
	q := s.polling()
	s.begin(q)
	s.wantClosing(q, engineio.ReasonTransportError, "http request timeout")
}

func TestBinaryPOSTIsInvalidContent(t *testing.T) {
	t.Attr("covers", "easy/10 engine/server/close/23")
	s := start(t, engineio.Config{})
	q := s.polling()
	parked := s.poll(q)
	s.parked(next(t, s.sessions))
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"?"+q, strings.NewReader("4x"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/octet-stream")
	if got, err := s.do(r); err != nil || got.status != 400 || got.body != "" {
		t.Errorf("POST: %+v, %v", got, err)
	}
	if got := next(t, parked); got.body != "1" {
		t.Errorf("parked GET: %+v", got)
	}
	s.wantClosing(q, engineio.ReasonTransportError, "invalid content")
}

func TestPOSTSizeLimit(t *testing.T) {
	t.Attr("covers", "easy/10 easy/14 engine/server/messages/3 engine/server/messages/5 engine/server/messages/16 abuse/CVE-2020-36048")
	for _, c := range []struct {
		size, status int
	}{{10, 200}, {11, 413}, {1 << 20, 413}} {
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"announced": func(r io.Reader) io.Reader { return r },
			"chunked":   func(r io.Reader) io.Reader { return struct{ io.Reader }{r} }, // its size is not announced
		} {
			t.Run(fmt.Sprintf("%d %s", c.size, name), func(t *testing.T) {
				s := start(t, engineio.Config{MaxPayload: 10})
				q := s.polling()
				body := wrap(strings.NewReader("4" + strings.Repeat("x", c.size-1)))
				r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"?"+q, body)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := s.do(r); err != nil || got.status != c.status {
					t.Errorf("status %d, %v, want %d", got.status, err, c.status)
				}
				if c.status == http.StatusOK {
					if got := s.request("GET", q, ""); got.body != "4xxxxxxxxx" {
						t.Errorf("GET: %+v", got)
					}
					return
				}
				// The session ends, with a cause that names the limit.
				got := next(t, s.closings)
				if got.reason != engineio.ReasonTransportError || !errors.Is(got.cause, engineio.ErrPayloadTooLarge) ||
					!strings.Contains(got.cause.Error(), "the limit is 10 (Config.MaxPayload)") {
					t.Errorf("closed with %q, %v", got.reason, got.cause)
				}
			})
		}
	}
}

// What is not UTF-8 must not get to other clients, whose WebSockets it would close.
func TestPOSTThatIsNotUTF8(t *testing.T) {
	s := start(t, engineio.Config{})
	q := s.polling()
	s.wantReply(s.request("POST", q, "4\xff\xfeA\x1e4\xe2\x82\x1ebgA=="), 200, "ok")
	s.wantReply(s.request("GET", q, ""), 200, "4\ufffd\ufffdA\x1e4\ufffd\x1ebgA==")
}

func TestUndecodablePOSTClosesSession(t *testing.T) {
	t.Attr("covers", "easy/13 engine/server/close/31")
	for _, body := range []string{"abc", "", "4x\x1e", "\x1e4x", "7", "4x\x1eabc"} {
		t.Run(body, func(t *testing.T) {
			s := start(t, engineio.Config{})
			q := s.polling()
			parked := s.poll(q)
			s.parked(next(t, s.sessions))
			r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"?"+q, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := s.do(r); err == nil {
				t.Errorf("POST was answered: %+v", got)
			}
			// What came before the bad packet is delivered and its echo may win the race for the GET.
			if got := next(t, parked); got.body != "1" && got.body != "4x" {
				t.Errorf("parked GET: %+v", got)
			}
			got := next(t, s.closings)
			if got.reason != engineio.ReasonParseError || !errors.Is(got.cause, wire.ErrPacket) {
				t.Errorf("closed with %+v", got)
			}
		})
	}
}

// Replies to the packets before a bad one are not lost with the session.
func TestRepliesBeforeUndecodablePacketArrive(t *testing.T) {
	t.Attr("covers", "easy/13")
	s := start(t, engineio.Config{})
	q := s.polling()
	parked := s.poll(q)
	s.parked(next(t, s.sessions))
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"?"+q, strings.NewReader("4before\x1eabc\x1e4after"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.do(r); err == nil {
		t.Errorf("POST was answered: %+v", got)
	}
	if got := next(t, parked); got.body != "4before" {
		t.Errorf("parked GET: %+v", got)
	}
}

func TestClosePacketReleasesGETWithNoop(t *testing.T) {
	t.Attr("covers", "easy/12")
	s := start(t, engineio.Config{})
	q := s.polling()
	parked := s.poll(q)
	s.parked(next(t, s.sessions))
	if got := s.request("POST", q, "1"); got.body != "ok" {
		t.Errorf("POST: %+v", got)
	}
	if got := next(t, parked); got.body != "6" {
		t.Errorf("parked GET: %+v", got)
	}
	s.wantClosing(q, engineio.ReasonTransportClose, "")
}

// A client that closes in the middle of a burst is gone: what stands behind its close packet is not handled.
func TestNothingBehindAClosePacketIsHandled(t *testing.T) {
	t.Attr("covers", "engine/server/close/12")
	handled := make(chan string, 10)
	s := start(t, engineio.Config{Events: engineio.Events{Message: func(_ *engineio.Session, data []byte, _ bool) { handled <- string(data) }}})
	q := s.polling()
	if got := s.request("POST", q, "4a\x1e1\x1e4b"); got.body != "ok" {
		t.Errorf("POST: %+v", got)
	}
	s.wantClosing(q, engineio.ReasonTransportClose, "")
	if got := next(t, handled); got != "a" || len(handled) > 0 {
		t.Errorf("handled %q and %d more", got, len(handled))
	}
}

func TestOtherMethodsWithSession(t *testing.T) {
	t.Attr("covers", "easy/5")
	s := start(t, engineio.Config{})
	q := s.polling()
	for _, m := range []string{"PUT", "DELETE", "HEAD", "OPTIONS"} {
		if got := s.request(m, q, ""); got.status != 500 || got.body != "" {
			t.Errorf("%s: %+v", m, got)
		}
	}
	if got := s.request("POST", q, "4x"); got.body != "ok" {
		t.Errorf("the session is gone: %+v", got)
	}
}

func TestClientPingIsAnError(t *testing.T) {
	t.Attr("covers", "easy/23")
	s := start(t, engineio.Config{})
	q := s.polling()
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"?"+q, strings.NewReader("2"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.do(r); err == nil {
		t.Errorf("POST was answered: %+v", got)
	}
	s.wantClosing(q, engineio.ReasonTransportError, "invalid heartbeat direction")
}

// A session that ends because of what was posted leaves the connection of that POST to other requests.
func TestPOSTThatEndsSessionKeepsConnection(t *testing.T) {
	s := start(t, engineio.Config{Events: engineio.Events{
		Message: func(x *engineio.Session, _ []byte, _ bool) { x.Discard(nil) },
	}})
	for range 20 { // whether it does is a race
		conn := s.begin(s.polling()) // the rest of the body is still to come
		r := bufio.NewReader(conn)
		const rest = "xxxx"
		for _, request := range []string{rest, "GET " + engineio.DefaultPath + " HTTP/1.1\r\nHost: x\r\n\r\n"} {
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if request == rest {
				next(t, s.closings) // by now everything about the session has ended
			}
		}
	}
}

// A page that can only load scripts polls with them and uploads with forms, in both revisions of the protocol.
func TestJSONP(t *testing.T) {
	for version, payloads := range map[string]func(packets ...string) string{
		"3": func(packets ...string) string {
			b := ""
			for _, p := range packets {
				b += string(rune('0'+len([]rune(p)))) + ":" + p
			}
			return b
		},
		"4": func(packets ...string) string { return strings.Join(packets, "\x1e") },
	} {
		t.Run(version, func(t *testing.T) {
			s := v3(t, engineio.Config{MaxPayload: 200})
			opened := s.request("GET", "transport=polling&b64=1&j=1a2&EIO="+version, "")
			body, wrapped := strings.CutPrefix(opened.body, "___eio[12](\"")
			if !wrapped || !strings.HasSuffix(body, "\");") || opened.header.Get("Content-Type") != "text/plain; charset=UTF-8" {
				t.Fatalf("got %+v", opened)
			}
			_, id, _ := strings.Cut(body, `\"sid\":\"`)
			id, _, _ = strings.Cut(id, `\"`)
			q := "transport=polling&b64=1&j=12&EIO=" + version + "&sid=" + id

			upload := func(payload string) reply {
				return s.post(q, "application/x-www-form-urlencoded", "d="+url.QueryEscape(payload))
			}
			s.wantReply(upload(payloads("4a<b", "4€\u2028")), 200, "ok")
			want := `___eio[12]("` + strings.ReplaceAll(payloads("4a<b", `4€`), "\x1e", `\u001e`) + `\u2028");`
			if version == "3" {
				want = `___eio[12]("4:4a<b3:4€\u2028");`
			}
			s.wantReply(s.request("GET", q, ""), 200, want)

			// Newlines come escaped.
			s.wantReply(upload(strings.ReplaceAll(payloads("4a\nb"), "\n", `\n`)), 200, "ok")
			s.wantReply(s.request("GET", q, ""), 200, `___eio[12]("`+strings.ReplaceAll(payloads("4a\nb"), "\n", `\n`)+`");`)
			s.wantReply(upload(strings.ReplaceAll(payloads(`4a\nb`), `\n`, `\\n`)), 200, "ok")
			s.wantReply(s.request("GET", q, ""), 200, `___eio[12]("`+strings.ReplaceAll(payloads(`4a\nb`), `\n`, `\\n`)+`");`)

			// Without its field the form is empty, which is fine.
			s.wantReply(s.post(q, "application/x-www-form-urlencoded", "e=4x"), 200, "ok")
			s.wantReply(s.post(q, "application/x-www-form-urlencoded", ""), 200, "ok")

			// The limit is that of the body.
			for _, c := range []struct{ size, status int }{{200, 200}, {201, 413}, {20_000, 400}} { // 400: the session is over
				if got := s.post(q, "application/x-www-form-urlencoded", "e="+strings.Repeat("x", c.size-2)); got.status != c.status {
					t.Errorf("%d bytes: %d", c.size, got.status)
				}
			}
		})
	}
}

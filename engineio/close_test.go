package engineio_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
)

func TestCloseAnswersParkedGET(t *testing.T) {
	s := start(t, engineio.Config{})
	q := s.polling()
	x := next(t, s.sessions)
	parked := s.poll(q)
	s.parked(x)
	x.Close()
	if got := next(t, parked); got.body != "1" {
		t.Errorf("parked GET: %+v", got)
	}
	s.wantClosing(q, engineio.ReasonForcedClose, "")
}

// Data first, then the close packet: behaviour 1.11, the two-step case.
func TestCloseWithoutGETWaitsForIt(t *testing.T) {
	t.Attr("covers", "easy/11")
	s := start(t, engineio.Config{})
	q := s.polling()
	x := next(t, s.sessions)
	if err := x.Send([]byte("last words"), false); err != nil {
		t.Fatal(err)
	}
	x.Close()
	if err := x.Send([]byte("too late"), false); !errors.Is(err, engineio.ErrClosed) {
		t.Errorf("Send after Close: %v", err)
	}
	if got := s.request("GET", q, ""); got.body != "4last words" {
		t.Errorf("1st GET: %+v", got)
	}
	if got := s.request("POST", q, "4ignored"); got.body != "ok" {
		t.Errorf("POST: %+v", got)
	}
	if got := s.request("GET", q, ""); got.body != "6\x1e1" {
		t.Errorf("2nd GET: %+v", got)
	}
	s.wantClosing(q, engineio.ReasonForcedClose, "")
}

func TestCloseOfWebSocketFlushesFirst(t *testing.T) {
	t.Attr("covers", "easy/25 easy/27 engine/server/close/38 engine/server/messages/8")
	s := start(t, engineio.Config{})
	c := s.dial(direct)
	c.open()
	x := next(t, s.sessions)
	big := bytes.Repeat([]byte("x"), 1<<20) // more than the kernel takes at once
	for range 3 {
		if err := x.Send(big, false); err != nil {
			t.Fatal(err)
		}
	}
	x.Close()
	for range 3 {
		c.want("4" + string(big))
	}
	if code := c.wantEnd(); code != ws.StatusNoStatusRcvd {
		t.Errorf("close code %d, want none", code)
	}
	if got := next(t, s.closings); got.reason != engineio.ReasonForcedClose || got.cause != nil {
		t.Errorf("closed with %+v", got)
	}
}

func TestDiscardDropsWhatIsQueued(t *testing.T) {
	t.Attr("covers", "easy/27")
	s := start(t, engineio.Config{})
	q := s.polling()
	x := next(t, s.sessions)
	if err := x.Send([]byte("never"), false); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("because")
	x.Discard(cause)
	if got := next(t, s.closings); got.reason != engineio.ReasonForcedClose || !errors.Is(got.cause, cause) {
		t.Errorf("closed with %+v", got)
	}
	if got := s.request("GET", q, ""); got.status != 400 {
		t.Errorf("GET: %+v", got)
	}
}

func TestCloseInsideConnectionEvent(t *testing.T) {
	s := start(t, engineio.Config{Events: engineio.Events{Connection: func(x *engineio.Session) { x.Discard(nil) }}})
	c := s.dial(direct)
	c.open()
	c.wantEnd()
	next(t, s.sessions)
	next(t, s.closings)
}

// A peer that does not read is cut off with a named cause, and no other session waits for it.
func TestStalledPeer(t *testing.T) {
	t.Attr("covers", "abuse/extra/7")
	t.Run("queue full", func(t *testing.T) {
		s := start(t, engineio.Config{MaxBufferedBytes: 1 << 20})
		s.dial(direct)
		x := next(t, s.sessions)
		chunk := bytes.Repeat([]byte("x"), 64<<10)
		var err error
		for i := 0; err == nil && i < 10_000; i++ {
			err = x.Send(chunk, true)
		}
		if !errors.Is(err, engineio.ErrQueueFull) {
			t.Errorf("Send: %v, want ErrQueueFull", err)
		}
		if got := next(t, s.closings); !errors.Is(got.cause, engineio.ErrQueueFull) {
			t.Errorf("closed with %+v", got)
		}
	})
	t.Run("too slow", func(t *testing.T) {
		s := start(t, engineio.Config{WriteTimeout: 250 * time.Millisecond, MaxBufferedBytes: 64 << 20})
		s.dial(direct)
		slow := next(t, s.sessions)
		for range 32 {
			_ = slow.Send(make([]byte, 1<<20), true)
		}
		other := s.dial(direct)
		other.open()
		other.send("4hi")
		other.want("4hi")
		if got := next(t, s.closings); !errors.Is(got.cause, engineio.ErrSlowPeer) || got.reason != engineio.ReasonTransportError {
			t.Errorf("closed with %+v", got)
		}
	})
	t.Run("poll that is never read", func(t *testing.T) {
		s := start(t, engineio.Config{WriteTimeout: 250 * time.Millisecond, MaxBufferedBytes: 64 << 20})
		q := s.polling()
		x := next(t, s.sessions)
		for range 32 {
			if err := x.Send(make([]byte, 1<<20), true); err != nil {
				t.Fatal(err)
			}
		}
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), engineio.DefaultPath))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := fmt.Fprintf(conn, "GET %s?%s HTTP/1.1\r\nHost: x\r\n\r\n", engineio.DefaultPath, q); err != nil {
			t.Fatal(err)
		}
		if got := next(t, s.closings); got.reason != engineio.ReasonTransportError || !errors.Is(got.cause, os.ErrDeadlineExceeded) {
			t.Errorf("closed with %+v", got)
		}
	})
	t.Run("polling queue full", func(t *testing.T) {
		s := start(t, engineio.Config{MaxBufferedPackets: 3})
		s.polling()
		x := next(t, s.sessions)
		var err error
		for range 4 {
			err = x.Send(nil, false)
		}
		if !errors.Is(err, engineio.ErrQueueFull) {
			t.Errorf("Send: %v, want ErrQueueFull", err)
		}
		next(t, s.closings)
	})
}

func TestShutdownRefusesNewSessions(t *testing.T) {
	s := start(t, engineio.Config{})
	c := s.dial(direct)
	c.open()
	next(t, s.sessions) // the server has announced it, too
	q := s.polling()
	parked := s.poll(q)
	s.parked(next(t, s.sessions))
	if err := s.engine.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := next(t, parked); got.body != "1" {
		t.Errorf("parked GET: %+v", got)
	}
	c.wantEnd()
	for range 2 {
		if got := next(t, s.closings); !errors.Is(got.cause, engineio.ErrServerClosed) {
			t.Errorf("closed with %+v", got)
		}
	}
	if got := s.request("GET", "EIO=4&transport=polling", ""); got.status != http.StatusServiceUnavailable {
		t.Errorf("handshake: %+v", got)
	}
	if _, err := s.tryDial(direct); err == nil {
		t.Error("a WebSocket was accepted")
	}
}

// TLS connections, HTTP/2, and a ResponseWriter that cannot be hijacked.
func TestOtherConnections(t *testing.T) {
	t.Run("TLS", func(t *testing.T) {
		s := startOn(t, engineio.Config{}, httptest.NewUnstartedServer, (*httptest.Server).StartTLS)
		q := s.polling()
		s.request("POST", q, "4hi")
		if got := s.request("GET", q, ""); got.body != "4hi" {
			t.Errorf("GET: %+v", got)
		}
		if !next(t, s.sessions).Handshake().Secure {
			t.Error("the handshake is not marked as secure")
		}
		d := ws.Dialer{NetDial: nil, TLSConfig: s.client.Transport.(*http.Transport).TLSClientConfig.Clone()}
		d.TLSConfig.NextProtos = nil
		conn, br, _, err := d.Dial(t.Context(), strings.Replace(s.url, "https", "wss", 1)+"?"+direct)
		if err != nil {
			t.Fatal(err)
		}
		c := wrap(t, conn, br)
		c.open()
		big := "4" + strings.Repeat("y", 500_000)
		for _, m := range []string{"4hi", big, "4" + strings.Repeat("z", 200)} {
			c.send(m)
			c.want(m)
		}
		_ = conn.Close()
	})
	t.Run("HTTP/2", func(t *testing.T) {
		s := startOn(t, engineio.Config{}, httptest.NewUnstartedServer, func(h *httptest.Server) { h.EnableHTTP2 = true; h.StartTLS() })
		q := s.polling()
		x := next(t, s.sessions)
		parked := s.poll(q)
		s.parked(x)
		s.request("POST", q, "4hi")
		if got := next(t, parked); got.body != "4hi" {
			t.Errorf("GET: %+v", got)
		}
	})
	t.Run("no hijacking", func(t *testing.T) {
		s := start(t, engineio.Config{Middleware: []func(http.Handler) http.Handler{func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(struct{ http.ResponseWriter }{w}, r) })
		}}})
		q := s.polling()
		s.request("POST", q, "4hi")
		if got := s.request("GET", q, ""); got.body != "4hi" {
			t.Errorf("GET: %+v", got)
		}
		if _, err := s.tryDial(direct); err == nil {
			t.Error("a WebSocket was accepted")
		}
	})
}

// A session that waits for the GET that takes its close packet ends at once when the client closes too.
func TestClosePacketEndsClosingSession(t *testing.T) {
	s := start(t, engineio.Config{Events: engineio.Events{
		Message: func(x *engineio.Session, _ []byte, _ bool) { x.Close() },
	}})
	q := s.polling()
	s.request("POST", q, "4x")
	if got := s.request("POST", q, "1"); got.status != 200 || got.body != "ok" {
		t.Errorf("the close packet is answered %+v", got)
	}
	s.wantClosing(q, engineio.ReasonTransportClose, "")
}

package engineio_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
)

// drain begins to drain all sessions at once and returns what Drain will return.
func (s *server) drain() <-chan error {
	s.Helper()
	done := make(chan error, 1)
	go func() { done <- s.engine.Drain(s.Context(), engineio.DrainOptions{}) }()
	eventually(s.T, "the server drains", s.engine.Draining)
	return done
}

// drained checks that a session ended because of Drain, and then Drain.
func (s *server) drained(done <-chan error) {
	s.Helper()
	if got := next(s.T, s.closings); got.reason != engineio.ReasonForcedClose || !errors.Is(got.cause, engineio.ErrServerClosed) {
		s.Errorf("closed with %+v", got)
	}
	if err := next(s.T, done); err != nil {
		s.Errorf("Drain: %v", err)
	}
}

// 300 polling clients are told to go over 30 s, which is 10 a second.
func TestDrainIsEven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startWT(t, engineio.Config{
			PingInterval: time.Hour,
			Events:       engineio.Events{Connection: func(*engineio.Session) {}},
		})
		const clients, seconds = 300, 30
		for range clients {
			id := sid(t, s.poll("")[1:])
			go s.poll("&sid=" + id)
		}
		synctest.Wait()
		began := time.Now()
		var perSecond [seconds]int
		done := make(chan struct{})
		go func() {
			for range clients {
				<-s.closings
				at := time.Since(began) - time.Second // what is on its way has a second
				perSecond[min(max(at/time.Second, 0), seconds-1)]++
			}
			close(done)
		}()
		if err := s.engine.Drain(t.Context(), engineio.DrainOptions{Over: seconds * time.Second}); err != nil {
			t.Fatal(err)
		}
		<-done
		for i, n := range perSecond {
			if n < 8 || n > 12 {
				t.Errorf("%d sessions were closed in second %d", n, i)
			}
		}
	})
}

func TestDrainRefusesNewSessions(t *testing.T) {
	s := start(t, engineio.Config{})
	if s.engine.Draining() {
		t.Error("it drains")
	}
	if err := s.engine.Drain(t.Context(), engineio.DrainOptions{Over: time.Hour}); err != nil {
		t.Error(err)
	}
	got := s.request("GET", "EIO=4&transport=polling", "")
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "1" {
		t.Errorf("handshake: %+v", got)
	}
	if _, err := s.tryDial(direct); err == nil {
		t.Error("a WebSocket was accepted")
	}
}

// What is queued comes before the close frame, and what the client sends until it has closed arrives.
func TestDrainWebSocket(t *testing.T) {
	for name, mode := range map[string]engineio.ConnectionMode{"auto": engineio.AutoMode, "portable": engineio.PortableMode} {
		t.Run(name, func(t *testing.T) {
			messages := make(chan string, 10)
			s := start(t, engineio.Config{ConnectionMode: mode, Events: engineio.Events{
				Message: func(_ *engineio.Session, data []byte, _ bool) { messages <- string(data) },
			}})
			c := s.dial(direct)
			c.open()
			x := next(t, s.sessions)
			big := strings.Repeat("x", 3<<20) // more than the kernel takes at once
			if err := x.Send([]byte(big), false); err != nil {
				t.Fatal(err)
			}
			done := s.drain()
			c.want("4" + big)
			if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if f, err := ws.ReadFrame(c.r); err != nil || f.Header.OpCode != ws.OpClose || len(f.Payload) > 0 {
				t.Fatalf("frame %+v, %v", f.Header, err)
			}
			if err := x.Send([]byte("too late"), false); !errors.Is(err, engineio.ErrClosed) {
				t.Errorf("Send: %v", err)
			}
			c.send("4before I knew")
			if got := next(t, messages); got != "before I knew" {
				t.Errorf("message %q", got)
			}
			if n := s.engine.Sessions(); n != 1 {
				t.Errorf("%d sessions", n)
			}
			if err := ws.WriteFrame(c.Conn, ws.MaskFrameInPlace(ws.NewCloseFrame(nil))); err != nil {
				t.Fatal(err)
			}
			if f, err := ws.ReadFrame(c.r); err == nil {
				t.Errorf("another frame: %+v", f)
			}
			s.drained(done)
		})
	}
}

// A GET gets what is queued, the next one the close packet, and a POST that was on its way arrives.
func TestDrainPolling(t *testing.T) {
	messages := make(chan string, 10)
	s := start(t, engineio.Config{Events: engineio.Events{
		Message: func(_ *engineio.Session, data []byte, _ bool) { messages <- string(data) },
	}})
	q := s.polling()
	x := next(t, s.sessions)
	if err := x.Send([]byte("last words"), false); err != nil {
		t.Fatal(err)
	}
	done := s.drain()
	eventually(t, "Drain comes to the session", x.Closed)
	if got := s.request("GET", q, ""); got.body != "4last words" {
		t.Errorf("1st GET: %+v", got)
	}
	if got := s.request("GET", q, ""); got.body != "6\x1e1" {
		t.Errorf("2nd GET: %+v", got)
	}
	if got := s.request("POST", q, "4before I knew"); got.body != "ok" {
		t.Errorf("POST: %+v", got)
	}
	if got := next(t, messages); got != "before I knew" {
		t.Errorf("message %q", got)
	}
	s.drained(done)
	if got := s.request("POST", q, "4too late"); got.status != http.StatusBadRequest {
		t.Errorf("POST: %+v", got)
	}
}

// A parked GET is answered. A client that goes on polling gets the same answer and extends nothing.
func TestDrainParkedPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startWT(t, engineio.Config{})
		id := sid(t, s.poll("")[1:])
		began := time.Now()
		done := make(chan error, 1)
		parked := make(chan string, 1)
		go func() { parked <- s.poll("&sid=" + id) }()
		synctest.Wait()
		go func() { done <- s.engine.Drain(t.Context(), engineio.DrainOptions{}) }()
		if got := <-parked; got != "1" {
			t.Errorf("parked GET: %q", got)
		}
		for range 3 {
			if got := s.poll("&sid=" + id); got != "6\x1e1" {
				t.Errorf("GET: %q", got)
			}
			time.Sleep(300 * time.Millisecond)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v", took)
		}
		if cause := s.wantClosing(engineio.ReasonForcedClose); !errors.Is(cause, engineio.ErrServerClosed) {
			t.Errorf("cause %v", cause)
		}
	})
}

// A session that is being upgraded is closed on the transport that it is on then.
func TestDrainDuringUpgrade(t *testing.T) {
	for _, completes := range []bool{true, false} {
		s := start(t, engineio.Config{})
		q := s.polling()
		x := next(t, s.sessions)
		parked := s.poll(q)
		s.parked(x)
		c := s.dial(strings.Replace(q, "polling", "websocket", 1))
		c.send("2probe")
		c.want("3probe")
		if completes { // the client stops polling and upgrades before it knows
			if got := next(t, parked); got.body != "6" {
				t.Errorf("GET: %+v", got)
			}
		}
		done := s.drain()
		if completes {
			c.send("5")
		} else if got := next(t, parked); got.body != "1" && got.body != "6" {
			t.Errorf("GET: %+v", got)
		} else if got.body == "6" { // a release came first
			if got := s.request("GET", q, ""); got.body != "6\x1e1" {
				t.Errorf("GET: %+v", got)
			}
		}
		if code := c.wantEnd(); code != ws.StatusNoStatusRcvd {
			t.Errorf("close code %d", code)
		}
		s.drained(done)
	}
}

func TestDrainWebTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startWT(t, engineio.Config{})
		c, _ := s.direct()
		done := make(chan error, 1)
		go func() { done <- s.engine.Drain(t.Context(), engineio.DrainOptions{}) }()
		if got := c.read(); got != "2" {
			t.Errorf("got %q", got)
		}
		c.send("\x054last")
		if got := <-s.messages; got != "falselast" {
			t.Errorf("message %q", got)
		}
		c.send("\x013")
		if cause := s.wantClosing(engineio.ReasonForcedClose); !errors.Is(cause, engineio.ErrServerClosed) {
			t.Errorf("cause %v", cause)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Drain returns when its context ends. Clients that did not have their turn stay; Shutdown ends them, and those that
// do not answer.
func TestDrainEnds(t *testing.T) {
	s := start(t, engineio.Config{})
	s.dial(direct).open() // never answers a close frame
	first := next(t, s.sessions)
	done := s.drain()
	eventually(t, "Drain comes to the session", first.Closed)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.engine.Drain(ctx, engineio.DrainOptions{Over: time.Hour}); !errors.Is(err, context.Canceled) {
		t.Errorf("Drain: %v", err)
	}
	if err := s.engine.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	s.drained(done)

	s = start(t, engineio.Config{})
	q := s.polling() // it is announced when the answer to its handshake has come
	if err := s.engine.Drain(ctx, engineio.DrainOptions{Over: time.Hour}); !errors.Is(err, context.Canceled) {
		t.Errorf("Drain: %v", err)
	}
	s.request("POST", q, "4still here")
	if got := s.request("GET", q, ""); got.body != "4still here" {
		t.Errorf("GET: %+v", got)
	}
}

// A handshake that is under way when Drain begins makes no session that Drain leaves.
func TestDrainDuringHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, release := make(chan struct{}), make(chan struct{})
		s := startWT(t, engineio.Config{GenerateID: func(*http.Request) (string, error) {
			close(began)
			<-release
			return "id", nil
		}})
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, engineio.DefaultPath+"?EIO=4&transport=polling", nil)
		go s.engine.ServeHTTP(w, r)
		<-began
		done := make(chan error, 1)
		go func() { done <- s.engine.Drain(t.Context(), engineio.DrainOptions{Over: time.Hour}) }()
		synctest.Wait()
		close(release)
		synctest.Wait()
		if got := s.poll("&sid=id"); got != "6\x1e1" {
			t.Errorf("GET: %q", got)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
